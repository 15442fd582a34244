/**
 * Runs `deno test` on some files in a process of its own, and reads what became of each test.
 *
 * @module
 */

/** How many tests ended how. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A whole test, without its steps. */
export interface TestCase {
  readonly name: string;
  /** From the repository's folder. */
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seconds: number;
}

/** What one run of `deno test` came to. */
export interface TestRun {
  readonly counts: Tally;
  readonly cases: readonly TestCase[];
  /** It failed, and no test says so: a crash, a type error, a module that throws. */
  readonly broken?: string;
  /** Processes that died when all their tests had passed, and did not when they were run again. */
  readonly died?: readonly string[];
}

/** What is told while tests run. */
export interface Listener {
  /** A line that they print. */
  readonly say: (line: string) => void;
  /** `requirement: reason` of tests that cannot run here. */
  readonly onSkip: (reason: string) => void;
}

/** A process that takes longer hangs: it is ended, and counts as failed. */
const TIMEOUT_MS = 20 * 60_000;

/** The repository's folder. */
export const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Runs Deno, and gives its exit status; `onLine` gets what it prints. */
export async function deno(
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<number> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
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
    onLine(`ended: it had not finished after ${TIMEOUT_MS / 60_000} minutes`);
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

/** Runs files in one process. */
export async function runTests(
  files: readonly string[],
  args: readonly string[],
  { say, onSkip }: Listener,
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
  const broken = `${files.slice(0, 3).join(" ")}${files.length > 3 ? " …" : ""}: ` +
    `deno test ended with status ${code}`;
  return { counts, cases, ...(silent ? { broken } : {}) };
}

/**
 * Runs files in a process of their own; once more if that died though all its tests had passed, which a
 * process that has loaded C libraries can do at its very end.
 */
export async function runPortion(
  files: readonly string[],
  args: readonly string[],
  listener: Listener,
): Promise<TestRun> {
  const run = await runTests(files, args, listener);
  if (run.broken === undefined || run.counts.passed === 0) return run;
  const died = `${run.broken}, when all its tests had passed`;
  listener.say(`== once more, for it died: ${died}`);
  return { ...await runTests(files, args, listener), died: [died] };
}

/** Several runs as one. */
export function together(runs: readonly TestRun[]): TestRun {
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

/** Reads Deno's own JUnit report: whole tests, without their steps. */
export function testCases(xml: string): readonly TestCase[] {
  const cases: TestCase[] = [];
  const pattern = /<testcase name="([^"]*)" classname="([^"]*)"([^>]*)>([\s\S]*?)<\/testcase>/g;
  for (const [, name, file, attributes, body] of xml.matchAll(pattern)) {
    const test: TestCase = {
      name: unescape(name!),
      file: unescape(file!).replace(/^\.\//, ""),
      outcome: body!.includes("<skipped")
        ? "skipped"
        : body!.includes("<failure") || body!.includes("<error")
        ? "failed"
        : "passed",
      seconds: Number(/ time="([\d.]+)"/.exec(attributes!)?.[1] ?? 0),
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
