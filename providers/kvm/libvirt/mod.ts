/**
 * libvirt from Deno: connections, domains, networks, pools, volumes and all else that hosts have,
 * through libvirt's own client library and Deno's FFI. It is of use alone: it imports nothing else of
 * Staddle, holds no policy, and never interprets XML.
 *
 * The main thread never makes a call that could reach a host. Calls run on Workers, which share one
 * connection a host; calls made in one turn of the program travel together, so that
 * `Promise.all(domains.map((domain) => domain.xml()))` is as fast as libvirt allows. An error is always
 * the one that libvirt left for that very call. Four slow calls (changes, guest agent, transfers) run
 * at once on a connection, further ones wait, and reads go past them: libvirt's daemon executes five
 * requests of a client at a time.
 *
 * Everything that holds something open is disposed of by `using` or `await using`. A process ends by
 * itself once its connections are closed. Only a call that never comes back (a host that is gone,
 * without keepalive) keeps it alive: then `Deno.exit()` ends it.
 *
 * Needed: 64-bit Linux or macOS, libvirt 6.0.0 or later (`libvirt.so.0`, or the file that
 * `STADDLE_LIBVIRT` names), `--allow-ffi`, and `--allow-read` for this folder (Workers are loaded from
 * it). `--allow-env=STADDLE_LIBVIRT` is of use and not needed. Files to be uploaded or downloaded need
 * their own read or write permission. Opening several hosts by SSH: see `ConnectOptions.timeout`.
 *
 * @example
 * ```ts
 * import { Libvirt } from "@staddle/staddle/libvirt";
 *
 * await using libvirt = await Libvirt.open();
 * await using connection = await libvirt.connect("test:///default");
 * const domains = await connection.domains();
 * const xml = await Promise.all(domains.map((domain) => domain.xml()));
 * console.assert(domains[0]?.name === "test" && xml[0]?.includes("<name>test</name>"));
 * ```
 *
 * @module
 */

export type { AuthRequest, CredentialKind } from "./calls/auth.ts";
export type { DomainStats, NodeInfo } from "./calls/connection.ts";
export type {
  BlockInfo,
  BlockJobInfo,
  DomainInfo,
  DomainInterface,
  FileSystemInfo,
  InterfaceAddress,
} from "./calls/domain.ts";
export type { Lease } from "./calls/network.ts";
export type { PoolInfo, VolumeInfo } from "./calls/storage.ts";
export type { Received } from "./calls/stream.ts";
export type { IoThreadInfo, JobStats } from "./calls/tuning.ts";
export type { TypedKind, TypedParameters, TypedValue } from "./calls/typed_params.ts";
export { Connection } from "./connection.ts";
export { SLOW_CALLS, type WorkerLimits } from "./dispatcher.ts";
export { Domain, type Screenshot } from "./domain.ts";
export { DomainTuning } from "./domain_tuning.ts";
export {
  isAgentUnavailable,
  isDenied,
  isDisconnected,
  isExisting,
  isInvalidState,
  isNotFound,
  isTransient,
  isUnsupported,
  LibvirtClosedError,
  LibvirtError,
  LibvirtFileError,
  LibvirtLibraryError,
  LibvirtTimeoutError,
} from "./error.ts";
export { ErrorCode, errorCodeName, ErrorDomain, errorDomainName } from "./error_names.ts";
export type { DomainReference, EventMap, EventName, ObjectReference } from "./event_kinds.ts";
export type { EventSubscription } from "./events.ts";
export * from "./flags.ts";
export { Handle, NamedHandle } from "./handle.ts";
export { type ConnectOptions, Libvirt, type LibvirtOptions } from "./libvirt.ts";
export { HostQuestions, type MachineChoice } from "./host_questions.ts";
export { HostInterface, Network, type NetworkUpdate, NwFilter } from "./network.ts";
export { NodeDevice } from "./node_device.ts";
export { Secret } from "./secret.ts";
export { OLDEST_LIBVIRT } from "./since.ts";
export { DomainCheckpoint, DomainSnapshot } from "./snapshot.ts";
export { StoragePool, StorageVolume } from "./storage.ts";
export { Stream } from "./stream.ts";
export type { TransferOptions } from "./transfer.ts";
export type { TypedInput, TypedInputValue } from "./typed_kinds.ts";
