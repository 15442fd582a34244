/**
 * The machine's table: every field that Staddle knows of a libvirt domain, in the order in which
 * people read them.
 *
 * `restart` in it means that a running guest takes the change at its next start only; whether that
 * start happens now is the stack's `whenRestartNeeded`.
 *
 * @see https://libvirt.org/formatdomain.html
 * @module
 */

import type { Table } from "../../table/mod.ts";
import { consoles } from "./fields/consoles.ts";
import { escape } from "./fields/escape.ts";
import { identity } from "./fields/identity.ts";
import { lifecycle } from "./fields/lifecycle.ts";
import { memory } from "./fields/memory.ts";
import { network } from "./fields/network.ts";
import { platform } from "./fields/platform.ts";
import { processor } from "./fields/processor.ts";
import { storage } from "./fields/storage.ts";

/** The table. */
export const machineTable = {
  ...identity,
  ...platform,
  ...processor,
  ...memory,
  ...storage,
  ...network,
  ...consoles,
  ...lifecycle,
  ...escape,
} satisfies Table;
