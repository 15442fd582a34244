/**
 * Memory that the guest has and can have.
 *
 * @module
 */

import type { Disruption } from "../../../../provider.ts";
import { type ChangeContext, field, type Table } from "../../../table/mod.ts";
import { getPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import * as places from "../places.ts";

/** The balloon moves live below the memory that the guest was started with. */
function memoryChange({ config, live, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (getPath(running, "./devices/memballoon/@model") === "none") return "restart";
  return Number(after) > Number(places.maxMemory.read(running)) ? "restart" : "live";
}

const kibibytesEqual = (declared: unknown, actual: unknown) =>
  Math.ceil(Number(declared) / 1024) === Number(actual) / 1024;

/** Memory and its maximum. */
export const memory = {
  memory: field({
    schema: size({ min: 1024 * 1024 }).describe("Memory that the guest has."),
    binding: places.memory,
    change: memoryChange,
    equal: kibibytesEqual,
    format: "bytes",
    guestDecides: true,
  }),
  maxMemory: field({
    schema: size({ min: 1024 * 1024 }).optional()
      .describe("Most memory that the guest can have without a restart; memory unless declared."),
    binding: places.maxMemory,
    change: "restart",
    equal: kibibytesEqual,
    format: "bytes",
  }),
} satisfies Table;
