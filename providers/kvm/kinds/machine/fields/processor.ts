/**
 * Virtual CPUs and the CPU that the guest sees.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import {
  type ChangeContext,
  depends,
  field,
  integer,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import { getPath, setPath } from "../../../xml/mod.ts";
import { cpuSet, sameCpuSet } from "../cpu_set.ts";
import * as places from "../places.ts";
import { toggle, whole, word, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { cpu } from "./cpu.ts";
import { distinctBy, entries } from "./entries.ts";

/** More vCPUs come live up to the maximum; fewer only where guests let go of them, under KVM. */
function vcpuChange({ config, live, before, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (Number(after) > Number(places.maxVcpus.read(running))) return "restart";
  const fewer = Number(after) < Number(before ?? places.vcpus.read(running));
  return fewer && getPath(running, "./@type") !== "kvm" ? "restart" : "live";
}

const states = {
  vcpu: field({
    schema: () => z.int().min(0).max(4095).describe("Number of the vCPU, from 0."),
    binding: integer("./@id"),
    change: "restart",
    equal: always,
  }),
  enabled: field({
    schema: () => z.boolean().describe("Whether it is on."),
    binding: {
      path: "./@enabled",
      read: (item) => {
        const found = getPath(item, "./@enabled");
        return found === undefined ? undefined : found === "yes";
      },
      write: (item, value) => setPath(item, "./@enabled", value === true ? "yes" : "no"),
    },
    change: "restart",
  }),
  hotpluggable: toggle("./@hotpluggable", YES_NO, "Whether it can be unplugged; the first cannot."),
  order: whole("./@order", [1, 4096], "Place in the order in which they come."),
} satisfies Table;

/** vCPUs and CPU. */
export const processor = {
  vcpus: field({
    schema: () =>
      z.int().min(1).max(4096).optional()
        .describe("Virtual CPUs that are on; 1 unless declared."),
    binding: places.vcpus,
    change: depends(
      "live up to the maximum; fewer are live under KVM alone; else restart",
      vcpuChange,
    ),
  }),
  maxVcpus: field({
    schema: () =>
      z.int().min(1).max(4096).optional()
        .describe("Most virtual CPUs that can be on without a restart; vcpus unless declared."),
    binding: places.maxVcpus,
    change: "restart",
  }),
  cpuset: field({
    schema: () =>
      cpuSet.optional()
        .describe("Host CPUs on which vCPUs run that have no pin of their own, for example `0-3`."),
    binding: text("./vcpu/@cpuset"),
    change: "restart",
    equal: sameCpuSet,
  }),
  cpuPlacement: word(
    "./vcpu/@placement",
    ["static", "auto"],
    "static: on cpuset, or anywhere; auto: on the nodes that numad advises.",
  ),
  vcpuStates: entries({
    grows: true,
    schema: () =>
      z.array(z.strictObject(shapeOf(states))).superRefine(distinctBy("vcpu")).optional().describe(
        "Single vCPUs: which are on, which can be unplugged, and in what order they come; all of " +
          "them or none, and as many are on as `vcpus` says.",
      ),
    parent: "./vcpus",
    element: "vcpu",
    attribute: "id",
    key: "vcpu",
    fields: states,
  }),
  cpu,
} satisfies Table;
