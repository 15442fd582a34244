/**
 * The command line: commands, and renderers that turn plans, events and errors into text.
 *
 * This room asks the others for what they know and prints it; it decides nothing about hosts. What
 * people read is made by pure functions in `render/`; what touches the terminal, files or hosts
 * stands in the files beside this one. Nothing imports this room except `mod.ts` at the top, and
 * that only when it is run.
 *
 * @module
 */

export { main } from "./main.ts";
