/** `staddle doctor`: whether a host is fit for Staddle. */

import type { Context } from "../context.ts";
import { doctorText } from "../render/doctor_text.ts";
import { listenForStop } from "../signals.ts";

/** libvirt on this machine. */
const LOCAL = "qemu:///system";

/** Asks the host, and says what was found and what to do about it. */
export async function doctor(
  this: Context,
  flags: { readonly json?: boolean },
  uri: string = LOCAL,
): Promise<void> {
  using stop = listenForStop();
  const { kvm } = await import("../../providers/kvm/mod.ts");
  await using provider = kvm();
  const host = { name: uri, uri };
  const options = { signal: stop.cancel, baseDirectory: Deno.cwd() };
  const report = await provider.diagnose(host, options);
  this.terminal.print(
    flags.json ? JSON.stringify(report, null, 2) : doctorText(report, this.terminal.style),
  );
  if (report.checks.some(({ status }) => status === "fail")) this.setExitCode(1);
}
