/**
 * Why libvirt does not answer on a host that does: no daemon, no permission, no forwarding.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { HostDeclaration } from "../../provider.ts";
import type { LibvirtLibraryError } from "../libvirt/mod.ts";
import { startAdvice } from "./daemons.ts";
import { type LibvirtFailure, libvirtLine } from "./failure.ts";
import type { Survey } from "./ssh.ts";

const INSTALL =
  "install and start it: Debian and Ubuntu: libvirt-daemon-system; Fedora: libvirt-daemon-kvm";

function make(
  host: HostDeclaration,
  init: {
    code: string;
    problem: string;
    details: readonly string[];
    help: string;
    cause?: unknown;
  },
): StaddleError {
  return new StaddleError({
    code: init.code,
    summary: `cannot reach libvirt on host "${host.name}": ${init.problem}`,
    where: [`host ${host.name} (${host.uri})`],
    details: init.details,
    help: init.help,
    cause: init.cause,
  });
}

/** libvirt on this very machine did not let us in. */
export function localUnreachable(host: HostDeclaration, failure: LibvirtFailure): StaddleError {
  const details = [libvirtLine(failure)];
  const cause = failure;
  if (
    /Permission denied|authentication (failed|unavailable)|access denied/i.test(failure.message)
  ) {
    return make(host, {
      code: "kvm.permission",
      problem: "this user may not use its socket",
      details,
      help:
        "add the user to the group libvirt and log in again (usermod -aG libvirt USER), or run as root",
      cause,
    });
  }
  if (/No such file or directory|Connection refused/i.test(failure.message)) {
    return make(host, {
      code: "kvm.no-libvirt",
      problem: "no daemon listens there",
      details,
      // libvirt's client looks for virtqemud's socket where that is installed, else for libvirtd's.
      help: `start it (${
        startAdvice(/virtqemud-sock/.test(failure.message) ? ["virtqemud"] : undefined)
      }), or ${INSTALL}`,
      cause,
    });
  }
  return make(host, {
    code: "kvm.no-libvirt",
    problem: "the connection cannot be opened",
    details,
    help: `check the URI, ${host.uri}`,
    cause,
  });
}

/**
 * libvirt behind an SSH connection did not let us in.
 *
 * @param survey what the host said about the sockets; undefined: no command may be run there
 */
export function remoteUnreachable(
  host: HostDeclaration,
  destination: string,
  failure: LibvirtFailure,
  survey: Survey | undefined,
): StaddleError {
  const cause = failure;
  if (survey === undefined) {
    return make(host, {
      code: "kvm.no-libvirt",
      problem: "none of its sockets could be opened through SSH",
      details: [
        libvirtLine(failure),
        "the host does not let this user run commands, so it cannot tell why",
      ],
      help: "check on the host that libvirt runs, and that sshd allows AllowStreamLocalForwarding",
      cause,
    });
  }
  const { user, sockets, daemons } = survey;
  const details = [...sockets].map(([path, state]) => `${path}: ${DESCRIBED[state]}`);
  const has = (wanted: string) => [...sockets.values()].some((state) => state === wanted);
  if (has("listening")) {
    return make(host, {
      code: "ssh.forwarding-forbidden",
      problem: "its sshd does not forward libvirt's socket",
      details,
      help:
        "on the host, sshd_config must allow it for this user: AllowStreamLocalForwarding yes, AllowTcpForwarding yes, " +
        "and no DisableForwarding; a key's options in authorized_keys count, too",
      cause,
    });
  }
  if (has("denied")) {
    return make(host, {
      code: "kvm.permission",
      problem: `the user ${user} may not use its socket`,
      details,
      help: `on the host: usermod -aG libvirt ${user}, then connect again; or log in as root`,
      cause,
    });
  }
  return make(host, {
    code: "kvm.no-libvirt",
    problem: daemons.length === 0
      ? "it is not installed there"
      : `${daemons.join(", ")} is installed, but does not run`,
    details,
    help: daemons.length === 0 ? INSTALL : `on the host (${destination}): ${startAdvice(daemons)}`,
    cause,
  });
}

const DESCRIBED = {
  absent: "absent",
  denied: "there, and not to be written to by this user",
  dead: "there, and nobody listens",
  listening: "there, and someone listens",
} as const;

/** libvirt's own client library is not to be had on this machine. */
export function noLibrary(host: HostDeclaration, error: LibvirtLibraryError): StaddleError {
  return new StaddleError({
    code: "kvm.no-library",
    summary:
      `cannot reach host "${host.name}": libvirt's client library cannot be loaded on this machine`,
    where: [`host ${host.name} (${host.uri})`],
    details: [error.message],
    help: /--allow-/.test(error.message)
      ? "run with -P, or with the permission that is named above"
      : "install it (Debian and Ubuntu: libvirt0), or let STADDLE_LIBVIRT name its file",
    cause: error,
  });
}
