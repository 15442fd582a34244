/**
 * The age keys that the environment names.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { type AgeKeys, parseKeys } from "./keyring.ts";

/** How long a command may take that prints the key, in ms: it may ask a person or a distant vault. */
const COMMAND_TIMEOUT = 120_000;

/**
 * Reads `STADDLE_STATE_KEY` (an identity), or the file of `STADDLE_STATE_KEY_FILE`, or what the command of
 * `STADDLE_STATE_KEY_COMMAND` prints; and `STADDLE_STATE_RECIPIENTS`, further recipients, with spaces or
 * commas between.
 *
 * @throws {StaddleError} `state.bad-key`, `state.key-unavailable`.
 */
export async function environmentKeys(
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Promise<AgeKeys | undefined> {
  const given = ["STADDLE_STATE_KEY", "STADDLE_STATE_KEY_FILE", "STADDLE_STATE_KEY_COMMAND"]
    .filter((name) => (variable(name) ?? "") !== "");
  const [name] = given;
  if (name === undefined) return undefined;
  if (given.length > 1) {
    throw unavailable(given.join(" and "), "only one of them may be set");
  }
  const value = variable(name)!;
  const text = name === "STADDLE_STATE_KEY"
    ? value
    : name === "STADDLE_STATE_KEY_FILE"
    ? await fileText(name, value)
    : await commandText(name, value);
  return parseKeys(text, name, variable("STADDLE_STATE_RECIPIENTS"));
}

async function fileText(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw unavailable(name, `${path}: ${error instanceof Error ? error.message : error}`);
  }
}

async function commandText(name: string, command: string): Promise<string> {
  const signal = AbortSignal.timeout(COMMAND_TIMEOUT);
  // Its questions and complaints go to the terminal; standard output is the key.
  const { success, code, stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", command],
    stdin: "inherit",
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).output();
  if (signal.aborted) throw unavailable(name, "the command took longer than two minutes");
  if (!success) throw unavailable(name, `the command ended with status ${code}`);
  return new TextDecoder().decode(stdout);
}

function unavailable(name: string, reason: string): StaddleError {
  return new StaddleError({
    code: "state.key-unavailable",
    summary: `Cannot get the record's key from ${name}`,
    details: [reason],
    help: "correct it, or unset it if the record is not encrypted; nothing was changed",
  });
}
