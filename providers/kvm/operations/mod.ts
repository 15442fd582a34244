/**
 * Carrying out steps: one file a kind. Every operation looks first what is there, by identity, and
 * finishes what is half done; afterwards the object is read again and compared. libvirt's success
 * code is no proof.
 *
 * May not: plan, decide an order, retry. What an operation changes is what its step says.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import {
  type FieldChange,
  type Observed,
  PENDING_RESTART,
  type Step,
  type StepContext,
  type StepResult,
} from "../../provider.ts";
import { kinds } from "../kinds/mod.ts";
import {
  type Bench,
  changesSince,
  type Operations,
  type Outcome,
  sleep,
  whereOf,
} from "./bench.ts";
import { image } from "./image.ts";
import { emptyLookup } from "./lookup.ts";
import { machine } from "./machine.ts";
import { network } from "./network.ts";
import { pool } from "./pool.ts";
import { release } from "./release.ts";
import { seed } from "./seed.ts";
import { volume } from "./volume.ts";
import { wait } from "./wait.ts";

const OPERATIONS: Readonly<Record<string, Operations>> = {
  pool,
  image,
  volume,
  seed,
  network,
  machine,
};

/** Milliseconds between two looks at an object that has still to follow. */
const LOOK_AGAIN = 300;

/**
 * Carries a step out and reads the object back.
 *
 * @throws {StaddleError} `kvm.not-applied` naming the fields that differ, and the operations' own.
 */
export async function performStep(
  bench: Bench,
  step: Step,
  context: StepContext,
): Promise<StepResult> {
  context.signal.throwIfAborted();
  const operations = OPERATIONS[step.kind];
  if (operations === undefined) {
    throw new StaddleError({
      code: "kvm.unknown-kind",
      summary: `nothing is known of the kind "${step.kind}"`,
      where: whereOf(bench, step),
      help: "the plan was made by another version: plan again",
    });
  }
  const operate = step.operation === "wait"
    ? wait
    : step.retain === true
    ? release
    : operations[step.operation];
  const outcome = await operate(bench, step, context);
  const observed = step.operation === "delete"
    ? await readGone(bench, step, outcome)
    : await readBack(bench, step, outcome, context);
  const pending = observed === undefined || step.operation === "delete"
    ? []
    : pendingNotes(step, observed);
  const differs = observed !== undefined && step.operation !== "delete" &&
    await differsByNow(bench, step, observed);
  return {
    ...(observed === undefined ? {} : { observed }),
    ...(differs ? { differs } : {}),
    notes: [...outcome.notes ?? [], ...pending],
  };
}

/** Whether anything declared differs, also what the step was not to change: a guest may have died. */
async function differsByNow(bench: Bench, step: Step, observed: Observed): Promise<boolean> {
  const kind = kinds.get(step.kind)!;
  const lookup = emptyLookup(step, await bench.facts());
  const differing = changesSince(
    step,
    (previous) => kind.diff(step.resource, observed, { previous, lookup }),
  );
  return differing.length > 0;
}

/** What a step has saved and its object has still to be restarted for. */
function pendingNotes(step: Step, observed: Observed): readonly string[] {
  const lookup = { ...emptyLookup(step), observed: () => observed };
  const notes = kinds.get(step.kind)!.notes?.(step.resource, lookup) ?? [];
  return notes.filter((note) => note.startsWith(PENDING_RESTART));
}

async function readObject(bench: Bench, step: Step): Promise<Observed | undefined> {
  const { kind, key } = step;
  const secrets = step.operation === "delete"
    ? undefined
    : kinds.get(kind)!.secrets?.(step.resource);
  const found = await bench.readBack([{ kind, key, uuid: step.resource.uuid, secrets }]);
  return found.find((item) => item.uuid === step.resource.uuid) ??
    found.find((item) => item.key === key);
}

async function readGone(
  bench: Bench,
  step: Step,
  outcome: Outcome,
): Promise<Observed | undefined> {
  const observed = await readObject(bench, step);
  if (observed === undefined || outcome.kept === true) return observed;
  // Another one of that name that was never ours is no failure.
  const ours = observed.uuid === undefined || observed.uuid === step.resource.uuid;
  if (!ours) return undefined;
  throw new StaddleError({
    code: "kvm.not-applied",
    summary:
      `${step.kind} "${step.key}" is still there on host "${bench.declaration.name}", though ` +
      "libvirt reported its removal",
    where: whereOf(bench, step),
    help: "something made it anew: see what else manages this host",
  });
}

async function readBack(
  bench: Bench,
  step: Step,
  outcome: Outcome,
  { signal }: StepContext,
): Promise<Observed> {
  const kind = kinds.get(step.kind)!;
  const lookup = emptyLookup(step, await bench.facts());
  const begin = performance.now();
  for (;;) {
    const observed = await readObject(bench, step);
    if (observed !== undefined) {
      if (step.operation === "wait") return observed;
      const differing = changesSince(
        step,
        (previous) => kind.diff(step.resource, observed, { previous, lookup }),
      );
      const left = differing.filter((change) => concerns(step, change));
      if (left.length === 0) return observed;
      if (performance.now() - begin >= (outcome.patience ?? 0)) throw differs(bench, step, left);
    } else if (performance.now() - begin >= (outcome.patience ?? 0)) {
      throw differs(bench, step, [{ path: "", after: step.key, disruption: "live" }]);
    }
    await sleep(LOOK_AGAIN, signal);
  }
}

/** A step answers for what it was to change; a creation, for everything. */
function concerns(step: Step, { path }: FieldChange): boolean {
  if (step.operation === "create") return true;
  return step.changes.some((change) =>
    path === change.path || path.startsWith(`${change.path}.`) ||
    path.startsWith(`${change.path}[`) ||
    change.path.startsWith(`${path}.`) || change.path.startsWith(`${path}[`)
  );
}

function show({ format }: FieldChange, value: FieldChange["before"]): string {
  if (value === undefined) return "nothing";
  return format === "sensitive" ? "(sensitive)" : JSON.stringify(value);
}

function differs(bench: Bench, step: Step, changes: readonly FieldChange[]): StaddleError {
  const gone = changes[0]?.path === "";
  return new StaddleError({
    code: "kvm.not-applied",
    summary:
      `${step.kind} "${step.key}" on host "${bench.declaration.name}" is not as declared, though ` +
      `libvirt reported success: ${
        gone ? "it is not there" : changes.map(({ path }) => path).join(", ")
      }`,
    where: whereOf(bench, step),
    details: gone
      ? []
      : changes.map((change) =>
        `${change.path}: declared ${show(change, change.after)}, the host has ${
          show(change, change.before)
        }`
      ),
    help: "run the same command again; if it stays so, the host's libvirt does not take this field",
  });
}
