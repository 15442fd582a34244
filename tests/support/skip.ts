/**
 * Tests that this machine may be unable to run: each says by name what it needs, and the reason why that
 * is not there stands in the summary of `scripts/test`.
 *
 * @module
 */

/** What a test that needs something spreads into its definition. */
export interface Requirement {
  /** True where the requirement is not met. */
  readonly ignore: boolean;
}

const answers = new Map<string, Promise<Requirement>>();

/**
 * Finds out whether a requirement is met; asked once for each name. A reason means that it is not: it is
 * printed as `SKIP name: reason`, which `scripts/test` gathers.
 *
 * @param name Short and stable: `fleet`, `libvirt`, `kvm`.
 * @param check Gives the reason why it is not met, or undefined if it is. An exception is a reason too.
 *
 * @example
 * ```ts ignore
 * const needs = await requirement("libvirt", libvirtObstacle);
 *
 * Deno.test({ name: "a machine is defined", ...needs, fn: async () => {} });
 * ```
 */
export function requirement(
  name: string,
  check: () => Promise<string | undefined> | string | undefined,
): Promise<Requirement> {
  let answer = answers.get(name);
  if (answer === undefined) {
    answer = ask(name, check);
    answers.set(name, answer);
  }
  return answer;
}

async function ask(
  name: string,
  check: () => Promise<string | undefined> | string | undefined,
): Promise<Requirement> {
  let reason: string | undefined;
  try {
    reason = await check();
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  if (reason === undefined) return { ignore: false };
  // One line: the summary shows it as it is.
  const line = `SKIP ${name}: ${reason.replaceAll(/\s*\n\s*/g, "; ")}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
  return { ignore: true };
}
