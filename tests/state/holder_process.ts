/**
 * A process of its own that locks a stack: `holder_process.ts LOCATION STACK WHO LEASE_SECONDS`.
 * Prints `locked` or the error's code as its first line. Then it obeys lines on its standard input:
 * `write NAME` puts a row and prints the new serial or the error's code; `release` ends it well.
 *
 * @module
 */

import { openStore } from "../../state/mod.ts";
import { StaddleError } from "../../providers/error.ts";
import { row } from "./contract.ts";

const [location = "", stack = "", who = "", seconds = "30"] = Deno.args;

function say(text: string): Promise<number> {
  return Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

function said(error: unknown): string {
  return error instanceof StaddleError
    ? `${error.code} ${error.exitCode} ${error.message}`
    : `${error}`;
}

await using store = openStore(location, { leaseSeconds: Number(seconds) });
try {
  await using lease = await store.lock(stack, who);
  lease.lost.addEventListener("abort", () => void say(`lost ${said(lease.lost.reason)}`));
  await say("locked");
  let buffered = "";
  const decoder = new TextDecoder();
  reading: for await (const chunk of Deno.stdin.readable) {
    buffered += decoder.decode(chunk, { stream: true });
    const lines = buffered.split("\n");
    buffered = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "release") break reading;
      await lease.write({ put: [row(line.replace("write ", ""))] })
        .then((serial) => say(`wrote ${serial}`), (error) => say(said(error)));
    }
  }
} catch (error) {
  await say(said(error));
  if (error instanceof StaddleError) Deno.exitCode = error.exitCode;
}
