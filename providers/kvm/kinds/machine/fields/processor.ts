/**
 * Virtual CPUs and the CPU that the guest sees.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import { type ChangeContext, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import { getPath } from "../../../xml/mod.ts";
import * as places from "../places.ts";

/** More vCPUs come live up to the maximum; fewer only where guests let go of them, under KVM. */
function vcpuChange({ config, live, before, after }: ChangeContext): Disruption {
  const running = live ?? config;
  if (Number(after) > Number(places.maxVcpus.read(running))) return "restart";
  const fewer = Number(after) < Number(before ?? places.vcpus.read(running));
  return fewer && getPath(running, "./@type") !== "kvm" ? "restart" : "live";
}

const cpu = {
  mode: field({
    schema: z.enum(["host-passthrough", "host-model", "maximum", "custom"]).optional()
      .describe("How the guest's CPU relates to the host's."),
    binding: text("./cpu/@mode"),
    change: "restart",
  }),
  model: field({
    schema: z.string().min(1).optional().describe("A named model, with mode `custom`."),
    binding: text("./cpu/model"),
    change: "restart",
  }),
} satisfies Table;

/** vCPUs and CPU. */
export const processor = {
  vcpus: field({
    schema: z.int().min(1).max(4096).optional()
      .describe("Virtual CPUs that are on; 1 unless declared."),
    binding: places.vcpus,
    change: vcpuChange,
  }),
  maxVcpus: field({
    schema: z.int().min(1).max(4096).optional()
      .describe("Most virtual CPUs that can be on without a restart; vcpus unless declared."),
    binding: places.maxVcpus,
    change: "restart",
  }),
  cpu: group({
    schema: z.strictObject(shapeOf(cpu)).refine(
      ({ mode, model }) => model === undefined || (mode ?? "custom") === "custom",
      { error: 'a model goes with mode "custom"', path: ["model"] },
    ).optional().describe("CPU of the guest."),
    fields: cpu,
  }),
} satisfies Table;
