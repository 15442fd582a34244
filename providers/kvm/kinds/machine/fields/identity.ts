/**
 * Who a machine is: its name and what people wrote about it.
 *
 * @module
 */

import { field, type Table, text } from "../../../table/mod.ts";
import { faultsOfMetadata, metadataList } from "../../metadata.ts";
import { METADATA, metadataEntry, refuseNamespaceTwice } from "../../metadata_entry.ts";
import { objectName } from "../../reference.ts";
import { z } from "zod";

/** Name, title, description, metadata. */
export const identity = {
  name: field({
    schema: () =>
      objectName.describe(
        "Name of the libvirt domain. libvirt renames only what is off: a machine that runs is shut " +
          'down and started for it with `whenRestartNeeded: "now"`, and otherwise refused.',
      ),
    binding: text("./name"),
    change: "restart",
  }),
  title: field({
    schema: () =>
      z.string().regex(/^[^\n]*$/, "must be one line").optional()
        .describe("Short description, one line."),
    binding: text("./title"),
    change: "live",
  }),
  description: field({
    schema: () => z.string().optional().describe("Description, any text."),
    binding: text("./description"),
    change: "live",
  }),
  metadata: metadataList(() =>
    z.array(metadataEntry).superRefine((entries, context) => {
      refuseNamespaceTwice(entries, context);
      for (const [index, entry] of entries.entries()) {
        for (const [member, message] of faultsOfMetadata(entry)) {
          context.addIssue({ code: "custom", path: [index, member], message });
        }
      }
    }).optional().describe(METADATA)
  ),
} satisfies Table;
