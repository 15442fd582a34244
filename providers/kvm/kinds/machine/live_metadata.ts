/**
 * The calls by which metadata of other programs reaches a running machine, an element a namespace.
 *
 * @module
 */

import type { FieldChange, JsonObject } from "../../../provider.ts";
import type { XmlElement } from "../../xml/mod.ts";
import { bareText, metadataOf, type MetadataSpec, prefixOf } from "../metadata.ts";

/** Sets the element of a namespace, or takes it away where it is null. */
export interface MetadataCall {
  readonly call: "setMetadata";
  readonly namespace: string;
  /** Null where the element goes: libvirt wants none there. */
  readonly prefix: string | null;
  /** As libvirt takes it: names of the namespace have no prefix. */
  readonly element: string | null;
}

const PATH = /^metadata\[(.+?)\](?:\.element)?$/;

/** The calls that make the changes. */
export function metadataCalls(
  changes: readonly FieldChange[],
  spec: JsonObject,
  live: XmlElement,
): MetadataCall[] {
  const declared = (spec.metadata ?? []) as readonly MetadataSpec[];
  return changes.flatMap(({ path }): MetadataCall[] => {
    const namespace = PATH.exec(path)?.[1];
    if (namespace === undefined) return [];
    const entry = declared.find((one) => one.namespace === namespace);
    const present = metadataOf(live, namespace);
    if (entry === undefined) {
      return present === undefined
        ? []
        : [{ call: "setMetadata", namespace, prefix: null, element: null }];
    }
    const prefix = prefixOf(entry, present);
    return [{ call: "setMetadata", namespace, prefix, element: bareText(entry) }];
  });
}
