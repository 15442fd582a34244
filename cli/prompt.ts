/**
 * The one question that Staddle asks.
 *
 * @module
 */

import type { Terminal } from "./terminal.ts";

/**
 * Asks for the word `yes` and nothing else. The caller has made sure that someone is there.
 *
 * The answer is read asynchronously, so that Ctrl-C is noticed while the question stands.
 */
export async function confirm(
  terminal: Terminal,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { bold } = terminal.errorStyle;
  terminal.warn(`\n${bold(question)}\n  Only 'yes' will be accepted.\n`);
  terminal.status(`  ${bold("Enter a value:")} `);
  const answer = await readLine(signal);
  if (answer === undefined) terminal.warn("");
  return answer?.trim() === "yes";
}

/** A line of standard input; undefined when the input ends first or the signal aborts. */
async function readLine(signal: AbortSignal): Promise<string | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1024);
  let line = "";
  while (!line.includes("\n")) {
    const length = await Promise.race([Deno.stdin.read(buffer), aborted]);
    if (length === undefined || length === null) return undefined;
    line += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return line.slice(0, line.indexOf("\n"));
}
