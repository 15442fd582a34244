/** What a command left behind when it ended. */
export interface CommandResult {
  /** Exit status; 128 and the signal's number for a command that a signal ended. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How {@linkcode run} runs a command. */
export interface CommandOptions {
  /** Given to the command's standard input, which is /dev/null otherwise. */
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** Set in addition to this process's environment, or in place of it with `clearEnv`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  /** `null`: the command prints to nowhere. A daemon that it starts would hold a pipe open. */
  readonly output?: "piped" | "null";
  readonly signal?: AbortSignal;
}

/** Runs a command to its end; a failure is for the caller to judge. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: options.output ?? "piped",
    stderr: options.output ?? "piped",
    env: options.env,
    clearEnv: options.clearEnv,
    cwd: options.cwd,
    signal: options.signal,
  }).spawn();
  const feeding = options.stdin === undefined ? undefined : feed(child, options.stdin);
  if (options.output === "null") {
    const { code } = await child.status;
    await feeding;
    return { code, stdout: "", stderr: "" };
  }
  const output = await child.output();
  await feeding;
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

async function feed(
  child: Deno.ChildProcess,
  input: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch (error) {
    // A command need not read all that it is given.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Runs a command that must succeed, and gives its standard output. */
export async function must(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    throw new Error(
      `${[command, ...args].join(" ")} ended with status ${result.code}: ` +
        (result.stderr.trim() || result.stdout.trim() || "it said nothing"),
    );
  }
  return result.stdout;
}

/** Calls `check` until it gives something other than undefined, at most for `timeoutMs`. */
export async function poll<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  { timeoutMs = 20_000, intervalMs = 10 }: {
    readonly timeoutMs?: number;
    readonly intervalMs?: number;
  } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  while (true) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
