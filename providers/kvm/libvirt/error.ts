/**
 * The errors of the libvirt binding.
 *
 * @module
 */

import type { CallFailure, Failure, MissingSymbol } from "./failure.ts";
import { ErrorCode, errorCodeName, ErrorDomain, errorDomainName } from "./error_names.ts";
import { OLDEST_LIBVIRT } from "./since.ts";

/** A libvirt call that failed: the error that libvirt itself left for that very call. */
export class LibvirtError extends Error {
  /** Always `LibvirtError`. */
  override readonly name: string = "LibvirtError";
  /** `virErrorNumber`, for example 42. */
  readonly code: number;
  /** Its name, for example `VIR_ERR_NO_DOMAIN`. */
  readonly codeName: string;
  /** `virErrorDomain`: the part of libvirt that the error comes from. */
  readonly domain: number;
  /** Its name, for example `VIR_FROM_QEMU`. */
  readonly domainName: string;
  /** `virErrorLevel`: 1 warning, 2 error. */
  readonly level: number;
  /** libvirt's own message, unchanged. */
  readonly libvirtMessage: string;
  /** The C function that failed, for example `virDomainDefineXMLFlags`. */
  readonly call: string;
  /** The connection's URI. */
  readonly uri: string | undefined;

  /** An error from what libvirt left behind, and the URI of the connection. */
  constructor(failure: Omit<CallFailure, "kind">, uri?: string) {
    const codeName = errorCodeName(failure.code);
    const domainName = errorDomainName(failure.domain);
    const text = failure.message === "" ? "libvirt gave no message" : failure.message;
    const where = uri === undefined ? "" : ` on ${uri}`;
    super(`${failure.call}${where}: ${text} (${codeName}, ${failure.code}, ${domainName})`);
    this.code = failure.code;
    this.codeName = codeName;
    this.domain = failure.domain;
    this.domainName = domainName;
    this.level = failure.level;
    this.libvirtMessage = failure.message;
    this.call = failure.call;
    this.uri = uri;
  }
}

/** The library, or a symbol in it, cannot be found or loaded. The message says what to install. */
export class LibvirtLibraryError extends Error {
  /** Always `LibvirtLibraryError`. */
  override readonly name: string = "LibvirtLibraryError";
  /** The file that was asked for. */
  readonly library: string;
  /** The symbol that is missing, if the library itself was found. */
  readonly symbol: string | undefined;
  /** The libvirt version that brought the symbol, if it is newer than the oldest one supported. */
  readonly since: string | undefined;

  /** An error that says all in its message. */
  constructor(
    message: string,
    init: { library: string; symbol?: string; since?: string; cause?: unknown },
  ) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.library = init.library;
    this.symbol = init.symbol;
    this.since = init.since;
  }
}

/** Something was used after it had been closed or disposed of. */
export class LibvirtClosedError extends Error {
  /** Always `LibvirtClosedError`. */
  override readonly name: string = "LibvirtClosedError";
}

/** A connection could not be opened within the time given. */
export class LibvirtTimeoutError extends Error {
  /** Always `LibvirtTimeoutError`. */
  override readonly name: string = "LibvirtTimeoutError";
  /** The URI that was to be opened. */
  readonly uri: string;
  /** Milliseconds. */
  readonly timeout: number;

  /** An error for an open that took longer than `timeout` milliseconds. */
  constructor(uri: string, timeout: number) {
    super(`Cannot connect to ${uri}: no answer within ${timeout} ms`);
    this.uri = uri;
    this.timeout = timeout;
  }
}

/** A local file that a transfer reads or writes failed in mid-transfer. */
export class LibvirtFileError extends Error {
  /** Always `LibvirtFileError`. */
  override readonly name: string = "LibvirtFileError";
  /** `errno`, for example 28 (`ENOSPC`). */
  readonly errno: number;

  /** An error for what could not be done, with `errno`. */
  constructor(what: string, errno: number) {
    super(`Cannot ${what}: ${ERRNO[errno] ?? "the system refused"} (errno ${errno})`);
    this.errno = errno;
  }
}

