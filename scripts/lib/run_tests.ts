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

/** A run of `deno` that is one check: it passes or fails as a whole. */
interface Check {
  readonly name: string;
  readonly args: readonly string[];
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
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

const ROOMS = ["tests", "providers", "planner", "stacks", "state", "applier", "cli", "bench"];
/** Processes that run tests at the same time. */
const LANES = 2;
/** Files are handed to them in about so many portions a part. */
const PORTIONS = 12;
/** Their tests share this machine's own libvirt, and compare what it has before and after. */
const ALONE: ReadonlySet<Part> = new Set(["integration"]);
/** More files of a part than this do not fail by chance. */
const MAX_UNSTEADY = 3;
/** A part that takes longer hangs: it is ended, and counts as failed. */
const PART_TIMEOUT_MS = 20 * 60_000;

const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

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

/** Runs Deno, and gives its exit status; `onLine` gets what it prints. */
async function deno(
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<number> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PART_TIMEOUT_MS);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    signal: abort.signal,
  }).spawn();
  const [status] = await Promise.all([
    child.status,
    forward(child.stdout, onLine),
    forward(child.stderr, onLine),
  ]);
  clearTimeout(timer);
  if (abort.signal.aborted) {
    onLine(`ended: it had not finished after ${PART_TIMEOUT_MS / 60_000} minutes`);
  }
  return status.code;
}

async function forward(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      onLine(line);
    }
  }
  if (rest !== "") onLine(rest);
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

/** What one run of `deno test` came to. */
interface TestRun {
  readonly counts: Tally;
  readonly cases: readonly TestCase[];
  /** It failed, and no test says so: a crash, a type error, a module that throws. */
  readonly broken?: string;
  /** Processes that died when all their tests had passed, and did not when they were run again. */
  readonly died?: readonly string[];
}

/** `say` gets each line that the tests print. */
async function runTests(
  files: readonly string[],
  args: readonly string[],
  say: (line: string) => void,
  onSkip: (reason: string) => void,
): Promise<TestRun> {
  const junit = await Deno.makeTempFile({ prefix: "staddle-junit-" });
  const counts: Tally = { passed: 0, failed: 0, skipped: 0 };
  const code = await deno(
    // Types are one of the checks.
    [
      "test",
      "--no-check",
      "--allow-all",
      "--no-prompt",
      `--junit-path=${junit}`,
      ...args,
      ...files,
    ],
    (line) => {
      say(line);
      const skip = /^SKIP (.+?: .+)$/.exec(line);
      if (skip !== null) onSkip(skip[1]!);
      const sum = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(line);
      if (sum === null) return;
      counts.passed = Number(sum[1]);
      counts.failed = Number(sum[2]);
      counts.skipped = Number(/ \| (\d+) ignored/.exec(line)?.[1] ?? 0);
    },
  );
  const cases = testCases(await Deno.readTextFile(junit));
  await Deno.remove(junit);
  const silent = code !== 0 && counts.failed === 0;
  return { counts, cases, ...(silent ? { broken: `deno test ended with status ${code}` } : {}) };
}

/**
 * Runs files in a process of their own; once more if that died though all its tests had passed. A process
 * that loads no library of ours has been seen to do so at its very end, with a word of malloc's.
 */
async function runPortion(
  files: readonly string[],
  args: readonly string[],
  say: (line: string) => void,
  onSkip: (reason: string) => void,
): Promise<TestRun> {
  const run = await runTests(files, args, say, onSkip);
  if (run.broken === undefined || run.counts.passed === 0) return run;
  const died = `${files.join(" ")}: ${run.broken}, when all its tests had passed`;
  say(`== once more, for it died: ${died}`);
  return { ...await runTests(files, args, say, onSkip), died: [died] };
}

