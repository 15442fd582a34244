/**
 * Escape hatches: what the table lacks of the machine, and of each of its devices.
 *
 * @module
 */

import type { Table } from "../../../table/mod.ts";
import { hatch, patchList } from "../../hatch.ts";

export { refuseOwned } from "../../hatch.ts";

/** The machine's escape hatch. */
export const escape = {
  xml: hatch(() =>
    patchList(
      "What no other field says: places in libvirt's XML and what must stand there. A place that " +
        "another field owns is refused.",
    )
  ),
} satisfies Table;

/** A device's escape hatch. */
export const deviceXml = {
  xml: hatch(() =>
    patchList(
      "What no other field of the device says: places in its XML, from the device on, and what must " +
        "stand there. A place that another field owns is refused.",
    )
  ),
} satisfies Table;
