/**
 * `--param key=value`.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";

/**
 * Parameters by name, as text: the stack's own types say what each becomes.
 *
 * @throws {StaddleError} `usage.bad-parameter`
 */
export function parseParameters(given: readonly string[] = []): Readonly<Record<string, string>> {
  const parameters = new Map<string, string>();
  for (const text of given) {
    const sign = text.indexOf("=");
    const name = text.slice(0, sign);
    if (sign <= 0) throw bad(`--param takes key=value, not "${text}"`);
    if (parameters.has(name)) throw bad(`--param gives "${name}" twice`);
    parameters.set(name, text.slice(sign + 1));
  }
  return Object.fromEntries(parameters);
}

function bad(summary: string): StaddleError {
  return new StaddleError({
    code: "usage.bad-parameter",
    summary,
    help: "for example --param replicas=3",
  });
}
