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
import { beyond } from "./fields/beyond.ts";
import { boot, bootOrder } from "./fields/boot.ts";
import { characters } from "./fields/characters.ts";
import { clock } from "./fields/clock.ts";
import { consoles } from "./fields/consoles.ts";
import { controllerList } from "./fields/controllers.ts";
import { displays } from "./fields/displays.ts";
import { escape } from "./fields/escape.ts";
import { features } from "./fields/features.ts";
import { guest } from "./fields/guest.ts";
import { guestAids } from "./fields/guest_aids.ts";
import { attachments } from "./fields/host_devices.ts";
import { identity } from "./fields/identity.ts";
import { lifecycle } from "./fields/lifecycle.ts";
import { memory } from "./fields/memory.ts";
import { memoryDevices } from "./fields/memory_devices.ts";
import { network } from "./fields/network.ts";
import { numa } from "./fields/numa.ts";
import { pictures } from "./fields/pictures.ts";
import { platform } from "./fields/platform.ts";
import { power } from "./fields/power.ts";
import { processor } from "./fields/processor.ts";
import { redirection } from "./fields/redirection.ts";
import { security } from "./fields/security.ts";
import { shares } from "./fields/shares.ts";
import { storage } from "./fields/storage.ts";
import { sysinfo } from "./fields/sysinfo.ts";
import { tuning } from "./fields/tuning.ts";

/** The table. */
export const machineTable = {
  ...identity,
  ...guest,
  ...platform,
  ...boot,
  ...processor,
  ...numa,
  ...memory,
  ...memoryDevices,
  ...features,
  ...clock,
  ...sysinfo,
  ...tuning,
  ...storage,
  ...network,
  ...controllerList,
  ...consoles,
  ...displays,
  ...pictures,
  ...characters,
  ...guestAids,
  ...shares,
  ...attachments,
  ...redirection,
  ...bootOrder,
  ...power,
  ...security,
  ...beyond,
  ...lifecycle,
  ...escape,
} satisfies Table;
