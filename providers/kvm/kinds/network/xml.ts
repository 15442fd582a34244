/**
 * A network's XML: made for a new one, patched for one that is there.
 *
 * @module
 */

import type { Mark, Resource } from "../../../provider.ts";
import { removeWithdrawn, writeTable } from "../../table/mod.ts";
import {
  append,
  child,
  element,
  insertBefore,
  parseXml,
  serializeXml,
  writeMark,
} from "../../xml/mod.ts";
import type { NetworkSpec } from "./spec.ts";
import { networkTable } from "./table.ts";

/**
 * The XML of a new network from its completed resource.
 *
 * Spanning tree is off: a guest's port would wait for it, and its first DHCP request would be lost.
 * The bridge's MAC address is libvirt's choice.
 */
export function networkXml(resource: Resource, mark?: Mark): string {
  const root = element("network");
  writeTable(networkTable, root, resource.spec);
  const uuid = element("uuid", {}, resource.uuid);
  const next = root.children[1];
  if (next === undefined) append(root, uuid);
  else insertBefore(root, uuid, next);
  const bridge = child(root, "bridge");
  if (bridge !== undefined && resource.spec.mode !== "bridge") {
    for (const [name, usual] of [["stp", "off"], ["delay", "0"]] as const) {
      if (!bridge.attributes.has(name)) bridge.attributes.set(name, usual);
    }
  }
  if (mark !== undefined) writeMark(root, mark);
  return serializeXml(root);
}

/**
 * The XML of a network with the declared fields and the mark brought up to date; every other node
 * stays as it is.
 *
 * @param xml The configuration (`VIR_NETWORK_XML_INACTIVE`).
 */
export function patchNetworkXml(
  xml: string,
  spec: NetworkSpec,
  options: { readonly previous?: NetworkSpec; readonly mark?: Mark } = {},
): string {
  const root = parseXml(xml);
  if (options.previous !== undefined) removeWithdrawn(networkTable, root, spec, options.previous);
  writeTable(networkTable, root, spec);
  if (options.mark !== undefined) writeMark(root, options.mark);
  return serializeXml(root);
}
