/**
 * What a connection's objects share: its lane, this thread's library and the handles that are open.
 *
 * @module
 */

import type { Lane } from "./lane.ts";
import { LibvirtClosedError } from "./error.ts";
import type { Native } from "./native.ts";
import type { Runtime } from "./runtime.ts";

/** A pointer of libvirt's that somebody holds. */
export interface Held {
  /** Gives it back, at once or when the last call that uses it has ended. */
  release(): void;
}

/** What a connection's objects share. */
export class Session {
  /** The connection's pointer (`virConnectPtr`), valid until it is closed. */
  readonly pointer: bigint;
  readonly uri: string;
  readonly lane: Lane;
  /** libvirt on the main thread: for calls that never ask the host, nothing else. */
  readonly local: Native;
  readonly runtime: Runtime;
  /** Pointers to be given back before the connection is closed. */
  readonly holdings = new Set<Held>();
  closed = false;
  /** Called when the connection is lost, for who waits for something to arrive. */
  readonly lost = new Set<() => void>();

  constructor(init: {
    pointer: bigint;
    uri: string;
    lane: Lane;
    local: Native;
    runtime: Runtime;
  }) {
    this.pointer = init.pointer;
    this.uri = init.uri;
    this.lane = init.lane;
    this.local = init.local;
    this.runtime = init.runtime;
  }

  /** Throws if the connection was closed by this side. */
  assertOpen(): void {
    if (this.closed) {
      throw new LibvirtClosedError(`Cannot use the connection to ${this.uri}: it was closed`);
    }
  }
}
