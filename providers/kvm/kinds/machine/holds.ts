/**
 * What a running guest has that its next start does without, and what a saved state has that the definition
 * does without: volumes on its disks, networks behind its NICs.
 *
 * @module
 */

import type { FieldChange, Hold, Json, Observed } from "../../../provider.ts";
import type { List } from "../../table/mod.ts";
import { getElements, getPath, parseXml } from "../../xml/mod.ts";
import { filesBySource, sourceOf } from "./disk_sources.ts";
import { savedXml, startedXml } from "./saved.ts";
import { machineTable } from "./table.ts";

const nics = machineTable.nics as List;

/** Volumes, images, seeds and networks that the guest goes on using once the changes are made. */
export function machineHolds(
  observed: Observed,
  context: { readonly changes: readonly FieldChange[]; readonly among: readonly Observed[] },
): readonly Hold[] {
  const { changes, among } = context;
  const started = startedXml(observed);
  const xml = String(observed.source.xml);
  if (started === undefined) return [];
  // The guest is shut down for it, and starts without whatever it had.
  if (changes.some(({ disruption }) => disruption === "restart")) return [];
  const later = changes.filter(({ disruption }) => disruption === "next-boot");
  if (later.length === 0 && startsWithSame(xml, started)) return [];
  const now = changes.filter(({ disruption }) => disruption === "live");
  const used = new Set(usesOf(xml, among).map(({ object }) => object));
  const by = savedXml(observed) === undefined ? {} : { by: "the saved state" };
  const goesOn = usesOf(started, among).filter((use) =>
    !now.some((change) => givesUp(change, use)) &&
    (!used.has(use.object) || later.some((change) => mayGiveUp(change, use)))
  );
  return [...new Set(goesOn.map(({ object }) => object))].map((object) => ({ object, ...by }));
}

/** Something that a disk or a NIC is on. */
interface Use {
  readonly object: Observed;
  /** Path of the NIC in a spec. */
  readonly nic?: string;
}

function usesOf(xml: string, among: readonly Observed[]): readonly Use[] {
  const files = filesBySource(among);
  const networks = networksByName(among);
  const domain = parseXml(xml);
  const uses = [
    ...getElements(domain, "./devices/disk")
      .map((disk) => ({ object: files.get(sourceOf(disk) ?? "") })),
    ...nics.select(domain).map((nic, index) => ({
      object: networks.get(getPath(nic, "./source/@network") ?? ""),
      nic: `nics[${nics.nameOf(nic, index)}]`,
    })),
  ];
  return uses.filter((use): use is Use => use.object !== undefined);
}

const known = new WeakMap<readonly Observed[], ReadonlyMap<string, Observed>>();

/** Networks by their names: one plan may ask for many machines. */
function networksByName(objects: readonly Observed[]): ReadonlyMap<string, Observed> {
  let networks = known.get(objects);
  if (networks === undefined) {
    networks = new Map(
      objects.filter(({ kind }) => kind === "network").map((object) => [object.key, object]),
    );
    known.set(objects, networks);
  }
  return networks;
}

/** Whether a change takes something off a disk or a NIC, or the device with it. */
function givesUp({ path, before }: FieldChange, { object, nic }: Use): boolean {
  return nic === undefined
    ? names(before, object.key) || names(before, object.source.path)
    : [nic, `${nic}.network`, `${nic}.bridge`].includes(path);
}

/** What a NIC is on instead is told by a field of its own. */
function mayGiveUp(change: FieldChange, use: Use): boolean {
  return givesUp(change, use) || (use.nic !== undefined && change.path.startsWith(`${use.nic}.`));
}

/** Whether a text stands somewhere in a value. */
function names(value: Json | undefined, text: Json | undefined): boolean {
  if (value === null || typeof value !== "object") return text !== undefined && value === text;
  return Object.values(value).some((one) => names(one, text));
}

const SOURCE = /<source [^>]*\b(?:file|dev|volume|network)=[^>]*?(?=\/?>)/g;
/** What libvirt adds to the source of a disk, or a NIC, while it is in use. */
const DISK_IN_USE = / index=(['"])\d+\1/;
const NIC_IN_USE = / (?:portid|bridge)=(['"])[^'"]*\1/g;

/** Whether all that is in use stands in the definition too: two searches, where parsing costs more. */
function startsWithSame(xml: string, started: string): boolean {
  return [...started.matchAll(SOURCE)].every(([tag]) =>
    xml.includes(
      tag.includes(" network=") ? tag.replace(NIC_IN_USE, "") : tag.replace(DISK_IN_USE, ""),
    )
  );
}
