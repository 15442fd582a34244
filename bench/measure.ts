/**
 * Runs a command several times and keeps the medians of what the kernel counted.
 *
 * @module
 */

/** What was measured of a command, medians over its runs. */
export interface Figures {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of processor time, user and system. */
  readonly cpu: number;
  /** Peak memory of the largest process, MiB. */
  readonly peak: number;
  /** Seconds of the part that counts, where the command prints it; else the same as `wall`. */
  readonly work: number;
}

/** A command to measure. */
export interface Subject {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** True for commands that print `{"seconds": …}` for the part that counts. */
  readonly timesItself?: boolean;
  /** Run before each measured run, not measured. */
  readonly before?: () => Promise<void>;
  readonly runs?: number;
}

/** Measures with `bench/measure.c`, compiled at `helper`. */
export async function measure(helper: string, subject: Subject): Promise<Figures> {
  const runs: Figures[] = [];
  for (let run = 0; run < (subject.runs ?? 3); run++) {
    await subject.before?.();
    runs.push(await measureOnce(helper, subject));
  }
  const median = (key: keyof Figures) =>
    runs.map((run) => run[key]).sort((a, b) => a - b)[Math.floor(runs.length / 2)]!;
  return { wall: median("wall"), cpu: median("cpu"), peak: median("peak"), work: median("work") };
}

async function measureOnce(helper: string, subject: Subject): Promise<Figures> {
  const figures = await Deno.makeTempFile({ prefix: "staddle-bench-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'out=$1; shift; exec "$@" 3>"$out"', "sh", figures, helper, ...subject.command],
      env: subject.env,
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    if (code !== 0) {
      const said = text.decode(stderr) + text.decode(stdout);
      throw new Error(`${subject.command.join(" ")} ended with status ${code}:\n${said}`);
    }
    const { wall, user, system, peakKiB } = JSON.parse(await Deno.readTextFile(figures));
    const printed = subject.timesItself ? JSON.parse(text.decode(stdout)).seconds : wall;
    return { wall, cpu: user + system, peak: peakKiB / 1024, work: printed };
  } finally {
    await Deno.remove(figures);
  }
}
