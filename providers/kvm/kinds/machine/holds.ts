/**
 * What a running guest has on its disks that its next start does without.
 *
 * @module
 */

import type { FieldChange, Json, Observed } from "../../../provider.ts";
import { getElements, parseXml } from "../../xml/mod.ts";
import { filesBySource, sourceOf } from "./disk_sources.ts";

/** Volumes, images and seeds that the guest goes on using once the changes are made. */
export function machineHolds(
  { source }: Observed,
  context: { readonly changes: readonly FieldChange[]; readonly among: readonly Observed[] },
): readonly Observed[] {
  const { changes, among } = context;
  const liveXml = source.liveXml;
  const xml = String(source.xml);
  if (typeof liveXml !== "string") return [];
  // The guest is shut down for it, and starts without whatever it had.
  if (changes.some(({ disruption }) => disruption === "restart")) return [];
  const later = changes.filter(({ disruption }) => disruption === "next-boot");
  if (later.length === 0 && startsWithSame(xml, liveXml)) return [];
  const files = filesBySource(among);
  const filesOf = (text: string) =>
    new Set(
      getElements(parseXml(text), "./devices/disk")
        .map((disk) => files.get(sourceOf(disk) ?? ""))
        .filter((object) => object !== undefined),
    );
  const saved = filesOf(xml);
  return [...filesOf(liveXml)].filter((object) => {
    const givenUp = (some: readonly FieldChange[]) =>
      some.some(({ before }) => names(before, object.key) || names(before, object.source.path));
    const givenUpNow = givenUp(changes.filter(({ disruption }) => disruption === "live"));
    return !givenUpNow && (!saved.has(object) || givenUp(later));
  });
}

/** Whether a text stands somewhere in a value. */
function names(value: Json | undefined, text: Json | undefined): boolean {
  if (value === null || typeof value !== "object") return text !== undefined && value === text;
  return Object.values(value).some((one) => names(one, text));
}

const DISK_SOURCE = /<source [^>]*\b(?:file|dev|volume)=[^>]*?(?=\/?>)/g;

/** Whether all that the disks have now stands in what is saved too: two searches, where parsing costs more. */
function startsWithSame(xml: string, liveXml: string): boolean {
  return [...liveXml.matchAll(DISK_SOURCE)]
    .every(([tag]) => xml.includes(tag.replace(/ index=(['"])\d+\1/, "")));
}
