/**
 * Memory that another process of the host maps: virtiofs needs it from the guest's start.
 *
 * @module
 */

import type { Issue, Lookup, Resource } from "../../../provider.ts";
import { readTable } from "../../table/mod.ts";
import { parseXml } from "../../xml/mod.ts";
import { memory } from "./fields/memory.ts";
import { numa } from "./fields/numa.ts";

interface Backing {
  readonly memoryBacking?: { readonly access?: string };
  readonly numa?: { readonly cells?: readonly { readonly access?: string }[] };
}

/** As libvirt sees it: each cell by itself, or by what all have in common. */
function isShared({ memoryBacking, numa }: Backing): boolean {
  const common = memoryBacking?.access;
  const cells = numa?.cells ?? [];
  if (cells.length === 0) return common === "shared";
  return cells.every(({ access }) => (access ?? common) === "shared");
}

/** A directory of the host by virtiofs, and memory that nobody else can map. */
export function* checkSharedMemory(resource: Resource, lookup: Lookup): Iterable<Issue> {
  const { filesystems = [], ...spec } = resource.spec as Backing & {
    readonly filesystems?: readonly { readonly driver: string }[];
  };
  const index = filesystems.findIndex(({ driver }) => driver === "virtiofs");
  if (index < 0) return;
  // What the stack does not declare is as the host has it.
  const observed = lookup.observed(resource.address);
  const there = observed === undefined
    ? {}
    : readTable({ ...memory, ...numa }, parseXml(String(observed.source.xml))) as Backing;
  const merged: Backing = {
    memoryBacking: { ...there.memoryBacking, ...spec.memoryBacking },
    numa: spec.numa?.cells === undefined ? there.numa : spec.numa,
  };
  if (isShared(merged)) return;
  yield {
    code: "machine.memory-not-shared",
    path: `filesystems[${index}].driver`,
    message:
      "virtiofs needs memory that its process on the host can map, and this machine's is private",
    help: 'declare memoryBacking: { source: "memfd", access: "shared" }, or driver: "9p"',
  };
}
