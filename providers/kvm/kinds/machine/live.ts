/**
 * How the changes of a plan reach a running machine: a list of calls, plain JSON, in order.
 *
 * Every call is safe to repeat: it is derived from what the live XML still lacks.
 *
 * @module
 */

import type { FieldChange, Observed, Resource } from "../../../provider.ts";
import { parseXml, type XmlElement } from "../../xml/mod.ts";
import type { LiveCall } from "./live_call.ts";
import { deviceCalls } from "./live_devices.ts";
import { metadataCalls } from "./live_metadata.ts";
import { tuningCalls } from "./live_tuning.ts";
import { bytesInModules } from "./places.ts";

/**
 * The calls that make the changes. Those on the live machine come first, then (after the
 * configuration was redefined by the caller) a restart or a change of power.
 */
export function liveCalls(
  changes: readonly FieldChange[],
  resource: Resource,
  observed: Observed,
): LiveCall[] {
  const calls: LiveCall[] = [];
  const liveXml = observed.source.liveXml;
  if (typeof liveXml === "string") {
    const live = parseXml(liveXml);
    const now = changes.filter((change) => change.disruption === "live");
    calls.push(...scalarCalls(now, live));
    calls.push(...metadataCalls(now, resource.spec, live));
    calls.push(...tuningCalls(now, resource.spec, live));
    calls.push(...deviceCalls(now, resource.spec, live));
  }
  for (const change of changes) {
    if (change.path === "autostart") calls.push({ call: "setAutostart", value: !!change.after });
    if (change.path === "power") {
      calls.push({ call: "setPower", value: change.after as "on" | "off" });
    }
  }
  const restart = changes.some((change) =>
    change.disruption === "restart" && change.path !== "power"
  );
  if (restart && !changes.some((change) => change.path === "power")) {
    calls.push({ call: "restart" });
  }
  return calls;
}

function scalarCalls(changes: readonly FieldChange[], live: XmlElement): LiveCall[] {
  return changes.flatMap(({ path, after }): LiveCall[] => {
    switch (path) {
      case "vcpus":
        return [{ call: "setVcpus", vcpus: Number(after) }];
      case "memory":
        return [{
          call: "setMemory",
          kib: Math.ceil((Number(after) + bytesInModules(live)) / 1024),
        }];
      case "title":
        return [{ call: "setTitle", value: String(after) }];
      case "description":
        return [{ call: "setDescription", value: String(after) }];
      default:
        return [];
    }
  });
}
