/**
 * The one family of errors that Staddle throws at people: what was attempted, on what, what came
 * back, and what to do next.
 *
 * @module
 */

/** What a {@linkcode StaddleError} is made of. */
export interface StaddleErrorInit {
  /** Stable kebab-case code with a room in front, for example `stack.unknown-field`. */
  readonly code: string;
  /** What was attempted, on which object and host, and what went wrong: one sentence. */
  readonly summary: string;
  /** Where it is: a file with line, a path in the stack, an address, a host. One a line. */
  readonly where?: readonly string[];
  /** What came back, for example libvirt's code and text. One a line. */
  readonly details?: readonly string[];
  /** What to do next. */
  readonly help?: string;
  /** The process's exit status if this error ends the run (1 unless the contract says otherwise). */
  readonly exitCode?: number;
  /** The error below. */
  readonly cause?: unknown;
}

/**
 * An error for a person.
 *
 * @example
 * ```ts
 * import { StaddleError } from "./error.ts";
 *
 * const error = new StaddleError({
 *   code: "stack.unknown-field",
 *   summary: 'machine "web" has no field "memmory"',
 *   where: ["web.ts:12:5"],
 *   help: 'did you mean "memory"?',
 * });
 * console.assert(error.render().startsWith("error[stack.unknown-field]"));
 * ```
 */
export class StaddleError extends Error {
  /** `StaddleError`. */
  override readonly name: string = "StaddleError";
  /** Stable code, for example `stack.unknown-field`. */
  readonly code: string;
  /** Where it is, one a line. */
  readonly where: readonly string[];
  /** What came back, one a line. */
  readonly details: readonly string[];
  /** What to do next. */
  readonly help: string | undefined;
  /** Exit status of the command line: see the contract in the README. */
  readonly exitCode: number;

  /** Makes the error; whoever calls throws it. */
  constructor(init: StaddleErrorInit) {
    super(init.summary, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.where = init.where ?? [];
    this.details = init.details ?? [];
    this.help = init.help;
    this.exitCode = init.exitCode ?? 1;
  }

  /** The text that people see, without colour and without a trailing newline. */
  render(): string {
    const lines = [`error[${this.code}]: ${this.message}`];
    for (const place of this.where) lines.push(`  at ${place}`);
    for (const detail of this.details) lines.push(`  ${detail}`);
    if (this.help !== undefined) lines.push(`  help: ${this.help}`);
    return lines.join("\n");
  }
}

/** Several errors that were found together and are shown together. */
export class StaddleErrors extends AggregateError {
  override readonly name: string = "StaddleErrors";
  override readonly errors: StaddleError[];

  constructor(errors: readonly StaddleError[]) {
    super(errors, errors.map((error) => error.render()).join("\n"));
    this.errors = [...errors];
  }
}
