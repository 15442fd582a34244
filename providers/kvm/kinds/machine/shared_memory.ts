/**
 * Memory that another process of the host maps: virtiofs and vhost-user need it from the guest's start.
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

/** What another process of the host serves, by the guest's memory. */
interface Served {
  readonly path: string;
  readonly what: string;
  readonly otherwise: string;
}

interface Devices {
  readonly filesystems?: readonly { readonly driver: string }[];
  readonly nics?: readonly { readonly name: string; readonly vhostUser?: unknown }[];
  readonly disks?: readonly { readonly name: string; readonly vhostUser?: unknown }[];
}

function served({ filesystems = [], nics = [], disks = [] }: Devices): Served | undefined {
  const index = filesystems.findIndex(({ driver }) => driver === "virtiofs");
  if (index >= 0) {
    return {
      path: `filesystems[${index}].driver`,
      what: "virtiofs",
      otherwise: ', or driver: "9p"',
    };
  }
  for (const [list, devices] of Object.entries({ nics, disks })) {
    const device = devices.find(({ vhostUser }) => vhostUser !== undefined);
    if (device === undefined) continue;
    return { path: `${list}[${device.name}].vhostUser`, what: "vhost-user", otherwise: "" };
  }
  return undefined;
}

/** A device that another process of the host serves, and memory that nobody else can map. */
export function* checkSharedMemory(resource: Resource, lookup: Lookup): Iterable<Issue> {
  const spec = resource.spec as Backing & Devices;
  const device = served(spec);
  if (device === undefined) return;
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
    path: device.path,
    message:
      `${device.what} needs memory that its process on the host can map, and this machine's is private`,
    help: `declare memoryBacking: { source: "memfd", access: "shared" }${device.otherwise}`,
  };
}
