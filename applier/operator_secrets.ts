/**
 * Values of secrets, from where whoever runs Staddle keeps them. A stack has no say in this: it names a
 * secret, and cannot make another variable or file be sent to a host.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { SECRET_NAME, SECRET_NAME_RULE, type SecretSource } from "../providers/secret.ts";

/** How long a command may take that prints a value, in ms: it may ask a person or a distant vault. */
const COMMAND_TIMEOUT = 120_000;

const PREFIX = "STADDLE_SECRET_";

/** The variable in which a secret's value may stand. */
export function secretVariable(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

/** What is needed of the environment. */
export interface Environment {
  get(name: string): string | undefined;
  toObject(): Readonly<Record<string, string>>;
  delete(name: string): void;
}

/**
 * Values from the environment: `STADDLE_SECRET_<NAME>`, else the secret's file in the folder
 * `STADDLE_SECRETS`, else what the command `STADDLE_SECRETS_COMMAND` prints for it.
 *
 * The variables with values are taken out of the environment at once: no process that is started later,
 * an ssh or a hook, is handed them. Each value is fetched once.
 */
export class OperatorSecrets implements SecretSource {
  readonly #environment: Environment;
  readonly #given = new Map<string, string>();
  readonly #fetched = new Map<string, Promise<string>>();
  #commands: Promise<unknown> = Promise.resolve();

  constructor(environment: Environment = Deno.env) {
    this.#environment = environment;
    for (const [name, value] of Object.entries(all(environment))) {
      if (!name.startsWith(PREFIX)) continue;
      this.#given.set(name, value);
      environment.delete(name);
    }
  }

  /**
   * The value of a secret.
   *
   * @throws {StaddleError} `secret.not-found`, `secret.unavailable`, `secret.empty`.
   */
  resolve(name: string): Promise<string> {
    const known = this.#fetched.get(name);
    if (known !== undefined) return known;
    const fetching = this.#fetch(name);
    this.#fetched.set(name, fetching);
    return fetching;
  }

  async #fetch(name: string): Promise<string> {
    // A topology that was not made by the language may name anything: no path is made of that.
    if (!SECRET_NAME.test(name)) throw unavailable(name, SECRET_NAME_RULE);
    const value = this.#given.get(secretVariable(name)) ?? await this.#file(name) ??
      await this.#command(name);
    if (value === undefined) throw notFound(name);
    if (value === "") {
      throw new StaddleError({
        code: "secret.empty",
        summary: `the value of secret "${name}" is empty`,
        help: "give it one, where its value comes from",
      });
    }
    return value;
  }

  async #file(name: string): Promise<string | undefined> {
    const folder = this.#environment.get("STADDLE_SECRETS") ?? "";
    if (folder === "") return undefined;
    const path = `${folder.replace(/\/+$/, "")}/${name}`;
    try {
      return valueIn(await Deno.readFile(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unavailable(name, `${path}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #command(name: string): Promise<string | undefined> {
    const command = this.#environment.get("STADDLE_SECRETS_COMMAND") ?? "";
    if (command === "") return undefined;
    // One at a time: several questions at once could not be told apart.
    const run = this.#commands.then(() => outputOf(name, command));
    this.#commands = run.catch(() => {});
    return await run;
  }
}

/** Everything that may be read; nothing where Deno allows single variables by name alone. */
function all(environment: Environment): Readonly<Record<string, string>> {
  try {
    return environment.toObject();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return {};
    throw error;
  }
}

async function outputOf(name: string, command: string): Promise<string> {
  const signal = AbortSignal.timeout(COMMAND_TIMEOUT);
  // Its questions and complaints go to the terminal; standard output is the value.
  const { success, code, stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", command, "sh", name],
    stdin: "inherit",
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).output();
  const origin = "STADDLE_SECRETS_COMMAND";
  if (signal.aborted) throw unavailable(name, `${origin}: it took longer than two minutes`);
  if (!success) throw unavailable(name, `${origin}: it ended with status ${code}`);
  try {
    return valueIn(stdout);
  } catch {
    throw unavailable(name, `${origin}: what it printed is not UTF-8`);
  }
}

/** Without the newline at the end. What is no UTF-8 throws; the error says nothing of it. */
function valueIn(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
}

function notFound(name: string): StaddleError {
  return new StaddleError({
    code: "secret.not-found",
    summary: `secret "${name}" has no value here`,
    help: `set ${secretVariable(name)}; or put it into a file ${name} in the folder that ` +
      "STADDLE_SECRETS names; or let STADDLE_SECRETS_COMMAND print it, given the name as $1",
  });
}

function unavailable(name: string, reason: string): StaddleError {
  return new StaddleError({
    code: "secret.unavailable",
    summary: `the value of secret "${name}" could not be had`,
    details: [reason],
    help: "correct it, and run the same command again",
  });
}

let own: OperatorSecrets | undefined;

/** The secrets of this process: made once, for the environment holds them no more afterwards. */
export function operatorSecrets(): OperatorSecrets {
  return own ??= new OperatorSecrets();
}