const ERRNO: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  5: "input/output error",
  13: "permission denied",
  21: "it is a directory",
  27: "the file is too large",
  28: "no space left on device",
  30: "the file system is read-only",
  122: "the disk quota is exceeded",
};

/** The package that brings a library, in words. */
export function packageOf(library: string): string {
  return library.includes("libvirt-qemu")
    ? "Debian and Ubuntu: package libvirt0 (it brings libvirt-qemu.so.0 too); Fedora: libvirt-libs"
    : "Debian and Ubuntu: package libvirt0; Fedora: libvirt-libs; Arch: libvirt";
}

/** The error for a library that cannot be loaded. */
export function libraryNotFound(library: string, cause: unknown): LibvirtLibraryError {
  const message = cause instanceof Error ? cause.message : String(cause);
  // Deno says so twice.
  const detail = message.replace(/^(Could not open library: )+/, "");
  return new LibvirtLibraryError(
    `Cannot load libvirt from "${library}": ${detail}. Install libvirt's client library ` +
      `(${packageOf(library)}), or set STADDLE_LIBVIRT to its file`,
    { library, cause },
  );
}

/** The error for a symbol that the library does not have. */
export function symbolNotFound(missing: MissingSymbol): LibvirtLibraryError {
  const { symbol, library, since } = missing;
  const unloadable = !missing.detail.includes(symbol) ||
    missing.detail.includes("cannot open shared object");
  if (unloadable) return libraryNotFound(library, new Error(missing.detail));
  return new LibvirtLibraryError(
    `Cannot call ${symbol}: "${library}" does not have it. ` +
      (since === undefined
        ? `It has been in libvirt since before ${OLDEST_LIBVIRT}, the oldest version supported: ` +
          `is this really libvirt's library?`
        : `It needs libvirt ${since} or later on this machine`),
    { library, symbol, since },
  );
}

/** The error class for what went wrong on a Worker. */
export function toError(failure: Failure, uri?: string): Error {
  switch (failure.kind) {
    case "libvirt":
      return new LibvirtError(failure, uri);
    case "symbol":
      return symbolNotFound(failure);
    case "file":
      return new LibvirtFileError(failure.what, failure.errno);
    case "aborted":
      return new DOMException("The transfer was aborted", "AbortError");
    case "unexpected":
      return new Error(`${failure.call}: ${failure.name}: ${failure.message}`);
  }
}

const NOT_FOUND: ReadonlySet<number> = new Set([
  ErrorCode.VIR_ERR_NO_DOMAIN,
  ErrorCode.VIR_ERR_NO_NETWORK,
  ErrorCode.VIR_ERR_NO_STORAGE_POOL,
  ErrorCode.VIR_ERR_NO_STORAGE_VOL,
  ErrorCode.VIR_ERR_NO_NODE_DEVICE,
  ErrorCode.VIR_ERR_NO_INTERFACE,
  ErrorCode.VIR_ERR_NO_NWFILTER,
  ErrorCode.VIR_ERR_NO_SECRET,
  ErrorCode.VIR_ERR_NO_DOMAIN_SNAPSHOT,
  ErrorCode.VIR_ERR_NO_DOMAIN_CHECKPOINT,
  ErrorCode.VIR_ERR_NO_DOMAIN_BACKUP,
  ErrorCode.VIR_ERR_NO_DOMAIN_METADATA,
  ErrorCode.VIR_ERR_NO_NETWORK_PORT,
  ErrorCode.VIR_ERR_NO_NWFILTER_BINDING,
]);

function hasCode(error: unknown, ...codes: readonly number[]): error is LibvirtError {
  return error instanceof LibvirtError && codes.includes(error.code);
}

/** Whether the object that was asked for does not exist (any kind of object, metadata included). */
export function isNotFound(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && NOT_FOUND.has(error.code);
}

