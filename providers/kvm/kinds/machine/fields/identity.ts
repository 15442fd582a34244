/**
 * Who a machine is: its name and what people wrote about it.
 *
 * @module
 */

import { depends, field, type Table, text } from "../../../table/mod.ts";
import { objectName } from "../../reference.ts";
import { z } from "zod";

/** Name, title, description. */
export const identity = {
  name: field({
    schema: () => objectName.describe("Name of the libvirt domain."),
    binding: text("./name"),
    change: depends("refused: rename it by hand while it is off", () => "restart"),
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
} satisfies Table;
