/**
 * Runs the command line as people do: `deno run -P mod.ts`, in a process of its own, with nothing on
 * standard input.
 */

const ROOT = new URL("../../", import.meta.url).pathname;

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Arguments of `deno` that run the command line. Not the warning that permission sets are young. */
export const DENO_ARGS: readonly string[] = [
  "run",
  "-q",
  "-P",
  `--config=${ROOT}deno.json`,
  `${ROOT}mod.ts`,
];

/** Begins a command, in the repository's folder unless another is given. */
export function begin(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = ROOT,
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...DENO_ARGS, ...args],
    cwd,
    env: { NO_COLOR: "", CI: "", STADDLE_STATE: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command to its end. */
export async function staddle(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  return await ended(begin(args, env));
}

/** Waits for the end of a command. */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs another program and gives its output. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** Why the local libvirt cannot be used; undefined if it can. */
export async function libvirtObstacle(): Promise<string | undefined> {
  try {
    await run("virsh", "-c", "qemu:///system", "version");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
