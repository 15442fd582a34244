/**
 * How libvirt's daemons are started: one for everything (libvirtd: Debian, Ubuntu), or one for each driver
 * (virtqemud and its like: Fedora, openSUSE, Arch).
 *
 * @module
 */

/** Starts a daemon for each driver. */
export const START_MODULAR =
  "systemctl enable --now virtlogd.socket virtqemud.socket virtnetworkd.socket " +
  "virtstoraged.socket virtnodedevd.socket virtsecretd.socket virtnwfilterd.socket";

const START_MONOLITHIC = "systemctl enable --now libvirtd";

/** What to run where a daemon is installed and does not run; nothing known of it: libvirtd. */
export function startAdvice(daemons: readonly string[] = ["libvirtd"]): string {
  return daemons.includes("libvirtd")
    ? `${START_MONOLITHIC} (without systemd: virtlogd -d && libvirtd -d)`
    : START_MODULAR;
}
