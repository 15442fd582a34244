/**
 * Runs Deno in a process of its own, with limits and without what the environment holds.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";

/** What a process may use. */
export interface Limits {
  /** Milliseconds on the wall's clock. */
  readonly timeout: number;
  /** Seconds of processor time; without limit unless given. */
  readonly processor?: number;
  /** JavaScript heap in MiB. */
  readonly memoryMb: number;
}

/** A process to run. */
export interface DenoRun {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** Settings beyond those by which Deno finds its cache. */
  readonly env?: Readonly<Record<string, string>>;
  /** For what runs no stack's code and uses the network: it needs proxies and certificates. */
  readonly inherit?: boolean;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** How a process ended. */
export interface DenoResult {
  readonly ending: "exited" | "timed-out" | "out-of-processor" | "too-much-output";
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than any topology: what comes beyond ends the process. */
const mostOutput = 256 * 1024 * 1024;

/** Settings by which Deno finds its cache and the registry that the cache is of. No stack sees them. */
const needed = ["DENO_DIR", "HOME", "XDG_CACHE_HOME", "NPM_CONFIG_REGISTRY"] as const;

/** The environment that a Deno process of ours gets. */
export function denoEnvironment(): Record<string, string> {
  const env: Record<string, string> = {
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    // A package.json above a stack is none of its business: its imports stand in deno.json.
    DENO_NO_PACKAGE_JSON: "1",
  };
  for (const name of needed) {
    const value = readEnv(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** A variable of the environment, if this process may read it. */
function readEnv(name: string): string | undefined {
  // Asking for one that was not granted would prompt the person.
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** Deno's cache: modules, packages, emitted code. */
export function denoDirectory(): string | undefined {
  const given = readEnv("DENO_DIR");
  if (given !== undefined && given !== "") {
    return given.startsWith("/") ? given : `${Deno.cwd()}/${given}`;
  }
  const home = readEnv("HOME");
  if (Deno.build.os === "darwin") {
    return home === undefined ? undefined : `${home}/Library/Caches/deno`;
  }
  const caches = readEnv("XDG_CACHE_HOME") ??
    (home === undefined ? undefined : `${home}/.cache`);
  return caches === undefined ? undefined : `${caches}/deno`;
}

/**
 * Runs Deno to its end.
 *
 * The shell in front sets what a process cannot be given otherwise: a limit on its data (V8's own
 * limit knows nothing of array buffers), one on its processor time, and no core file. It then becomes
 * Deno, so the pid is Deno's.
 *
 * @throws {StaddleError} when Deno cannot be started; what aborts `signal`, when it is aborted.
 */
export async function runDeno(run: DenoRun): Promise<DenoResult> {
  const { limits, signal } = run;
  signal.throwIfAborted();
  // Deno itself needs some 250 MiB of data beside the heap.
  const dataKb = (limits.memoryMb * 2 + 512) * 1024;
  const { processor } = limits;
  // The kernel asks at the first limit (SIGXCPU), and kills who does not listen at the second.
  const time = processor === undefined
    ? ""
    : `ulimit -S -t ${processor}; ulimit -H -t ${processor + 2}; `;
  const script = `ulimit -c 0; ulimit -d ${dataKb}; ${time}exec "$@"`;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/bin/sh", {
      args: ["-c", script, "sh", Deno.execPath(), ...run.args],
      clearEnv: run.inherit !== true,
      env: { ...denoEnvironment(), ...run.env },
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    throw new StaddleError({
      code: "sandbox.no-process",
      summary: "cannot start Deno to evaluate the stack",
      details: [cause instanceof Error ? cause.message : String(cause)],
      help: "Staddle needs to run /bin/sh and its own Deno: run it with deno run -P",
      cause,
    });
  }
  let ending: DenoResult["ending"] = "exited";
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const timer = setTimeout(() => {
    ending = "timed-out";
    kill();
  }, limits.timeout);
  const overflow = () => {
    ending = "too-much-output";
    kill();
  };
  signal.addEventListener("abort", kill);
  try {
    const [stdout, stderr, status] = await Promise.all([
      collect(child.stdout, mostOutput, overflow),
      collect(child.stderr, mostOutput, overflow),
      child.status,
      feed(child.stdin, run.stdin ?? ""),
    ]);
    signal.throwIfAborted();
    if (status.signal === "SIGXCPU") ending = "out-of-processor";
    return { ending, code: status.code, signal: status.signal, stdout, stderr };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The process ended before it read everything: its status says why.
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  most: number,
  overflow: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > most) {
      overflow();
      break;
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
