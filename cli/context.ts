/**
 * What every command is given.
 *
 * @module
 */

import type { CommandContext } from "@stricli/core";
import type { Terminal } from "./terminal.ts";

/** The surroundings of a command. */
export interface Context extends CommandContext {
  readonly terminal: Terminal;
  /** Shows stack traces and causes with errors. */
  readonly debug: boolean;
  /** Words of the command line before the one that is being completed. */
  readonly words: readonly string[];
  /** Sets the exit status of a command that ends well: 2 for changes present. */
  setExitCode(code: number): void;
}
