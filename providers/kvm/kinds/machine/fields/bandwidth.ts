/**
 * Limits of a NIC's traffic.
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
  shapeOf,
  type Table,
} from "../../../table/mod.ts";
import { getElement, getPath, setPath, type XmlElement } from "../../../xml/mod.ts";

/** Types of NICs that stand on a tap, whose traffic the host can limit while the guest runs. */
const TAPS = ["network", "bridge", "direct", "ethernet"];

function bandwidthChange({ config, live }: ChangeContext): Disruption {
  return TAPS.includes((live ?? config).attributes.get("type") ?? "") ? "live" : "restart";
}

function rate(attribute: string, doc: string) {
  const path = `./bandwidth/${attribute}`;
  return field({
    schema: () => z.int().min(0).max(2 ** 32 - 1).optional().describe(doc),
    binding: {
      path,
      read: (nic) => {
        const found = getPath(nic, path);
        return found === undefined ? undefined : Number(found);
      },
      write: (nic, value) =>
        setPath(nic, path, value === undefined || value === 0 ? undefined : `${value}`),
    },
    change: depends(
      "live on taps (network, bridge, direct, ethernet), else restart",
      bandwidthChange,
    ),
    equal: (declared, actual) => declared === (actual ?? 0),
  });
}

function rates(direction: "inbound" | "outbound") {
  return {
    average: rate(`${direction}/@average`, "Rate over time, KiB per second; 0: no limit."),
    peak: rate(`${direction}/@peak`, "Highest rate, KiB per second."),
    burst: rate(`${direction}/@burst`, "Amount that may go at the highest rate, KiB."),
  } satisfies Table;
}

const inbound = {
  ...rates("inbound"),
  floor: rate("inbound/@floor", "Rate that is kept for the NIC on its network, KiB per second."),
} satisfies Table;
const outbound = rates("outbound");

/** Libvirt takes a peak and a burst with an average only. */
function averaged(given: { average?: number; peak?: number; burst?: number }): boolean {
  return (given.average ?? 0) > 0 || !given.peak && !given.burst;
}
const AVERAGED = { error: "peak and burst go with an average", path: ["average"] };

const fields = {
  inbound: group({
    schema: () =>
      z.strictObject(shapeOf(inbound)).refine(averaged, AVERAGED).optional()
        .describe("Traffic to the guest."),
    fields: inbound,
  }),
  outbound: group({
    schema: () =>
      z.strictObject(shapeOf(outbound)).refine(averaged, AVERAGED).optional()
        .describe("Traffic from the guest."),
    fields: outbound,
  }),
} satisfies Table;

/** Limits of a NIC's traffic. */
export const bandwidth = group({
  schema: () => z.strictObject(shapeOf(fields)).optional().describe("Limits of the NIC's traffic."),
  fields,
});

/** The limits of a NIC by the names of libvirt's parameters; what it lacks is no limit. */
export function bandwidthParameters(nic: XmlElement): Record<string, number> {
  const parameters: Record<string, number> = {};
  for (const name of ["inbound", "outbound"] as const) {
    const item = getElement(nic, `./bandwidth/${name}`);
    for (const rate of ["average", "peak", "burst"] as const) {
      parameters[`${name}.${rate}`] = Number(item?.attributes.get(rate) ?? 0);
    }
    const floor = item?.attributes.get("floor");
    if (floor !== undefined) parameters[`${name}.floor`] = Number(floor);
  }
  return parameters;
}
