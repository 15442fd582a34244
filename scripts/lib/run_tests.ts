/**
 * Runs the checks and all tests by parts, and sums up: what `scripts/test` does once the machine is ready.
 * The last line that it prints is `N passed, N failed, N skipped`.
 *
 * Tests that wait for real daemons and guests can be upset by a machine that is busy with something else.
 * So files with a failure are run once more, alone, if they are few; a test that passes then is counted as
 * passed and named as unsteady, for somebody to mend.
 *
 * @module
 */

import {
  deno,
  root,
  runPortion,
  runTests,
  type Tally,
  type TestCase,
  together,
} from "./deno_test.ts";
import { type Division, inLanes, portionsOf } from "./portions.ts";

/** A run of `deno` that is one check: it passes or fails as a whole. */
interface Check {
  readonly name: string;
  readonly args: readonly string[];
}

/** What stands in the summary about tests that did not run, or not at once. */
interface Remarks {
  /** `requirement: reason`, as tests printed it. */
  readonly reasons: Set<string>;
  /** Names of tests, by the file that they stand in. */
  readonly tests: string[];
  /** Tests that failed, and passed when they were run again alone. */
  readonly unsteady: string[];
}

/** Parts in the order in which they run: what is quick to fail comes first. */
const PARTS = ["checks", "unit", "golden", "property", "integration", "fleet"] as const;
type Part = typeof PARTS[number];

/** Parts whose files run at the same time, in so many processes. */
interface Round {
  readonly parts: readonly Part[];
  readonly lanes: number;
}

const ROUNDS: readonly Round[] = [
  { parts: ["unit", "golden", "property"], lanes: 2 },
  // Hosts and guests are mostly waited for.
  { parts: ["integration", "fleet"], lanes: 3 },
];

const DIVISIONS: Readonly<Record<Exclude<Part, "checks">, Division>> = {
  unit: "shared",
  golden: "shared",
  property: "shared",
  // They share this machine's own libvirt, and compare what it has before and after.
  integration: "together",
  fleet: "each",
};

const ROOMS = ["tests", "providers", "planner", "stacks", "state", "applier", "cli", "bench"];
/** More files of a round than this do not fail by chance. */
const MAX_UNSTEADY = 3;
/** So many files are named at the end that took longest. */
const SLOWEST = 10;

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/**
 * The part that a test file belongs to: what it needs, or how it judges, told by its text and by that of
 * the modules beside it.
 */
