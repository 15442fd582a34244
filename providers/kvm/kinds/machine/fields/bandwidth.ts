/**
 * Limits of a NIC's traffic.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption } from "../../../../provider.ts";
import { type ChangeContext, field, group, shapeOf, type Table } from "../../../table/mod.ts";
import { getElement, getPath, setPath, type XmlElement } from "../../../xml/mod.ts";

/** Types of NICs that stand on a tap, whose traffic the host can limit while the guest runs. */
const TAPS = ["network", "bridge", "direct", "ethernet"];

function bandwidthChange({ config, live }: ChangeContext): Disruption {
  return TAPS.includes((live ?? config).attributes.get("type") ?? "") ? "live" : "restart";
}

function direction(name: "inbound" | "outbound", doc: string) {
  const rate = (attribute: string, text: string) => {
    const path = `./bandwidth/${name}/@${attribute}`;
    return field({
      schema: z.int().min(0).max(2 ** 32 - 1).optional().describe(text),
      binding: {
        path,
        read: (nic) => {
          const found = getPath(nic, path);
          return found === undefined ? undefined : Number(found);
        },
        write: (nic, value) =>
          setPath(nic, path, value === undefined || value === 0 ? undefined : `${value}`),
      },
      change: bandwidthChange,
      equal: (declared, actual) => declared === (actual ?? 0),
    });
  };
  const fields = {
    average: rate("average", "Rate over time, KiB per second; 0: no limit."),
    peak: rate("peak", "Highest rate, KiB per second."),
    burst: rate("burst", "Amount that may go at the highest rate, KiB."),
    ...(name === "inbound"
      ? { floor: rate("floor", "Rate that is kept for the NIC on its network, KiB per second.") }
      : {}),
  } satisfies Table;
  return group({
    schema: z.strictObject(shapeOf(fields)).refine(
      (rates) =>
        (rates.average ?? 0) > 0 || (rates as { floor?: number }).floor !== undefined ||
        (rates.peak ?? 0) === 0 && (rates.burst ?? 0) === 0,
      { error: "peak and burst go with an average", path: ["average"] },
    ).optional().describe(doc),
    fields,
  });
}

const fields = {
  inbound: direction("inbound", "Traffic to the guest."),
  outbound: direction("outbound", "Traffic from the guest."),
} satisfies Table;

/** Limits of a NIC's traffic. */
export const bandwidth = group({
  schema: z.strictObject(shapeOf(fields)).optional().describe("Limits of the NIC's traffic."),
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