/** Runs files in several processes at once. What each portion prints stays together. */
async function runLanes(
  files: readonly string[],
  args: readonly string[],
  onSkip: (reason: string) => void,
): Promise<TestRun> {
  const size = Math.max(1, Math.floor(files.length / PORTIONS));
  const portions = Array.from(
    { length: Math.ceil(files.length / size) },
    (_, at) => files.slice(at * size, (at + 1) * size),
  );
  const runs: TestRun[] = [];
  const waiting = portions.values();
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const portion of waiting) {
      const lines: string[] = [];
      runs.push(await runPortion(portion, args, (line) => void lines.push(line), onSkip));
      print(lines.join("\n"));
    }
  }));
  const sum = (of: (counts: Tally) => number) =>
    runs.reduce((total, { counts }) => total + of(counts), 0);
  const broken = runs.map((run) => run.broken).filter((text) => text !== undefined).join("; ");
  return {
    counts: {
      passed: sum(({ passed }) => passed),
      failed: sum(({ failed }) => failed),
      skipped: sum(({ skipped }) => skipped),
    },
    cases: runs.flatMap(({ cases }) => cases),
    died: runs.flatMap(({ died = [] }) => died),
    ...(broken === "" ? {} : { broken }),
  };
}

async function runPart(
  part: Part,
  files: readonly string[],
  args: readonly string[],
  tally: Tally,
  failures: string[],
  remarks: Remarks,
): Promise<void> {
  print(`\n== ${part}: ${files.length} files`);
  const started = performance.now();
  const onSkip = (reason: string) => void remarks.reasons.add(reason);
  const { counts, cases, broken, died = [] } = ALONE.has(part)
    ? await runPortion(files, args, print, onSkip)
    : await runLanes(files, args, onSkip);
  remarks.unsteady.push(...died);
  const failed = cases.filter(({ outcome }) => outcome === "failed");
  const upset = [...new Set(failed.map(({ file }) => file))];
  let unsteady: readonly TestCase[] = [];
  if (broken === undefined && upset.length > 0 && upset.length <= MAX_UNSTEADY) {
    print(`\n== ${part}: once more, alone: ${upset.join(" ")}`);
    const again = await runTests(upset, args, print, onSkip);
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
  if (broken !== undefined) failures.push(`${part}: ${broken}`);
  tally.passed += counts.passed + unsteady.length;
  tally.failed += counts.failed - unsteady.length + (broken === undefined ? 0 : 1);
  tally.skipped += counts.skipped;
  print(`== ${part}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

interface TestCase {
  readonly name: string;
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** Reads Deno's own JUnit report: whole tests, without their steps. */
function testCases(xml: string): readonly TestCase[] {
  const cases: TestCase[] = [];
  const pattern = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;
  for (const [, name, file, body] of xml.matchAll(pattern)) {
    const test: TestCase = {
      name: unescape(name!),
      file: unescape(file!).replace(/^\.\//, ""),
      outcome: body!.includes("<skipped")
        ? "skipped"
        : body!.includes("<failure") || body!.includes("<error")
        ? "failed"
        : "passed",
    };
    cases.push(test);
  }
  return cases.filter((test) =>
    !cases.some((other) => other.file === test.file && test.name.startsWith(`${other.name} > `))
  );
}

function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = args.filter((arg): arg is Part => (PARTS as readonly string[]).includes(arg));
  const passed = args.filter((arg) => !(PARTS as readonly string[]).includes(arg));
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const remarks: Remarks = { reasons: new Set(), tests: [], unsteady: [] };
  const files = (await Promise.all(ROOMS.map((room) => testFiles(room)))).flat();
  const parts = await Promise.all(files.map(async (file) => partOf(file, await textOf(file))));
  for (const part of PARTS) {
    if (wanted.length > 0 && !wanted.includes(part)) continue;
    if (part === "checks") {
      await runChecks(tally, failures);
      continue;
    }
    const own = files.filter((_, at) => parts[at] === part);
    if (own.length > 0) await runPart(part, own, passed, tally, failures, remarks);
  }
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
