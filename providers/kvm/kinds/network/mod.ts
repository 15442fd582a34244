/**
 * Networks: bridges that libvirt makes, with NAT, routing, DHCP and DNS, and existing bridges of the
 * host.
 *
 * The effectful half keeps a network defined and active, and applies its changes thus: the
 * configuration is always patched and defined anew ({@linkcode patchNetworkXml}; that also brings
 * the mark up to date and touches nothing that runs). Then, if the network runs: with a change of
 * class `restart` it is destroyed and started (plugging the taps of running guests in again);
 * otherwise the calls of {@linkcode networkUpdates} over its live XML follow. Changes at `active`,
 * `persistent` and `autostart` are the states of those names.
 *
 * @module
 */

import type {
  Claim,
  FieldChange,
  FieldDoc,
  Issue,
  JsonObject,
  Kind,
  Lookup,
  Observed,
  Resource,
} from "../../../provider.ts";
import { compareTable, describeTable, readTable, type Table } from "../../table/mod.ts";
import { parseXml } from "../../xml/mod.ts";
import { digestOf, sourceText } from "../canonical.ts";
import { defaultRange, firstAddress, parseIpv4Subnet } from "../ip.ts";
import { checkNetwork } from "./check.ts";
import { networkSchema } from "./schema.ts";
import type { NetworkSpec } from "./spec.ts";
import { networkState, networkTable } from "./table.ts";

export { networkSchema } from "./schema.ts";
export type * from "./spec.ts";
export { networkTable } from "./table.ts";
export { NETWORK_COMMAND, NETWORK_SECTION, type NetworkUpdate, networkUpdates } from "./updates.ts";
export { networkXml, patchNetworkXml } from "./xml.ts";

let docs: readonly FieldDoc[] | undefined;

/** libvirt changes metadata in the configuration alone: a call for that of what runs came with 9.7. */
const { metadata, ...runningTable } = networkTable;
const configTable: Table = { metadata: metadata! };

/** The kind `network`. */
export const networkKind: Kind = {
  kind: "network",
  schema: networkSchema,
  get fields() {
    return docs ??= describeTable({ ...networkTable, ...networkState });
  },
  marked: true,
  references: () => [],
  resolve,
  key: (resource) => String(resource.spec.name),
  check: (resource: Resource, lookup: Lookup): readonly Issue[] => checkNetwork(resource, lookup),
  complete,
  view,
  diff,
  waits: () => undefined,
  claims(resource): readonly Claim[] {
    const { bridge, mode } = resource.spec;
    return typeof bridge !== "string" || mode === "bridge" || resource.tenure === "existing"
      ? []
      : [{ what: `bridge ${bridge}`, path: "bridge", scope: "host" }];
  },
};

function resolve(resource: Resource): JsonObject {
  const spec = resource.spec as NetworkSpec;
  const subnet = spec.subnet === undefined ? undefined : parseIpv4Subnet(spec.subnet);
  return subnet === undefined || spec.gateway !== undefined
    ? spec
    : { ...spec, gateway: firstAddress(subnet) };
}

function complete(resource: Resource): JsonObject {
  const spec = resource.spec as NetworkSpec;
  const mode = spec.mode ?? (spec.subnet === undefined ? "isolated" : "nat");
  if (mode === "bridge") return { ...spec, mode };
  const subnet = spec.subnet === undefined ? undefined : parseIpv4Subnet(spec.subnet);
  const range = subnet === undefined ? undefined : defaultRange(subnet, spec.gateway);
  return {
    ...spec,
    mode,
    // Chosen here, not by libvirt: two networks that start at once would both take virbr1.
    bridge: spec.bridge ?? `sd-${resource.uuid.replaceAll("-", "").slice(0, 8)}`,
    ...(subnet === undefined ? {} : { dhcp: spec.dhcp ?? range ?? false }),
  };
}

function view(observed: Observed): JsonObject {
  const { source } = observed;
  return {
    ...readTable(networkTable, parseXml(sourceText(source, "xml"))),
    autostart: source.autostart === true,
    active: source.active === true,
    persistent: source.persistent !== false,
  };
}

function diff(
  resource: Resource,
  observed: Observed,
  { previous }: { readonly previous?: JsonObject },
): readonly FieldChange[] {
  if (resource.tenure === "existing") return [];
  const { spec } = resource;
  const { source } = observed;
  const config = parseXml(sourceText(source, "xml"));
  const liveXml = source.active === true ? sourceText(source, "liveXml") : "";
  const live = liveXml === "" ? undefined : parseXml(liveXml);
  const changes = [
    ...compareTable(runningTable, { spec, previous, config, live }),
    ...compareTable(configTable, { spec, previous, config }),
  ];
  if (live !== undefined) {
    // Defined as declared but not restarted since: an apply that was cut off, or another hand.
    const known = new Set(changes.map((change) => change.path));
    const running = compareTable(runningTable, { spec, previous, config: live, live });
    changes.push(...running.filter((change) => !known.has(change.path)));
  }
  if (source.persistent === false) {
    changes.push({ path: "persistent", before: false, after: true, disruption: "live" });
  }
  if (source.active !== true) {
    changes.push({ path: "active", before: false, after: true, disruption: "live" });
  }
  if (spec.autostart !== undefined && spec.autostart !== (source.autostart === true)) {
    changes.push({
      path: "autostart",
      before: source.autostart === true,
      after: spec.autostart,
      disruption: "live",
    });
  }
  return changes;
}

/** Digest of a network as it was read, less the counts of who is connected. */
export function networkFingerprint(source: JsonObject): string {
  const still = (xml: string) => xml.replace(/ connections='\d+'/g, "");
  return digestOf(
    still(sourceText(source, "xml")),
    still(sourceText(source, "liveXml")),
    `${source.active === true} ${source.autostart === true} ${source.persistent !== false}`,
  );
}
