/**
 * What an OpenSSH client said, as an error for a person.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";

/** What is known when an SSH connection has failed. */
export interface SshFailure {
  /** Name of the host in the stack. */
  readonly host: string;
  /** The URI as declared. */
  readonly uri: string;
  /** `user@name:port` as far as it was declared. */
  readonly destination: string;
  /** Everything that `ssh -v` wrote, debug lines included. */
  readonly lines: readonly string[];
  /** Exit status; absent: it was stopped because it took too long. */
  readonly status?: number;
  /** Seconds that it was given. */
  readonly timeout: number;
}

/** Kind, fingerprint (`SHA256:…`) of the host key that was offered last, from `ssh -v`. */
export function offeredHostKey(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => line.startsWith("debug1: Server host key: "))
    ?.slice("debug1: Server host key: ".length).trim();
}

/** The lines that ssh means for people, without the debug lines and without banners' frames. */
export function spoken(lines: readonly string[]): string[] {
  return lines.filter((line) =>
    !/^(debug\d:|OpenSSH_|@+$|Authenticated to |Transferred: |Bytes per second|pledge:)/.test(
      line,
    ) &&
    !/^@ .* @$/.test(line) && line.trim() !== ""
  );
}

interface Verdict {
  readonly code: string;
  readonly problem: string;
  readonly details?: readonly string[];
  readonly help: string;
}

/** The names under which keys are looked up: `name`, or `[name]:port` beside the standard port. */
function lookupName(failure: SshFailure): string {
  const connecting = failure.lines.findLast((line) =>
    line.startsWith("debug1: Authenticating to ")
  );
  const match = connecting?.match(/^debug1: Authenticating to (.+):(\d+) as /);
  if (match === null || match === undefined) return failure.destination;
  return match[2] === "22" ? match[1]! : `[${match[1]}]:${match[2]}`;
}

function hostKeyVerdict(failure: SshFailure): Verdict | undefined {
  const { lines } = failure;
  const key = offeredHostKey(lines) ?? "an unknown key";
  const name = lookupName(failure);
  if (lines.some((line) => line.includes("REVOKED HOST KEY"))) {
    return {
      code: "ssh.host-key-changed",
      problem: `the host's key has been revoked: ${key}`,
      details: spoken(lines).filter((line) =>
        /marked as revoked|Offending|revoked host key/i.test(line)
      ),
      help: "do not connect; ask whoever runs the host for its new key",
    };
  }
  const changed = lines.some((line) =>
    line.includes("REMOTE HOST IDENTIFICATION HAS CHANGED") ||
    / has changed and you have requested/.test(line)
  );
  if (changed) {
    const offending = lines.find((line) => /^Offending .* in /.test(line));
    return {
      code: "ssh.host-key-changed",
      problem: `the host offers another key than the one that is known: ${key}`,
      details: offending === undefined ? [] : [`known: ${offending.replace(/^Offending /, "")}`],
      help:
        "someone may be listening in, or the host was installed anew: compare the fingerprint with the host's own " +
        `(there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); if it is right, ssh-keygen -R '${name}' forgets the old key`,
    };
  }
  const unknown = lines.some((line) =>
    /^No .* host key is known for /.test(line) || line === "Host key verification failed."
  );
  if (unknown) {
    return {
      code: "ssh.host-key-unknown",
      problem: `the host's key is not known: ${key}`,
      help:
        "compare the fingerprint with the host's own (there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then " +
        "accept it once with ssh, or name a file that has it by ssh.knownHosts",
    };
  }
  return undefined;
}

