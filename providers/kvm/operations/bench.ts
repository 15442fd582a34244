/**
 * What an operation works with, and the errors that several of them share.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type {
  FieldChange,
  HostDeclaration,
  JsonObject,
  Observed,
  ReadRequest,
  Step,
  StepContext,
} from "../../provider.ts";
import type { SecretSource } from "../../secret.ts";
import type { HostFacts } from "../facts.ts";
import type { Connection, StoragePool } from "../libvirt/mod.ts";

/** An open host, as operations see it. */
export interface Bench {
  readonly declaration: HostDeclaration;
  /** The host is this very machine. */
  readonly local: boolean;
  /** Values of secrets. What it gives is kept out of errors. */
  readonly secrets: SecretSource;
  /** Keeps a text out of errors: a password that the host has. */
  hide(text: string): void;
  /** For short calls. Opened anew when it was lost. */
  connection(): Promise<Connection>;
  /** For calls that may take long: on the other one they would hold up what comes behind them. */
  slow(): Promise<Connection>;
  facts(): Promise<HostFacts>;
  /** Reads what a step has made, without asking pools to look at their folders again. */
  readBack(requests: readonly ReadRequest[]): Promise<readonly Observed[]>;
  /**
   * Lets a pool look at its folder, once a session: a file that was put there by hand is invisible
   * before. What this session makes libvirt sees by itself.
   */
  refresh(pool: StoragePool): Promise<void>;
  /** Whether the host can open a TCP connection, within the milliseconds given. */
  canDial(address: string, port: number, milliseconds: number): Promise<boolean>;
}

/** How an operation ended. */
export interface Outcome {
  /** What a person should know. */
  readonly notes?: readonly string[];
  /** After a delete: the object was left there on purpose. */
  readonly kept?: boolean;
  /** Milliseconds within which the host may still follow: a guest lets go of a device. */
  readonly patience?: number;
}

/** One operation on one kind. Throws the binding's errors as they are. */
export type Operate = (bench: Bench, step: Step, context: StepContext) => Promise<Outcome>;

/** The operations of a kind. */
export interface Operations {
  readonly create: Operate;
  readonly update: Operate;
  readonly delete: Operate;
}

/** Where an error belongs: the resource's address, the host, and where it was declared. */
export function whereOf(bench: Bench, step: Step): string[] {
  const { name, uri } = bench.declaration;
  return [
    step.address,
    `host ${name} (${uri})`,
    ...(step.resource.declaredAt === undefined ? [] : [step.resource.declaredAt]),
  ];
}

/** Something else stands under the name that the step wants. It is not touched. */
export function nameTaken(bench: Bench, step: Step, found: string): StaddleError {
  return new StaddleError({
    code: "kvm.name-taken",
    summary: `cannot make ${step.kind} "${step.key}" on host "${bench.declaration.name}": ` +
      `the host has one of that name, and it is not this stack's`,
    where: whereOf(bench, step),
    details: [found],
    help: "it was not touched: declare another name, or import what is there",
  });
}

/** The object that a step changes is not there. */
export function objectGone(bench: Bench, step: Step): StaddleError {
  return new StaddleError({
    code: "kvm.gone",
    summary:
      `cannot change ${step.kind} "${step.key}" on host "${bench.declaration.name}": it is gone`,
    where: whereOf(bench, step),
    help: "it was there when the plan was made: plan again",
  });
}

/**
 * Declarations of which the object of a step may have something: the one that was last applied, if it
 * is known, and those that stopped runs were bringing about.
 */
export function declaredBefore(step: Step): readonly (JsonObject | undefined)[] {
  return [step.previous, ...step.unsettled ?? []];
}

/** The changes that a comparison finds against any of {@linkcode declaredBefore}, each path once. */
export function changesSince(
  step: Step,
  diff: (previous: JsonObject | undefined) => readonly FieldChange[],
): readonly FieldChange[] {
  const changes = new Map<string, FieldChange>();
  for (const previous of declaredBefore(step)) {
    for (const change of diff(previous)) {
      if (!changes.has(change.path)) changes.set(change.path, change);
    }
  }
  return [...changes.values()];
}

/** Waits, and ends early when the run is cancelled. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    if (signal.aborted) return failed(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      failed(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      done();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
