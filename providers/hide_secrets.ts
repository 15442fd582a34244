/**
 * Errors without the values of secrets: what a library says may quote what it was given.
 *
 * @module
 */

import { StaddleError } from "./error.ts";

/** Shown in place of a value. */
const HIDDEN = "(sensitive value)";

/** Values that must not be shown. */
export class HiddenValues {
  readonly #texts = new Set<string>();

  /** Takes a value in, as it stands and as XML writes it. */
  add(value: string): void {
    if (value === "") return;
    this.#texts.add(value);
    const escaped = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    this.#texts.add(escaped);
    this.#texts.add(escaped.replaceAll('"', "&quot;").replaceAll("'", "&apos;"));
  }

  /** The text without them; the longest go first, for one may stand in another. */
  text(text: string): string {
    const known = [...this.#texts].filter((value) => text.includes(value));
    known.sort((a, b) => b.length - a.length);
    return known.reduce((left, value) => left.replaceAll(value, HIDDEN), text);
  }

  /**
   * The error as it is where it holds none of them; else one that says the same without them, and of
   * whose causes nothing is kept but their words.
   */
  error(thrown: unknown): unknown {
    if (this.#texts.size === 0 || !(thrown instanceof Error) || !this.#stands(thrown)) {
      return thrown;
    }
    if (!(thrown instanceof StaddleError)) return new Error(this.text(thrown.message));
    const { code, message, where, details, help, exitCode } = thrown;
    return new StaddleError({
      code,
      summary: this.text(message),
      where: where.map((line) => this.text(line)),
      details: details.map((line) => this.text(line)),
      ...(help === undefined ? {} : { help: this.text(help) }),
      exitCode,
    });
  }

  #stands(error: Error): boolean {
    const more = error instanceof StaddleError
      ? [...error.where, ...error.details, error.help ?? ""]
      : [];
    if ([error.message, ...more].some((text) => this.text(text) !== text)) return true;
    return error.cause instanceof Error && this.#stands(error.cause);
  }
}
