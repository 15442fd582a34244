/**
 * Disks, drives, and the drive with the cloud-init seed.
 *
 * @module
 */

import type { Disruption } from "../../../../provider.ts";
import { type ChangeContext, depends, field, type Table } from "../../../table/mod.ts";
import { reference } from "../../reference.ts";
import * as places from "../places.ts";
import { diskList } from "./disks.ts";
import { drives } from "./drives.ts";

/** A medium is changed live; a drive can be neither plugged nor unplugged. */
function seedChange({ live, config, after }: ChangeContext): Disruption {
  if (after === undefined) return "restart";
  return places.seedDrive(live ?? config) === undefined ? "restart" : "live";
}

/** Disks, drives and seed. */
export const storage = {
  disks: diskList,
  ...drives,
  seed: field({
    schema: () =>
      reference("seed").optional().describe(
        "Address of the cloud-init seed, shown as a CD-ROM.",
      ),
    binding: places.seed,
    change: depends(
      "live where the drive is there, else restart",
      seedChange,
    ),
    withdrawn: true,
  }),
} satisfies Table;
