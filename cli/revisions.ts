/**
 * Revisions: runs of the history, and what each has brought about.
 *
 * @module
 */

import type { Topology } from "../planner/topology.ts";
import { StaddleError } from "../providers/error.ts";
import type { RunRecord, Store } from "../state/store.ts";

/** Runs that are looked through for an id. */
const ALL_RUNS = 100_000;

/**
 * The run whose id begins like this.
 *
 * @throws {StaddleError} `history.no-such-revision`, `history.ambiguous`
 */
export async function findRun(store: Store, stack: string, revision: string): Promise<RunRecord> {
  const runs = await store.runs(stack, ALL_RUNS);
  const wanted = revision.toLowerCase();
  const found = /^[0-9a-f][0-9a-f-]*$/.test(wanted)
    ? runs.filter(({ id }) => id.toLowerCase().startsWith(wanted))
    : [];
  const [run] = found;
  if (found.length === 1 && run !== undefined) return run;
  if (run === undefined) {
    throw new StaddleError({
      code: "history.no-such-revision",
      summary: `The history of stack "${stack}" has no revision "${revision}"`,
      where: [store.location],
      details: runs.length === 0
        ? ["it has no runs at all"]
        : [`the last ones: ${runs.slice(0, 5).map(({ id }) => id.slice(0, 8)).join(", ")}`],
      help: `staddle history ${stack} lists them`,
    });
  }
  throw new StaddleError({
    code: "history.ambiguous",
    summary: `${found.length} revisions of stack "${stack}" begin with "${revision}"`,
    details: found.slice(0, 5).map(({ id, startedAt }) => `${id} of ${startedAt}`),
    help: "write more of the id",
  });
}

/** A run, and what it left declared. */
export interface DeclaredByRun {
  readonly run: RunRecord;
  readonly topology: Topology;
}

/**
 * What a run has left declared.
 *
 * @throws {StaddleError} `history.not-kept`, `history.unreadable`, and what {@linkcode findRun} throws.
 */
export async function declaredByRun(
  store: Store,
  stack: string,
  revision: string,
): Promise<DeclaredByRun> {
  const run = await findRun(store, stack, revision);
  const kept = await store.revision(stack, run.id);
  if (kept === undefined) throw await notKept(store, stack, run);
  const { topologySchema } = await import("../planner/topology.ts");
  const parsed = topologySchema.safeParse(kept.topology);
  if (parsed.success) return { run, topology: parsed.data };
  throw new StaddleError({
    code: "history.unreadable",
    summary: `Cannot use revision ${run.id.slice(0, 8)} of stack "${stack}": it has another form`,
    where: [store.location],
    details: parsed.error.issues.slice(0, 5).map(({ path, message }) =>
      `${path.map(String).join(".")}: ${message}`
    ),
    help: "use the Staddle that made it; nothing was changed",
  });
}

/** What the runs of a stack have left declared, newest first, as far as it is kept and can be read. */
export async function* declaredBefore(store: Store, stack: string): AsyncGenerator<Topology> {
  const { topologySchema } = await import("../planner/topology.ts");
  for (const { id } of await store.runs(stack, store.keeps.journalled)) {
    const parsed = topologySchema.safeParse((await store.revision(stack, id))?.topology);
    if (parsed.success) yield parsed.data;
  }
}

/**
 * What a way back does not bring about, said to whoever plans it; undefined if it leads to all that the
 * run has left declared and done.
 *
 * @param left Addresses that it leaves as they are.
 */
export function shortOfRevision(
  { id, result, command }: RunRecord,
  left: readonly string[],
): string | undefined {
  const lines: string[] = [];
  if (result !== "done") {
    const ended = result === undefined
      ? "never came to its end"
      : result === "failed"
      ? "failed half way"
      : "was stopped half way";
    const end = command === "destroy" ? "leave" : "bring about";
    lines.push(
      `Note: revision ${
        id.slice(0, 8)
      } ${ended}: this is the way to what it was to ${end}, not to ` +
        "where it stopped.",
    );
  }
  if (left.length > 0) {
    lines.push(
      `Note: left as they are, for what was declared of them by then is not known: ${
        left.join(", ")
      }.`,
    );
  }
  return lines.length === 0 ? undefined : lines.join("\n");
}

/** Says why there is no way back to a run, and which is the nearest one before it that has one. */
async function notKept(store: Store, stack: string, run: RunRecord): Promise<StaddleError> {
  const { runs = [], revisions = [] } = await store.export(stack) ?? {};
  const at = runs.findIndex(({ id }) => id === run.id);
  const kept = new Set(revisions.map(({ run }) => run));
  const before = runs.slice(0, Math.max(0, at)).findLast(({ id }) => kept.has(id));
  return new StaddleError({
    code: "history.not-kept",
    summary: `What revision ${run.id.slice(0, 8)} of stack "${stack}" brought about is not kept`,
    where: [store.location],
    details: [
      `${run.command} of ${run.startedAt} by ${run.who}`,
      whyNotKept(run, runs.length - 1 - at, store.keeps.journalled),
    ],
    help: before === undefined
      ? "choose a run that applied or destroyed, and not too long ago; or check out the stack's file " +
        "as it was then, and plan that"
      : "what was declared before it is the last that is kept: " +
        `staddle plan ${stack} --to ${before.id.slice(0, 8)}`,
  });
}

function whyNotKept({ command }: RunRecord, since: number, keeps: number): string {
  if (since >= keeps) {
    return `there were ${since} runs since, and what the last ${keeps} did is kept`;
  }
  if (command === "refresh") return "it took over what the hosts had, which nobody had declared";
  if (command === "rebuild") return "it made the record anew from the hosts, and declared nothing";
  if (command === "destroy") {
    return "it destroyed by what the hosts had, and nobody has declared what was left";
  }
  return "it was not written down";
}