function authVerdict(failure: SshFailure): Verdict | undefined {
  const { lines } = failure;
  const refused = lines.findLast((line) =>
    /Permission denied \(/.test(line) || /Too many authentication failures/.test(line) ||
    /^debug1: No more authentication methods to try/.test(line)
  );
  if (refused === undefined) return undefined;
  const offered = lines.filter((line) => line.startsWith("debug1: Offering public key: "))
    .map((line) => `offered: ${line.slice("debug1: Offering public key: ".length)}`);
  const trouble = spoken(lines).filter((line) =>
    /not accessible|UNPROTECTED|bad permissions|are too open|Load key|invalid format|error in libcrypto/i
      .test(line)
  );
  return {
    code: "ssh.auth-refused",
    problem: "the host refused the login",
    details: [
      ...(refused.startsWith("debug1:") ? [] : [refused]),
      ...(offered.length === 0 ? ["offered: no key"] : offered),
      ...trouble,
    ],
    help:
      "put a key that the host accepts into ssh-agent or ~/.ssh/config, or name it by ssh.identityFile; a key with a " +
      "passphrase must be in the agent, for nobody is asked here",
  };
}

function networkVerdict(failure: SshFailure): Verdict | undefined {
  const { lines, timeout } = failure;
  const unresolved = lines.find((line) => /Could not resolve hostname/.test(line));
  if (unresolved !== undefined) {
    return {
      code: "ssh.name-unknown",
      problem: "the host's name is not known",
      details: [unresolved.replace(/^ssh: /, "")],
      help: "check the name in the URI; a short name can stand in ~/.ssh/config or /etc/hosts",
    };
  }
  const help =
    "check that the host is up, that sshd runs there and on this port, and that no firewall stands between";
  const connect = lines.findLast((line) => /^ssh: connect to host /.test(line));
  // ssh gives up at the same moment as this side does: either may be the first to say so.
  const gaveUp = connect?.endsWith("Connection timed out") === true;
  if (connect !== undefined && !gaveUp) {
    return {
      code: "ssh.unreachable",
      problem: "the host cannot be reached",
      details: [connect.replace(/^ssh: /, "")],
      help,
    };
  }
  const timedOut = gaveUp || failure.status === undefined ||
    lines.some((line) =>
      /timed out during banner exchange|^Connection timed out|Operation timed out/.test(line)
    );
  if (timedOut) {
    return {
      code: "ssh.unreachable",
      problem: `the host did not answer within ${timeout} s`,
      help: `${help}; connectTimeout sets how long to wait`,
    };
  }
  const closed = lines.findLast((line) =>
    /^(kex_exchange_identification|ssh_exchange_identification|banner exchange): |^Connection (closed|reset) by|^ssh_dispatch_run_fatal/
      .test(line)
  );
  if (closed !== undefined) {
    return {
      code: "ssh.unreachable",
      problem: "the connection broke before login",
      details: [closed],
      help: `${help}; a jump host that cannot reach the host looks like this, too`,
    };
  }
  return undefined;
}

/** Reads what ssh said and makes the error of it. */
export function sshError(failure: SshFailure): StaddleError {
  const { host, uri, destination, lines, status } = failure;
  const verdict: Verdict = status === 127
    ? {
      code: "ssh.missing",
      problem: "there is no ssh client on this machine",
      help:
        "install OpenSSH's client (Debian and Ubuntu: openssh-client) and see that ssh is in PATH",
    }
    : hostKeyVerdict(failure) ?? authVerdict(failure) ?? networkVerdict(failure) ?? {
      code: lines.some((line) =>
          /bad configuration option|Can't open user config file|terminating,/i.test(line)
        )
        ? "ssh.config"
        : "ssh.failed",
      problem: status === undefined ? "ssh did not finish" : `ssh ended with status ${status}`,
      details: spoken(lines).slice(-5),
      help: `try the same by hand: ssh -v ${destination}`,
    };
  return new StaddleError({
    code: verdict.code,
    summary: `cannot reach host "${host}" by SSH (${destination}): ${verdict.problem}`,
    where: [`host ${host} (${uri})`],
    ...(verdict.details === undefined ? {} : { details: verdict.details }),
    help: verdict.help,
  });
}
