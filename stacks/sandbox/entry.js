/**
 * The main module of a process that evaluates a stack. The import map says which stack.
 *
 * A file of its own that never changes, so that V8's compiled code is kept for what it imports; and
 * JavaScript, for the stack is none of this project's modules.
 *
 * @module
 */

import { run } from "./runner.ts";

// The specifier is a literal: only then is the stack part of the graph, which needs no permission.
await run(() => import("staddle:stack"));
