/**
 * libvirt's errors as errors for a person: which host, which object, what was attempted, libvirt's
 * own code and words, and what to do about the well-known ones.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { LibvirtError } from "../libvirt/mod.ts";
import { ErrorCode, ErrorDomain } from "../libvirt/error_names.ts";
import { START_MODULAR } from "./daemons.ts";

/** What libvirt said: the fields of the binding's own error. */
export interface LibvirtFailure {
  readonly code: number;
  readonly domain: number;
  readonly message: string;
  /** The C function that failed. */
  readonly call?: string;
}

/** What the binding's error says. */
export function asFailure(error: LibvirtError): LibvirtFailure {
  return {
    code: error.code,
    domain: error.domain,
    message: error.libvirtMessage,
    call: error.call,
  };
}

/** What was being done when it failed. */
export interface Attempt {
  /** Name of the host in the stack. */
  readonly host: string;
  /** URI as declared. */
  readonly uri: string;
  /** A verb and its object, for example `define machine "web-0"`. */
  readonly doing: string;
  /** Address of the resource, if it was done for one. */
  readonly address?: string;
  /** Where the resource was declared. */
  readonly declaredAt?: string;
}

interface Known {
  readonly code: string;
  readonly matches: (failure: LibvirtFailure) => boolean;
  readonly help: string;
}

const says = (...patterns: readonly RegExp[]) => ({ message }: LibvirtFailure) =>
  patterns.some((pattern) => pattern.test(message));
const isCode = (...codes: readonly number[]) => ({ code }: LibvirtFailure) => codes.includes(code);

/** Sockets of daemons that stand beside the one that is connected to. */
const BESIDE = /virt(log|lock|network|storage|secret|nodedev|nwfilter|interface)d-sock/;

/** True when the error means that the connection is gone, not that the call was refused. */
export function isConnectionLoss({ code, domain, message }: LibvirtFailure): boolean {
  // The daemon's own way to another daemon of its host: it answered.
  if (BESIDE.test(message)) return false;
  return code === ErrorCode.VIR_ERR_INVALID_CONN ||
    (domain === ErrorDomain.VIR_FROM_RPC &&
      (code === ErrorCode.VIR_ERR_SYSTEM_ERROR || code === ErrorCode.VIR_ERR_RPC ||
        code === ErrorCode.VIR_ERR_INTERNAL_ERROR)) ||
    /client socket is closed|End of file while reading data|connection closed due to keepalive|Cannot (recv|write) data: /
      .test(message);
}

const LOST_HELP =
  "check that the host is up and libvirt runs there, then run the same command again: " +
  "it goes on where it stopped";

