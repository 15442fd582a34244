/**
 * From arguments to an exit status.
 *
 * @module
 */

import { run, type StricliProcess } from "@stricli/core";
import { operatorSecrets } from "../applier/operator_secrets.ts";
import { buildStaddle } from "./application.ts";
import type { Context } from "./context.ts";
import { errorText, exitCodeOf } from "./render/error_text.ts";
import { openTerminal } from "./terminal.ts";

/** Runs one command line and returns its exit status. Throws nothing. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await runWords(args);
  } catch (error) {
    // Not even a terminal could be had, for example because Deno may not read the environment.
    const text = new TextEncoder().encode(`${errorText(error)}\n`);
    await Deno.stderr.write(text).catch(() => {});
    return exitCodeOf(error);
  }
}

async function runWords(args: readonly string[]): Promise<number> {
  // Before any process is started: none is to find them in its environment.
  operatorSecrets();
  const { words, debug, colour } = globalFlags(args);
  const terminal = openTerminal({ colour });
  let status = 0;
  const context = {
    terminal,
    debug,
    words,
    setExitCode: (code: number) => {
      status = code;
    },
    process: {
      stdout: {
        write: (text: string) => terminal.print(text.replace(/\n$/, "")),
        getColorDepth: () => terminal.style.bold("x") === "x" ? 1 : 8,
      },
      // Without a colour depth, so that errors keep the colours that their text has already.
      stderr: { write: (text: string) => terminal.warn(text.replace(/\n$/, "")) },
      exitCode: undefined as number | string | null | undefined,
    },
  } satisfies Context & { process: StricliProcess };
  const application = buildStaddle({ style: terminal.errorStyle, debug });
  if (words[0] === "__complete") {
    const { proposals } = await import("./completion/proposals.ts");
    for (const line of await proposals(application, words.slice(1), context)) terminal.print(line);
    return 0;
  }
  await run(application, words, context);
  const code = Number(context.process.exitCode ?? 0);
  // Stricli's own failures are negative: bad arguments, an unknown command.
  return code === 0 ? status : code < 0 ? 1 : code;
}

/** Takes out what stands anywhere on the line and concerns every command. */
function globalFlags(
  args: readonly string[],
): { words: string[]; debug: boolean; colour: boolean } {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  const has = (flag: string): boolean => flags.includes(flag);
  const words = flags.filter((word) => word !== "--debug" && word !== "--no-color");
  return {
    words: end < 0 ? words : [...words, ...args.slice(end)],
    debug: has("--debug") || (Deno.env.get("STADDLE_DEBUG") ?? "") !== "",
    colour: !has("--no-color"),
  };
}