function partOf(path: string, text: string): Part {
  if (path.startsWith("tests/fleet/") || /requirement\(\s*"fleet"/.test(text)) return "fleet";
  if (path.startsWith("tests/libvirt/") || /requirement\(\s*"(libvirt|guest)"/.test(text)) {
    return "integration";
  }
  if (/from "fast-check"/.test(text)) return "property";
  return /golden/i.test(text) ? "golden" : "unit";
}

/** A test file's text, with that of the modules beside it that it imports. */
async function textOf(path: string): Promise<string> {
  const text = await Deno.readTextFile(`${root}/${path}`);
  const folder = path.slice(0, path.lastIndexOf("/"));
  const beside = [...text.matchAll(/from "\.\/([\w/]+\.ts)"/g)].map(([, name]) => name!);
  const texts = beside.map((name) =>
    Deno.readTextFile(`${root}/${folder}/${name}`).catch(() => "")
  );
  return [text, ...await Promise.all(texts)].join("\n");
}

async function testFiles(folder: string, found: string[] = []): Promise<string[]> {
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(`${root}/${folder}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return found;
    throw error;
  }
  for (const entry of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && !entry.name.startsWith(".")) await testFiles(path, found);
    else if (/(^|_)test\.ts$/.test(entry.name)) found.push(path);
  }
  return found;
}

async function checks(): Promise<readonly Check[]> {
  const config = JSON.parse(await Deno.readTextFile(`${root}/deno.json`)) as {
    readonly exports: Readonly<Record<string, string>>;
  };
  return [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    { name: "types", args: ["check", "."] },
    { name: "documentation", args: ["doc", "--lint", ...Object.values(config.exports)] },
  ];
}

async function runChecks(tally: Tally, failures: string[]): Promise<void> {
  for (const check of await checks()) {
    print(`\n== check: ${check.name}`);
    // The documentation itself, which `deno doc` prints after its findings, is for nobody here.
    const quiet = check.args[0] === "doc";
    const code = quiet ? await denoQuiet(check.args) : await deno(check.args, print);
    if (code === 0) tally.passed++;
    else {
      tally.failed++;
      failures.push(`check: ${check.name}`);
    }
  }
}

async function denoQuiet(args: readonly string[]): Promise<number> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  if (code !== 0) print(new TextDecoder().decode(stderr).trimEnd());
  return code;
}

/** What a round came to, beside what it adds to the tally. */
async function runRound(
  { lanes }: Round,
  files: ReadonlyMap<Part, readonly string[]>,
  args: readonly string[],
  sums: { readonly tally: Tally; readonly failures: string[]; readonly remarks: Remarks },
): Promise<readonly TestCase[]> {
  const { tally, failures, remarks } = sums;
  const title = [...files].map(([part, own]) => `${part}: ${own.length} files`).join(", ");
  print(`\n== ${title}`);
  const started = performance.now();
  const onSkip = (reason: string) => void remarks.reasons.add(reason);
  const portions = [...files].flatMap(([part, own]) =>
    portionsOf(own, DIVISIONS[part as keyof typeof DIVISIONS])
  );
  const runs = await inLanes(portions, lanes, async (portion) => {
    // What each portion prints stays together.
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const run = await runPortion(portion.files, args, { say, onSkip });
    print(lines.join("\n"));
    return run;
  });
  const { counts, cases, broken, died = [] } = together(runs);
  remarks.unsteady.push(...died);
  const failed = cases.filter(({ outcome }) => outcome === "failed");
  const upset = [...new Set(failed.map(({ file }) => file))];
  let unsteady: readonly TestCase[] = [];
  if (broken === undefined && upset.length > 0 && upset.length <= MAX_UNSTEADY) {
    print(`\n== once more, alone: ${upset.join(" ")}`);
    const again = await runTests(upset, args, { say: print, onSkip });
    const passes = ({ file, name }: TestCase) =>
      again.cases.some((test) =>
        test.file === file && test.name === name && test.outcome === "passed"
      );
    unsteady = failed.filter(passes);
  }
  for (const test of cases) {
    const name = `${test.file}: ${test.name}`;
    if (unsteady.includes(test)) remarks.unsteady.push(name);
    else if (test.outcome === "failed") failures.push(name);
    // The report calls a test skipped that a filter has left out.
    const filtered = args.some((arg) => arg.startsWith("--filter"));
    if (test.outcome === "skipped" && !filtered) remarks.tests.push(name);
  }
  if (broken !== undefined) failures.push(broken);
  tally.passed += counts.passed + unsteady.length;
  tally.failed += counts.failed - unsteady.length + (broken === undefined ? 0 : 1);
  tally.skipped += counts.skipped;
  print(
    `== ${[...files.keys()].join(", ")}: ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  return cases;
}

/** The files that took longest, of those that took a second or more, a line each. */
function slowest(cases: readonly TestCase[]): readonly string[] {
  const seconds = new Map<string, number>();
  for (const test of cases) {
    seconds.set(test.file, (seconds.get(test.file) ?? 0) + test.seconds);
  }
  return [...seconds].filter(([, time]) => time >= 1)
    .sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
    .map(([file, time]) => `${time.toFixed(0).padStart(4)} s  ${file}`);
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = args.filter((arg): arg is Part => (PARTS as readonly string[]).includes(arg));
  const passed = args.filter((arg) => !(PARTS as readonly string[]).includes(arg));
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const remarks: Remarks = { reasons: new Set(), tests: [], unsteady: [] };
  const files = (await Promise.all(ROOMS.map((room) => testFiles(room)))).flat();
  const parts = await Promise.all(files.map(async (file) => partOf(file, await textOf(file))));
  const isWanted = (part: Part) => wanted.length === 0 || wanted.includes(part);
  if (isWanted("checks")) await runChecks(tally, failures);
  const cases: TestCase[] = [];
  for (const round of ROUNDS) {
    const own = new Map(
      round.parts.filter(isWanted)
        .map((part) => [part, files.filter((_, at) => parts[at] === part)] as const)
        .filter(([, some]) => some.length > 0),
    );
    if (own.size === 0) continue;
    cases.push(...await runRound(round, own, passed, { tally, failures, remarks }));
  }
  const slow = slowest(cases);
  if (slow.length > 0) print(["\nSlowest:", ...slow].join("\n  "));
  print("");
  if (failures.length > 0) print(["Failed:", ...failures].join("\n  "));
  if (remarks.unsteady.length > 0) {
    print(["Failed, and passed when run again alone:", ...remarks.unsteady].join("\n  "));
  }
  if (tally.skipped > 0) {
    print(["Skipped:", ...remarks.tests].join("\n  "));
    print(
      ["because of", ...(remarks.reasons.size > 0 ? remarks.reasons : ["no stated reason"])].join(
        "\n  ",
      ),
    );
  }
  print(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  return tally.failed > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