/** From the most particular to the most general. */
const KNOWN: readonly Known[] = [
  {
    code: "kvm.connection-lost",
    matches: isConnectionLoss,
    help: LOST_HELP,
  },
  {
    code: "kvm.no-space",
    matches: says(/No space left on device/i, /Disk quota exceeded/i),
    help:
      "make room on the host, or use a pool on a larger file system; what was half written is found and redone",
  },
  {
    code: "kvm.no-virtlogd",
    matches: says(/virtlogd-sock/),
    help:
      "start virtlogd on the host (systemctl enable --now virtlogd.socket): QEMU's output goes through it",
  },
  {
    code: "kvm.no-daemon",
    matches: says(BESIDE),
    help: `the host has a daemon for each driver, and this one does not run: ${START_MODULAR}`,
  },
  {
    code: "kvm.no-driver",
    matches: says(
      /not supported by the connection driver: vir(ConnectListAll)?(Network|Storage|Secret|NWFilter|NodeDev)/,
    ),
    help:
      "the host's libvirt has no driver for it: install it (Debian 13: libvirt-daemon-driver-network, -storage, " +
      "-secret, -nwfilter, -nodedev; libvirt-daemon-system brings them all), then restart the daemon",
  },
  {
    code: "kvm.no-dnsmasq",
    matches: says(
      /dnsmasq.*(not found|No such file|cannot find|Failed to find)/i,
      /(find|check) .*dnsmasq/i,
    ),
    help:
      "install dnsmasq on the host (Debian and Ubuntu: dnsmasq-base): it serves DHCP and DNS of networks",
  },
  {
    code: "kvm.address-in-use",
    matches: says(/Network is already in use by interface/i, /Address already in use/i),
    help:
      "another network or interface of the host has this subnet, bridge or port: declare another one",
  },
  {
    code: "kvm.bridge-in-use",
    matches: says(/bridge name '.*' already in use/i),
    help: "another network of the host has this bridge: declare another name, or leave bridge out",
  },
  {
    code: "kvm.kvm-refused",
    matches: says(/Could not access KVM kernel module/i, /failed to initialize kvm/i),
    help:
      "QEMU's user must be able to open /dev/kvm (mode 0660, group kvm); staddle doctor tells what is in the way",
  },
  {
    code: "kvm.image-in-use",
    matches: says(
      /Failed to get ".*" lock/i,
      /Failed to lock byte/i,
      /Is another process using the image/i,
    ),
    help:
      "another QEMU has this volume open: stop that guest, or give each machine a volume of its own",
  },
  {
    code: "kvm.no-memory",
    matches: says(/Cannot allocate memory/i, /cannot set up guest memory/i),
    help: "the host has not enough free memory for this guest: declare less, or stop other guests",
  },
  {
    code: "kvm.file-permission",
    matches: says(/Permission denied/i),
    help:
      "QEMU runs as a user of its own on the host (libvirt-qemu or qemu), which must be able to read this file and enter " +
      "every folder above it",
  },
  {
    code: "kvm.denied",
    matches: isCode(
      ErrorCode.VIR_ERR_ACCESS_DENIED,
      ErrorCode.VIR_ERR_OPERATION_DENIED,
      ErrorCode.VIR_ERR_AUTH_FAILED,
      ErrorCode.VIR_ERR_AUTH_CANCELLED,
      ErrorCode.VIR_ERR_AUTH_UNAVAILABLE,
    ),
    help: "this user may not do that on the host: be root there or a member of the group libvirt",
  },
  {
    code: "kvm.timeout",
    matches: isCode(ErrorCode.VIR_ERR_OPERATION_TIMEOUT),
    help: "the host is busy: run the same command again",
  },
  {
    code: "kvm.busy",
    matches: isCode(ErrorCode.VIR_ERR_RESOURCE_BUSY),
    help: "something else works on this object: wait for it, then run the same command again",
  },
  {
    code: "kvm.agent-unresponsive",
    matches: isCode(ErrorCode.VIR_ERR_AGENT_UNRESPONSIVE, ErrorCode.VIR_ERR_AGENT_UNSYNCED),
    help:
      "the guest's agent does not answer: see that qemu-guest-agent is installed and runs in the guest",
  },
  {
    code: "kvm.exists",
    matches: (failure) =>
      isCode(
        ErrorCode.VIR_ERR_DOM_EXIST,
        ErrorCode.VIR_ERR_NETWORK_EXIST,
        ErrorCode.VIR_ERR_STORAGE_VOL_EXIST,
      )(failure) || /already (exists|defined)/.test(failure.message),
    help:
      "the host has something else under this name or UUID: declare another name, or remove that one",
  },
  {
    code: "kvm.gone",
    matches: isCode(
      ErrorCode.VIR_ERR_NO_DOMAIN,
      ErrorCode.VIR_ERR_NO_NETWORK,
      ErrorCode.VIR_ERR_NO_STORAGE_POOL,
      ErrorCode.VIR_ERR_NO_STORAGE_VOL,
    ),
    help: "it was there when the plan was made: plan again",
  },
  {
    code: "kvm.xml-refused",
    matches: isCode(
      ErrorCode.VIR_ERR_XML_ERROR,
      ErrorCode.VIR_ERR_XML_DETAIL,
      ErrorCode.VIR_ERR_XML_INVALID_SCHEMA,
    ),
    help:
      "the host's libvirt does not take this definition: see which field it names, and the host's libvirt version",
  },
  {
    code: "kvm.unsupported",
    matches: isCode(
      ErrorCode.VIR_ERR_CONFIG_UNSUPPORTED,
      ErrorCode.VIR_ERR_OPERATION_UNSUPPORTED,
      ErrorCode.VIR_ERR_NO_SUPPORT,
      ErrorCode.VIR_ERR_ARGUMENT_UNSUPPORTED,
    ),
    help: "the host's libvirt or QEMU cannot do this: declare it otherwise, or use a newer host",
  },
];

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** libvirt's code and words, on one line. */
export function libvirtLine({ code, message, call }: LibvirtFailure): string {
  return `libvirt: ${call === undefined ? "" : `${call}: `}${message.trim()} (${
    names.get(code) ?? "code"
  } ${code})`;
}

const UNKNOWN_HELP =
  "cure what it names, then run the same command again; the host's log may say more (journalctl -u libvirtd, or " +
  "virtqemud, virtnetworkd, virtstoraged)";

/** Makes the error for a person of what libvirt said. */
export function libvirtError(failure: LibvirtFailure, attempt: Attempt): StaddleError {
  const known = KNOWN.find(({ matches }) => matches(failure));
  return new StaddleError({
    code: known?.code ?? "kvm.libvirt",
    summary: `cannot ${attempt.doing} on host "${attempt.host}": ${failure.message.trim()}`,
    where: [
      ...(attempt.address === undefined ? [] : [attempt.address]),
      `host ${attempt.host} (${attempt.uri})`,
      ...(attempt.declaredAt === undefined ? [] : [attempt.declaredAt]),
    ],
    details: [libvirtLine(failure)],
    help: known?.help ?? UNKNOWN_HELP,
    cause: failure,
  });
}

/** A call that was under way when another one found the connection broken. */
export function connectionLost(
  host: { readonly name: string; readonly uri: string },
  doing: string,
  address: string | undefined,
  cause: unknown,
): StaddleError {
  return new StaddleError({
    code: "kvm.connection-lost",
    summary: `cannot ${doing} on host "${host.name}": the connection was lost`,
    where: [...(address === undefined ? [] : [address]), `host ${host.name} (${host.uri})`],
    details: [cause instanceof Error ? cause.message : String(cause)],
    help: LOST_HELP,
    cause,
  });
}

const TRANSIENT: ReadonlySet<string> = new Set([
  "kvm.connection-lost",
  "kvm.timeout",
  "kvm.busy",
  "kvm.agent-unresponsive",
  "ssh.lost",
]);

/** Whether trying again may help: the host was busy, or the connection broke. */
export function isTransient(error: StaddleError): boolean {
  return TRANSIENT.has(error.code);
}
