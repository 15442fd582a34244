/**
 * NUMA: the cells that the guest sees, and the host's nodes from which its memory comes.
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
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import { element, getPath, setPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { cpuSet, sameCpuSet } from "../cpu_set.ts";
import { toggle, word, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy, entries } from "./entries.ts";
import { cacheFields, interconnects } from "./hmat.ts";

const distances = {
  cell: field({
    schema: () => z.int().min(0).describe("Number of the other cell."),
    binding: integer("./@id"),
    change: "restart",
    equal: always,
  }),
  distance: field({
    schema: () =>
      z.int().min(10).max(255).describe("10 to itself, 20 to a usual neighbour, 255: none."),
    binding: integer("./@value"),
    change: "restart",
  }),
} satisfies Table;

const cells = {
  cell: field({
    schema: () => z.int().min(0).describe("Number of the cell, from 0."),
    binding: integer("./@id"),
    change: "restart",
    equal: always,
  }),
  cpus: field({
    schema: () => cpuSet.optional().describe("vCPUs in the cell, for example `0-1`."),
    binding: text("./@cpus"),
    change: "restart",
    equal: sameCpuSet,
  }),
  memory: field({
    schema: () => size({ min: 1024 }).describe("Memory of the cell; the cells' sum is maxMemory."),
    binding: {
      path: "./@memory",
      read: (cell) => {
        const found = getPath(cell, "./@memory");
        if (found === undefined) return undefined;
        // The unit stands beside, not below: an attribute has none of its own.
        const whole = element("memory", { unit: getPath(cell, "./@unit") ?? "KiB" }, found);
        return kibibytes(".").read(whole);
      },
      write: (cell, value) => {
        setPath(cell, "./@memory", `${Math.ceil(Number(value) / 1024)}`);
        setPath(cell, "./@unit", "KiB");
      },
    },
    change: "restart",
    format: "bytes",
    equal: (declared, actual) => Math.ceil(Number(declared) / 1024) === Number(actual) / 1024,
  }),
  access: word(
    "./@memAccess",
    ["shared", "private"],
    "Whether other processes on the host may map the cell's memory.",
  ),
  discard: toggle("./@discard", YES_NO, "Memory is given up, not written out, when QEMU ends."),
  caches: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(cacheFields))).superRefine(distinctBy("level")).optional()
        .describe("Caches before the cell's memory (ACPI HMAT)."),
    parent: ".",
    element: "cache",
    attribute: "level",
    key: "level",
    fields: cacheFields,
  }),
  distances: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(distances))).superRefine(distinctBy("cell")).optional()
        .describe("Distances to cells, this one included."),
    parent: "./distances",
    element: "sibling",
    attribute: "id",
    key: "cell",
    fields: distances,
  }),
} satisfies Table;

/** The nodes move live under a running guest whose memory cgroups alone bind to nodes; libvirt 9 refuses other modes. */
function nodesChange({ live }: ChangeContext): Disruption {
  const mode = live && getPath(live, "./numatune/memory/@mode");
  return mode === "restrictive" ? "live" : "restart";
}

const MODES = ["strict", "preferred", "interleave", "restrictive"] as const;

const memnodes = {
  cell: field({
    schema: () => z.int().min(0).describe("Number of the guest's cell."),
    binding: integer("./@cellid"),
    change: "restart",
    equal: always,
  }),
  mode: field({
    schema: () => z.enum(MODES).describe("As for the whole guest."),
    binding: text("./@mode"),
    change: "restart",
  }),
  nodes: field({
    schema: () => cpuSet.describe("Nodes of the host."),
    binding: text("./@nodeset"),
    change: "restart",
    equal: sameCpuSet,
  }),
} satisfies Table;

const tune = {
  mode: word(
    "./numatune/memory/@mode",
    MODES,
    "strict: from these nodes or not at all; preferred: from the one node if it can; interleave: " +
      "in turn; restrictive: strict, and held by cgroups alone.",
  ),
  placement: word(
    "./numatune/memory/@placement",
    ["static", "auto"],
    "static: the nodes declared; auto: those that numad advises.",
  ),
  nodes: field({
    schema: () =>
      cpuSet.optional().describe("Nodes of the host from which memory comes, such as `0-1`."),
    binding: text("./numatune/memory/@nodeset"),
    change: depends(
      "live with mode restrictive, else restart",
      nodesChange,
    ),
    equal: sameCpuSet,
  }),
  cells: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(memnodes))).superRefine(distinctBy("cell")).optional()
        .describe("Nodes for the memory of single cells."),
    parent: "./numatune",
    element: "memnode",
    attribute: "cellid",
    key: "cell",
    fields: memnodes,
  }),
} satisfies Table;

const members = {
  cells: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(cells))).superRefine(distinctBy("cell")).optional()
        .describe("Cells that the guest sees."),
    parent: "./cpu/numa",
    element: "cell",
    attribute: "id",
    key: "cell",
    fields: cells,
  }),
  ...interconnects,
  tune: group({
    schema: () =>
      z.strictObject(shapeOf(tune)).optional()
        .describe("Nodes of the host from which the guest's memory comes."),
    fields: tune,
  }),
} satisfies Table;

/** NUMA. */
export const numa = {
  numa: group({
    schema: () => z.strictObject(shapeOf(members)).optional().describe("Cells and nodes."),
    fields: members,
  }),
} satisfies Table;
