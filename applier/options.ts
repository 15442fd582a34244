/**
 * What carrying out a plan needs besides the plan.
 *
 * @module
 */

import type { Topology } from "../planner/topology.ts";
import type { StaddleError } from "../providers/error.ts";
import type { HostDeclaration, HostSession, Operation } from "../providers/provider.ts";
import type { Lease, StackRecord } from "../state/store.ts";
import type { RetryPolicy } from "./attempt.ts";
import type { ApplyEvent } from "./events.ts";

/** What `applyPlan` needs besides the plan. */
export interface ApplyOptions {
  /** The lock of the plan's stack. Every write goes through it; given back by the caller. */
  readonly lease: Lease;
  /** The record, loaded while the lease was held. */
  readonly record: StackRecord | undefined;
  /**
   * An open session; called at most once a host, when its first step is due. Sessions stay the
   * caller's to close, so that those which read the hosts can be used again.
   */
  readonly sessions: (host: HostDeclaration) => Promise<HostSession>;
  /** What the plan leaves declared, kept with the run so that a later one can plan the way back. */
  readonly topology?: Topology;
  /** Digest of the document that the plan was read from; absent if it was never saved. */
  readonly planDigest?: string;
  /** Folder of the stack file. */
  readonly baseDirectory: string;
  /** For the history: `user@machine`, with process id. */
  readonly who: string;
  /** Whether trying a failed step again may help: see `Provider.isTransient`. Never, by default. */
  readonly isTransient?: (error: StaddleError) => boolean;
  /** Whether an error means that the whole host is out of reach. Never, by default. */
  readonly isHostLost?: (error: StaddleError) => boolean;
  /** Whether a create failed because something that is not the stack's stands there. Never, by default. */
  readonly isForeign?: (error: StaddleError) => boolean;
  /** Most steps in flight over all hosts; 10 by default. */
  readonly parallelism?: number;
  /** Begin nothing new, wait for nothing more, and let what else is in flight finish. */
  readonly signal?: AbortSignal;
  /** Give up what is in flight. */
  readonly abort?: AbortSignal;
  /** Seconds that a step may take, by operation; an hour and less by default. */
  readonly timeouts?: Partial<Readonly<Record<Operation, number>>>;
  /** Whether the commands that the stack wants run beside steps are run. Refused by default. */
  readonly allowHooks?: boolean;
  /** When and how often what is transient is tried again. */
  readonly retry?: RetryPolicy;
  /** Milliseconds between being told to stop and being left alone; 5000 by default. */
  readonly grace?: number;
  /** Told what happens, as it happens. If it throws, the run ends first, and then throws that. */
  readonly onEvent?: (event: ApplyEvent) => void;
}