/** Whether an object of that name, UUID or file exists already. */
export function isExisting(error: unknown): error is LibvirtError {
  return hasCode(
    error,
    ErrorCode.VIR_ERR_DOM_EXIST,
    ErrorCode.VIR_ERR_NETWORK_EXIST,
    ErrorCode.VIR_ERR_STORAGE_VOL_EXIST,
  ) || (hasCode(error, ErrorCode.VIR_ERR_OPERATION_FAILED) &&
    /already exists/.test(error.libvirtMessage));
}

/** Whether the object is in the wrong state for the operation (for example running already). */
export function isInvalidState(error: unknown): error is LibvirtError {
  return hasCode(error, ErrorCode.VIR_ERR_OPERATION_INVALID);
}

/** Whether the driver, or the library or daemon at the other end, cannot do this at all. */
export function isUnsupported(error: unknown): boolean {
  return error instanceof LibvirtLibraryError ||
    hasCode(
      error,
      ErrorCode.VIR_ERR_NO_SUPPORT,
      ErrorCode.VIR_ERR_CONFIG_UNSUPPORTED,
      ErrorCode.VIR_ERR_OPERATION_UNSUPPORTED,
      ErrorCode.VIR_ERR_ARGUMENT_UNSUPPORTED,
    );
}

/** Whether the guest's agent is missing or does not answer. */
export function isAgentUnavailable(error: unknown): error is LibvirtError {
  return hasCode(error, ErrorCode.VIR_ERR_AGENT_UNRESPONSIVE, ErrorCode.VIR_ERR_AGENT_UNSYNCED) ||
    (hasCode(error, ErrorCode.VIR_ERR_ARGUMENT_UNSUPPORTED) &&
      /agent/i.test(error.libvirtMessage));
}

/** Whether who asks may not: wrong credentials, a read-only connection, refused by policy. */
export function isDenied(error: unknown): error is LibvirtError {
  return hasCode(
    error,
    ErrorCode.VIR_ERR_AUTH_FAILED,
    ErrorCode.VIR_ERR_AUTH_CANCELLED,
    ErrorCode.VIR_ERR_AUTH_UNAVAILABLE,
    ErrorCode.VIR_ERR_OPERATION_DENIED,
    ErrorCode.VIR_ERR_ACCESS_DENIED,
  );
}

/**
 * Whether the connection was lost or could not be made: the host, its daemon or the way to them.
 * Whether the call was carried out is not known, unless it was an open.
 */
export function isDisconnected(error: unknown): boolean {
  if (error instanceof LibvirtTimeoutError) return true;
  if (!(error instanceof LibvirtError)) return false;
  if (DISCONNECTED.has(error.code)) return true;
  return error.domain === ErrorDomain.VIR_FROM_RPC &&
    (error.code === ErrorCode.VIR_ERR_SYSTEM_ERROR ||
      (error.code === ErrorCode.VIR_ERR_INTERNAL_ERROR &&
        /client socket is closed|keepalive|connection/i.test(error.libvirtMessage)));
}

const DISCONNECTED: ReadonlySet<number> = new Set([
  ErrorCode.VIR_ERR_NO_CONNECT,
  ErrorCode.VIR_ERR_UNKNOWN_HOST,
  ErrorCode.VIR_ERR_INVALID_CONN,
  ErrorCode.VIR_ERR_GNUTLS_ERROR,
  ErrorCode.VIR_ERR_LIBSSH,
]);

/**
 * Whether trying the same call again later may succeed with nothing changed by hand: a lost
 * connection, a time-out, a resource that is busy, an agent that does not answer yet.
 */
export function isTransient(error: unknown): boolean {
  return isDisconnected(error) || isAgentUnavailable(error) ||
    hasCode(
      error,
      ErrorCode.VIR_ERR_OPERATION_TIMEOUT,
      ErrorCode.VIR_ERR_RESOURCE_BUSY,
      ErrorCode.VIR_ERR_RPC,
    );
}
