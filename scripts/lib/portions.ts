/**
 * Divides test files into portions, each for a process of its own, and says in which order they begin: what
 * takes longest first, so that no process is left with it when the others have ended.
 *
 * @module
 */

/**
 * Seconds that files take which take long, on a machine with two processors. Only the order depends on
 * them: round figures do, and one that is wrong costs some seconds of waiting at the end.
 */
export const LONG: Readonly<Record<string, number>> = {
  "tests/refusals/interrupted_test.ts": 150,
  "tests/live/restart_test.ts": 80,
  "tests/examples/two_hosts_test.ts": 80,
  "tests/examples/web_test.ts": 75,
  "tests/refusals/hosts_test.ts": 70,
  "tests/refusals/bad_input_test.ts": 55,
  "tests/fleet/fleet_test.ts": 50,
  "tests/crash/crash_test.ts": 45,
  "tests/crash/outside_test.ts": 45,
  "tests/live/live_test.ts": 45,
  "tests/import/daemon_test.ts": 40,
  "tests/live/stop_test.ts": 40,
  "tests/stacks/sandbox_test.ts": 40,
  "tests/kvm/operations/storage_test.ts": 40,
  "tests/live/firmware_test.ts": 35,
  "tests/kvm/ssh/fleet_test.ts": 35,
  "tests/state/postgres_store_test.ts": 30,
  "tests/stacks/bad_input_test.ts": 25,
  "tests/import/host_test.ts": 25,
  "tests/live/rename_test.ts": 25,
  "tests/kvm/operations/secrets_test.ts": 20,
  "tests/cli/references_test.ts": 20,
  "tests/kvm/pairs/daemon_test.ts": 20,
  "tests/refusals/stale_test.ts": 20,
  "tests/cli/stack_errors_test.ts": 15,
};

/** Short files are put together into so many portions: each process takes most of a second to start. */
const SHARED = 12;

/** How a part's files are divided. */
export type Division =
  /** All in one process, one after the other: they share something of this machine. */
  | "together"
  /** The long ones each in a process, the others some at a time. */
  | "shared"
  /** Each in a process. */
  | "each";

/** Files that run in one process, one after the other. */
export interface Portion {
  readonly files: readonly string[];
  /** About how long they take, against other portions. */
  readonly weight: number;
}

const weightOf = (file: string) => LONG[file] ?? 1;

/** Divides files into portions; none is left out, and none stands twice. */
export function portionsOf(files: readonly string[], division: Division): readonly Portion[] {
  const portion = (own: readonly string[]): Portion => ({
    files: own,
    weight: own.reduce((sum, file) => sum + weightOf(file), 0),
  });
  if (files.length === 0) return [];
  // Whatever they take: nothing can be put beside them that would end sooner if they began later.
  if (division === "together") return [{ files, weight: Infinity }];
  if (division === "each") return files.map((file) => portion([file]));
  const short = files.filter((file) => LONG[file] === undefined);
  const size = Math.max(1, Math.ceil(short.length / SHARED));
  return [
    ...files.filter((file) => LONG[file] !== undefined).map((file) => portion([file])),
    ...Array.from(
      { length: Math.ceil(short.length / size) },
      (_, at) => portion(short.slice(at * size, (at + 1) * size)),
    ),
  ];
}

/** Runs portions, the heaviest first, so many at a time. */
export async function inLanes<T>(
  portions: readonly Portion[],
  lanes: number,
  run: (portion: Portion) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  const waiting = portions.toSorted((a, b) => b.weight - a.weight).values();
  await Promise.all(Array.from({ length: lanes }, async () => {
    for (const portion of waiting) results.push(await run(portion));
  }));
  return results;
}
