/**
 * What every virtio device has: how its queues lie in memory, and who sees them.
 *
 * @module
 */

import { z } from "zod";
import { group, shapeOf, type Table } from "../../../table/mod.ts";
import { ON_OFF, since, toggle } from "./bits.ts";

/** Options of the virtio device at a place. */
export function virtioOptions(place = ".") {
  const driver = `${place}/driver`;
  const members = {
    iommu: toggle(`${driver}/@iommu`, ON_OFF, "Go through the guest's IOMMU."),
    ats: toggle(`${driver}/@ats`, ON_OFF, "Cache translations in the device; with iommu."),
    packed: toggle(`${driver}/@packed`, ON_OFF, "Packed queues."),
    pagePerQueue: since(
      "7.9.0",
      toggle(`${driver}/@page_per_vq`, ON_OFF, "A page of notifications for each queue."),
    ),
  } satisfies Table;
  return group({
    schema: () =>
      z.strictObject(shapeOf(members)).optional().describe("How the virtio device works."),
    fields: members,
  });
}

/** Models of a virtio device: both dialects, the old one beside the new, the new one alone. */
export const VIRTIO_MODELS = [
  "virtio",
  "virtio-transitional",
  "virtio-non-transitional",
] as const;
