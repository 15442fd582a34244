/**
 * Virtual CPUs and the CPU that the guest sees.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import { type ChangeContext, field, type Table, text } from "../../../table/mod.ts";
import { getPath } from "../../../xml/mod.ts";
import { cpuSet, sameCpuSet } from "../cpu_set.ts";
import * as places from "../places.ts";
import { cpu } from "./cpu.ts";

/** More vCPUs come live up to the maximum; fewer only where guests let go of them, under KVM. */
function vcpuChange({ config, live, before, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (Number(after) > Number(places.maxVcpus.read(running))) return "restart";
  const fewer = Number(after) < Number(before ?? places.vcpus.read(running));
  return fewer && getPath(running, "./@type") !== "kvm" ? "restart" : "live";
}

/** vCPUs and CPU. */
export const processor = {
  vcpus: field({
    schema: () =>
      z.int().min(1).max(4096).optional()
        .describe("Virtual CPUs that are on; 1 unless declared."),
    binding: places.vcpus,
    change: vcpuChange,
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
  cpu,
} satisfies Table;
