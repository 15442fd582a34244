/**
 * Memory that the guest has and can have.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import {
  type ChangeContext,
  depends,
  field,
  group,
  integer,
  kibibytes,
  sameValue,
  shapeOf,
  type Table,
} from "../../../table/mod.ts";
import {
  children,
  element,
  ensureElement,
  getElement,
  getPath,
  setPath,
} from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { cpuSet } from "../cpu_set.ts";
import * as places from "../places.ts";
import { flag, whole, word } from "./bits.ts";

/** The balloon moves live below the memory that the guest was started with. */
function memoryChange({ config, live, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (getPath(running, "./devices/memballoon/@model") === "none") return "restart";
  return Number(after) > Number(places.maxMemory.read(running)) ? "restart" : "live";
}

const kibibytesEqual = (declared: unknown, actual: unknown) =>
  Math.ceil(Number(declared) / 1024) === Number(actual) / 1024;

const hotplug = {
  max: field({
    schema: () =>
      size({ min: 1024 * 1024 })
        .describe("Most memory with every slot filled; the guest needs NUMA cells for it."),
    binding: kibibytes("./maxMemory"),
    change: "restart",
    format: "bytes",
    equal: kibibytesEqual,
  }),
  slots: field({
    schema: () => z.int().min(1).max(256).describe("Slots for memory modules."),
    binding: integer("./maxMemory/@slots"),
    change: "restart",
  }),
} satisfies Table;

const page = kibibytes(".");

/** Pages from the host's pool: `true` for its default size, or sizes by cell. */
const hugepages = field({
  schema: () =>
    z.union([
      z.boolean(),
      z.array(z.strictObject({
        size: size({ min: 4096 }).describe("Size of a page, for example `2MiB`."),
        cells: cpuSet.optional().describe("Cells of the guest; all unless declared."),
      })).min(1),
    ], { error: 'must be true, false, or sizes of pages: [{ size: "2MiB" }]' }).optional().describe(
      "Memory in huge pages that the host has set aside: true for its usual size, or their sizes.",
    ),
  binding: {
    path: "./memoryBacking/hugepages",
    read: (domain) => {
      const found = getElement(domain, "./memoryBacking/hugepages");
      if (found === undefined) return undefined;
      const pages = children(found, "page").map((item) => {
        const of = element("page", { unit: item.attributes.get("unit") }, getPath(item, "./@size"));
        const cells = item.attributes.get("nodeset");
        return { size: page.read(of) ?? 0, ...(cells === undefined ? {} : { cells }) };
      });
      return pages.length === 0 ? true : pages;
    },
    write: (domain, value) => {
      setPath(domain, "./memoryBacking/hugepages", undefined);
      if (value === undefined || value === false) return;
      const made = ensureElement(domain, "./memoryBacking/hugepages");
      for (
        const item of value === true ? [] : value as readonly { size: number; cells?: string }[]
      ) {
        const attributes = { size: item.size / 1024, unit: "KiB", nodeset: item.cells };
        made.children.push(element("page", attributes));
      }
    },
  },
  change: "restart",
  equal: (declared, actual) => sameValue(declared, actual ?? false),
});

const backing = {
  hugepages,
  locked: flag("./memoryBacking/locked", "Held in the host's memory, never swapped out."),
  sharePages: field({
    schema: () =>
      z.boolean().optional()
        .describe("Whether the host merges pages with those of other guests (KSM)."),
    binding: {
      path: "./memoryBacking/nosharepages",
      read: (domain) =>
        getElement(domain, "./memoryBacking/nosharepages") === undefined ? undefined : false,
      write: (domain, value) =>
        setPath(domain, "./memoryBacking/nosharepages", value === false ? "" : undefined),
    },
    change: "restart",
    equal: (declared, actual) => declared === (actual ?? true),
  }),
  source: word(
    "./memoryBacking/source/@type",
    ["anonymous", "file", "memfd"],
    "anonymous: QEMU's own memory; file: files on the host; memfd: memory that others can map.",
  ),
  access: word(
    "./memoryBacking/access/@mode",
    ["shared", "private"],
    "shared: other processes on the host may map it, as virtiofs and vhost-user need.",
  ),
  allocation: word(
    "./memoryBacking/allocation/@mode",
    ["immediate", "ondemand"],
    "Whether all memory is taken at the start, or when it is touched.",
  ),
  allocationThreads: whole(
    "./memoryBacking/allocation/@threads",
    [1, 1024],
    "Threads that take it at the start.",
  ),
  discard: flag("./memoryBacking/discard", "Memory is given up, not written out, when QEMU ends."),
} satisfies Table;

/** Memory, its maximum, and what is behind it. */
export const memory = {
  memory: field({
    schema: () => size({ min: 1024 * 1024 }).describe("Memory that the guest has."),
    binding: places.memory,
    change: depends(
      "live up to the memory that the guest started with, by the balloon; else restart",
      memoryChange,
    ),
    equal: kibibytesEqual,
    format: "bytes",
    guestDecides: true,
  }),
  maxMemory: field({
    schema: () =>
      size({ min: 1024 * 1024 }).optional()
        .describe("Most memory that the guest can have without a restart; memory unless declared."),
    binding: places.maxMemory,
    change: "restart",
    equal: kibibytesEqual,
    format: "bytes",
  }),
  memoryHotplug: group({
    schema: () =>
      z.strictObject(shapeOf(hotplug)).optional()
        .describe("Room for memory modules that are plugged while the guest runs."),
    fields: hotplug,
  }),
  memoryBacking: group({
    schema: () =>
      z.strictObject(shapeOf(backing)).optional()
        .describe("What is behind the guest's memory."),
    fields: backing,
  }),
} satisfies Table;
