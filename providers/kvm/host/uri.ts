/**
 * What a host's libvirt URI says: where the daemon is, how it is reached, and which of libvirt's
 * own URI parameters are honoured.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";

/** The way to a libvirt daemon. */
export interface HostUri {
  /** The URI as declared. */
  readonly text: string;
  /** libvirt's driver: `qemu`, `test`, … */
  readonly driver: string;
  /**
   * `local`: opened as it is; `ssh`: through an OpenSSH client of ours; `other`: libvirt's own
   * transport (TLS, TCP), opened as it is.
   */
  readonly transport: "local" | "ssh" | "other";
  /** `system`, `session`, or what stands in the URI's path for other drivers. */
  readonly path: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly port?: number;
  /** `keyfile=` of an SSH URI. */
  readonly keyfile?: string;
  /** `known_hosts=` of an SSH URI. */
  readonly knownHosts?: string;
  /** `socket=` of an SSH URI: the daemon's socket on the host. */
  readonly socket?: string;
}

const HONOURED = "keyfile, known_hosts, socket, no_tty";

/** Parameters that an SSH URI may carry without any effect here: what they ask for is so anyway. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  no_tty: ["0", "1"],
  no_verify: ["0"],
  known_hosts_verify: ["normal"],
};

function unusable(name: string, uri: string, summary: string, help: string): StaddleError {
  return new StaddleError({
    code: "kvm.uri",
    summary,
    where: [`host ${name} (${uri})`],
    help,
  });
}

/**
 * Reads a libvirt URI.
 *
 * @throws {StaddleError} `kvm.uri` when it is none, or asks for something that is not honoured.
 */
export function parseHostUri(host: { readonly name: string; readonly uri: string }): HostUri {
  const { name, uri } = host;
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw unusable(
      name,
      uri,
      `host "${name}": "${uri}" is no libvirt URI`,
      "write for example qemu:///system or qemu+ssh://root@kvm1/system",
    );
  }
  const [driver = "", transport] = url.protocol.slice(0, -1).split("+");
  const path = url.pathname.replace(/^\/+/, "");
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const base = {
    text: uri,
    driver,
    path,
    ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
    ...(hostname === "" ? {} : { hostname: decodeURIComponent(hostname) }),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
  };
  if (transport !== "ssh") {
    const local = transport === "unix" || (transport === undefined && hostname === "");
    return { ...base, transport: local ? "local" : "other" };
  }

  if (base.hostname === undefined) {
    throw unusable(
      name,
      uri,
      `host "${name}": an SSH URI needs a host name`,
      "write for example qemu+ssh://root@kvm1/system",
    );
  }
  if (url.password !== "") {
    throw unusable(
      name,
      uri.replace(url.password, "…"),
      `host "${name}": a password in a URI is not used`,
      "log in with a key: name it by ssh.identityFile, load it into ssh-agent, or put it into ~/.ssh/config",
    );
  }
  if (driver !== "qemu" || (path !== "system" && path !== "session")) {
    throw unusable(
      name,
      uri,
      `host "${name}": the path of an SSH URI is system or session, and its driver qemu`,
      `write qemu+ssh://${url.host}/system`,
    );
  }
  const params = new Map<string, string>();
  for (const [key, value] of url.searchParams) {
    if (["keyfile", "known_hosts", "socket"].includes(key)) {
      params.set(key, value);
    } else if (!(HARMLESS[key]?.includes(value) ?? false)) {
      throw unusable(
        name,
        uri,
        `host "${name}": the URI's parameter ${key}=${value} is not honoured`,
        key === "no_verify" || key === "known_hosts_verify"
          ? "host keys are always verified: name a file that has the key by ssh.knownHosts"
          : `honoured in an SSH URI: ${HONOURED}; everything else about SSH stands in ~/.ssh/config, ` +
            "or in the file that ssh.configFile names",
      );
    }
  }
  const socket = params.get("socket");
  if (socket !== undefined && path === "session") {
    throw unusable(
      name,
      uri,
      `host "${name}": socket= cannot be had with a session daemon`,
      "leave socket= out: libvirt finds the session's own socket on the host",
    );
  }
  return {
    ...base,
    transport: "ssh",
    ...(params.has("keyfile") ? { keyfile: params.get("keyfile") } : {}),
    ...(params.has("known_hosts") ? { knownHosts: params.get("known_hosts") } : {}),
    ...(socket === undefined ? {} : { socket }),
  };
}

/** True for `qemu:///system` and whatever else runs on this very machine. */
export function isLocal(uri: HostUri): boolean {
  return uri.transport === "local";
}
