/**
 * The command line: commands, and renderers that turn plans, events and errors into text.
 *
 * This room asks the others for what they know and prints it; it decides nothing about hosts. What
 * people read is made by pure functions in `render/`; what touches the terminal, files or hosts
 * stands in the files beside this one. Nothing imports this room except `mod.ts` at the top, and
 * that only when it is run.
 *
 * **Permissions** (`deno.json`): `-P` is enough for every command, `-P=plan` for those that look at
 * hosts and change nothing there, `-P=record` for those that ask no host.
 *
 * - read, write: the stack and its images, saved plans and events wherever they are named; the record
 *   beside the stack; private folders for SSH's sockets and the sandbox;
 * - ffi: libvirt's client library; it cannot be narrowed to a name, and what is loaded may do anything;
 * - run: `/bin/sh` starts the stack's sandbox (Deno itself, without permissions) and looks at this
 *   machine for `doctor`; `sh` and `ssh` reach hosts;
 * - net: images that come by https, and ports that a machine is waited for on;
 * - sys: host name and user id, for the lock and the history;
 * - env: the variables named there; all others read as absent, so that nobody is asked about them.
 *
 * @module
 */

export { main } from "./main.ts";
