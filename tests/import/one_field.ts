/**
 * Changes of one field, as a person would make them in an imported stack: which there are to choose from
 * depends on what the machine declares.
 *
 * @module
 */

import { children, getElement, getPath, type XmlElement } from "../../providers/kvm/xml/mod.ts";
import { parseSize } from "../../providers/kvm/kinds/size.ts";
import type { Declaration, DraftValue } from "../../stacks/write/mod.ts";

/** A change of one field. */
export interface FieldEdit {
  /** Path in the machine's options: `disks[vda].cache`. */
  readonly field: string;
  /** The options with it. */
  readonly options: Declaration["options"];
  /** Places in libvirt's XML that may differ afterwards; one of them must. */
  readonly places: readonly string[];
}

type Options = Record<string, DraftValue>;

const MIB = 1024 * 1024;

/** Every change of one field that this machine offers. */
export function fieldEdits(declared: Declaration["options"], domain: XmlElement): FieldEdit[] {
  const options = declared as Options;
  const edits: FieldEdit[] = [];
  const edit = (field: string, value: DraftValue, ...places: string[]) => {
    edits.push({ field, options: { ...options, [field]: value }, places });
  };
  edit("title", "One field that was changed", "./title");
  edit("description", 'Two lines:\n<one> & "another"', "./description");
  edit("onReboot", options.onReboot === "destroy" ? "restart" : "destroy", "./on_reboot");
  edit("onCrash", options.onCrash === "preserve" ? "restart" : "preserve", "./on_crash");
  const memory = typeof options.memory === "string" ? parseSize(options.memory) : 0;
  // Cells of NUMA share out the memory: more than one field would have to follow.
  const cells = (options.numa as Options | undefined)?.cells;
  if (memory > 2 * MIB && cells === undefined) edit("memory", memory - MIB, "./currentMemory");
  const { vcpus, maxVcpus } = options as { vcpus?: number; maxVcpus?: number };
  // Where vCPUs are listed or shared out, more than the count would have to follow.
  const listed = ["./vcpus", "./cpu/topology", "./cpu/numa", "./cputune"]
    .some((path) => getElement(domain, path) !== undefined);
  if (vcpus !== undefined && !listed) {
    if (maxVcpus !== undefined) {
      const other = vcpus < maxVcpus ? vcpus + 1 : vcpus - 1;
      if (other > 0) edit("vcpus", other, "./vcpu/@current");
    } else if (vcpus > 1) edit("vcpus", vcpus - 1, "./vcpu/@current");
  }
  if (getPath(domain, "./memory/@dumpCore") === undefined) {
    const xml = [...(options.xml ?? []) as DraftValue[], {
      path: "./memory/@dumpCore",
      value: "on",
    }];
    edit("xml", xml, "./memory/@dumpCore");
  }
  const clock = options.clock as Options | undefined;
  if (clock?.offset === "utc" || clock?.offset === "localtime") {
    const offset = clock.offset === "utc" ? "localtime" : "utc";
    edit("clock", { ...clock, offset }, "./clock/@offset");
  }
  const [watchdog, ...more] = (options.watchdogs ?? []) as Options[];
  if (watchdog !== undefined && more.length === 0) {
    const action = watchdog.action === "poweroff" ? "reset" : "poweroff";
    edit("watchdogs", [{ ...watchdog, action }], "./devices/watchdog/@action");
  }
  edits.push(...inTuning(options), ...ofDisks(options, domain), ...ofNics(options, domain));
  return edits;
}

function inTuning(options: Options): FieldEdit[] {
  const { cpuTune, memTune } = options as { cpuTune?: Options; memTune?: Options };
  const edits: FieldEdit[] = [];
  if (cpuTune !== undefined) {
    const shares = cpuTune.shares === 512 ? 256 : 512;
    edits.push({
      field: "cpuTune.shares",
      options: { ...options, cpuTune: { ...cpuTune, shares } },
      places: ["./cputune/shares"],
    });
  }
  if (memTune !== undefined) {
    const swap = "./memtune/swap_hard_limit";
    edits.push({
      field: "memTune.swapHardLimit",
      options: { ...options, memTune: { ...memTune, swapHardLimit: "9TiB" } },
      places: [swap, `${swap}/@unit`],
    });
  }
  return edits;
}

/** Place of a device, counted among those of its name. */
function placeOf(domain: XmlElement, device: XmlElement): string {
  const likes = children(getElement(domain, "./devices")!, device.name);
  const count = likes.length > 1 ? `[${likes.indexOf(device) + 1}]` : "";
  return `./devices/${device.name}${count}`;
}

function withEntry(options: Options, list: string, index: number, more: Options): Options {
  const entries = options[list] as Options[];
  return { ...options, [list]: entries.with(index, { ...entries[index]!, ...more }) };
}

function* ofDisks(options: Options, domain: XmlElement): Iterable<FieldEdit> {
  for (const [index, disk] of ((options.disks ?? []) as Options[]).entries()) {
    const found = children(getElement(domain, "./devices")!, "disk").find((item) =>
      getPath(item, "./target/@dev") === (disk.target ?? disk.name)
    );
    if (found === undefined) continue;
    const place = placeOf(domain, found);
    const name = `disks[${disk.name}]`;
    // Native I/O and disks that several machines share go with no cache alone.
    if (disk.io !== "native" && disk.shareable !== true && disk.cache !== undefined) {
      yield {
        field: `${name}.cache`,
        options: withEntry(options, "disks", index, {
          cache: disk.cache === "writeback" ? "writethrough" : "writeback",
        }),
        places: [`${place}/driver/@cache`],
      };
    }
    if (disk.readonly !== true) {
      yield {
        field: `${name}.serial`,
        options: withEntry(options, "disks", index, { serial: "CHANGED-01" }),
        places: [`${place}/serial`],
      };
    }
    yield {
      field: `${name}.errorPolicy`,
      options: withEntry(options, "disks", index, {
        errorPolicy: disk.errorPolicy === "stop" ? "report" : "stop",
      }),
      places: [`${place}/driver/@error_policy`],
    };
  }
}

function* ofNics(options: Options, domain: XmlElement): Iterable<FieldEdit> {
  for (const [index, nic] of ((options.nics ?? []) as Options[]).entries()) {
    const found = children(getElement(domain, "./devices")!, "interface").find((item) =>
      getPath(item, "./mac/@address")?.toLowerCase() === nic.mac
    );
    if (found === undefined) continue;
    yield {
      field: `nics[${nic.name}].link`,
      options: withEntry(options, "nics", index, { link: nic.link === "down" ? "up" : "down" }),
      places: [`${placeOf(domain, found)}/link/@state`],
    };
    if (["network", "bridge", "direct"].every((source) => nic[source] === undefined)) continue;
    yield {
      field: `nics[${nic.name}].mtu`,
      options: withEntry(options, "nics", index, { mtu: nic.mtu === 1400 ? 1450 : 1400 }),
      places: [`${placeOf(domain, found)}/mtu/@size`],
    };
  }
}

/** Edits in an order of their own for each seed: a domain tries the next where one is refused. */
export function shuffled<T>(items: readonly T[], seed: string): T[] {
  const left = [...items];
  const result: T[] = [];
  const next = random(seed);
  while (left.length > 0) result.push(...left.splice(Math.floor(next() * left.length), 1));
  return result;
}

/** Numbers from 0 to 1 that a text determines (FNV-1a, then mulberry32). */
function random(seed: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(seed)) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
