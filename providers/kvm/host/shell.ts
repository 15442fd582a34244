/**
 * A look at this machine itself, by a shell: Deno opens nothing in /proc and /dev unless everything
 * is granted.
 *
 * @module
 */

/** Runs a POSIX shell script here; undefined: it could not be run, or failed. */
export async function runHere(script: string): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("sh", {
      args: ["-c", script],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(10_000),
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
