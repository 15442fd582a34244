/**
 * The guest for which a new machine is laid out.
 *
 * @module
 */

import { z } from "zod";
import { elsewhere, field, type Table } from "../../../table/mod.ts";
import { always } from "./common.ts";

/** Operating system, and whether it has drivers for paravirtual devices. */
export const guest = {
  os: field({
    schema: () =>
      z.enum(["linux", "windows"]).optional().describe(
        "What will run in a new machine: linux (unless declared): virtio devices, a clock in UTC; " +
          "windows: SATA and e1000e, VGA, an empty drive `drivers` for the disc with its drivers, a " +
          "clock in local time, and under KVM what it finds of Hyper-V.",
      ),
    binding: elsewhere("the defaults of a new machine"),
    change: "live",
    equal: always,
  }),
  devices: field({
    schema: () =>
      z.enum(["paravirtual", "emulated"]).optional().describe(
        "Devices of a new machine that say nothing themselves: paravirtual: virtio; emulated: SATA " +
          "and e1000, no guest agent, no balloon, for guests without any driver for virtio.",
      ),
    binding: elsewhere("the defaults of a new machine"),
    change: "live",
    equal: always,
  }),
} satisfies Table;
