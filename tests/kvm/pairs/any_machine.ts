/**
 * Any machine at all: random declarations over the whole of the machine's table, made of the devices and
 * settings that other tests declare one by one, and of single fields with whatever their schemas take.
 *
 * @module
 */

import fc from "fast-check";
import type { z } from "zod";
import type { Json, JsonObject } from "../../../providers/provider.ts";
import { machineKind } from "../../../providers/kvm/kinds/machine/mod.ts";
import { machineTable } from "../../../providers/kvm/kinds/machine/table.ts";
import type { Table } from "../../../providers/kvm/table/mod.ts";
import { SAMPLES } from "../machine/devices.ts";
import { CASES } from "../machine/platform_cases.ts";

/** Volumes that the declarations refer to, by their names in the pool `store` of the host. */
export const VOLUMES = ["disks-1", "disks-2", "disks-3", "medium-1", "medium-2"] as const;
/** Networks that they refer to. */
export const NETWORKS = ["front", "back"] as const;

/** What every one of them says: nothing but the least, and that it stays off. */
export const LEAST: JsonObject = {
  name: "any",
  accel: "tcg",
  power: "off",
  memory: "256MiB",
  disks: [],
  nics: [],
};

/** Lists of devices, whose names become aliases: those are unique in a machine. */
const deviceLists = new Set(
  Object.entries(machineTable as Table).flatMap(([name, entry]) =>
    entry.entry === "list" && entry.path.startsWith("./devices/") ? [name] : []
  ),
);

/** Fields that say something to Staddle alone, or would start the machine, or refer to a seed. */
const APART = new Set(["name", "power", "wait", "shutdown", "whenRestartNeeded", "seed", "xml"]);

/** Samples that a pair of declarations is put together from. */
const parts: readonly JsonObject[] = [
  ...SAMPLES.flatMap(({ before, after }) => [before, after]),
  ...CASES.filter(({ refused }) => refused === undefined)
    .flatMap(({ before, after }) => [before, after]),
  { vcpus: 2, maxVcpus: 4 },
  { maxMemory: "1GiB" },
  { graphics: "vnc" },
  { xml: [{ path: "./memory/@dumpCore", value: "off" }] },
].filter((part) => Object.keys(part).length > 0);

/** Values for what would hardly be guessed. */
const HINTS: Readonly<Record<string, readonly Json[]>> = {
  arch: ["x86_64", "i686"],
  machine: ["q35", "pc", "pc-q35-7.1", "pc-i440fx-7.2"],
  "cpu.model": ["qemu64", "Westmere", "EPYC"],
  "nics[].mac": ["52:54:00:5a:00:01", "52:54:00:5A:00:02"],
};

/** Tried on fields of every type: a field's schema says which it takes. */
const VALUES: readonly Json[] = [
  ...[-1, 0, 1, 2, 3, 5, 8, 16, 64, 100, 256, 1000, 4096, 65536, 1_000_000],
  ...["8KiB", "64KiB", "1MiB", "64MiB", "128MiB", "1GiB", "30s", "5m"],
  ...["0", "0-1", "/srv/any.img", "/dev/any", "3b:00.0", "0000:3b:00.1", "10.0.0.7", "2001:db8::7"],
  ...["one", "two words", "three & <four> \"five\" 'six'"],
  ...["52:54:00:5a:00:03", "6d63c3bd-8b8d-4a3c-9a2b-0f5ef4c4a1c1"],
];

/** One field of the table: its place, `[]` standing for an entry of a list, and what it may be. */
interface Leaf {
  readonly path: readonly string[];
  readonly values: readonly Json[];
}

/** One touch on a declaration. What the schema does not take leaves it as it was. */
type Touch =
  | { readonly part: JsonObject; readonly letter: number }
  | { readonly leaf: Leaf; readonly value: Json; readonly entry: number };

/** What a schema lists by itself: words, switches. */
function listed(schema: z.ZodType): Json[] {
  const def = schema._zod.def as z.core.$ZodTypeDef & {
    readonly innerType?: z.ZodType;
    readonly in?: z.ZodType;
    readonly options?: readonly z.ZodType[];
    readonly values?: readonly Json[];
    readonly entries?: Readonly<Record<string, string>>;
  };
  switch (def.type) {
    case "optional":
      return listed(def.innerType!);
    case "pipe":
      return listed(def.in!);
    case "union":
      return def.options!.flatMap(listed);
    case "enum":
      return Object.values(def.entries!);
    case "literal":
      return [...def.values!];
    case "boolean":
      return [true, false];
    default:
      return [];
  }
}

/** Values that stand at a place of any sample. */
function sampled(path: readonly string[]): Json[] {
  let found: readonly (Json | undefined)[] = parts;
  for (const name of path) {
    found = found.flatMap((value) => {
      if (name === "[]") return Array.isArray(value) ? value : [];
      const object = typeof value === "object" && value !== null && !Array.isArray(value);
      return object ? [(value as JsonObject)[name]] : [];
    });
  }
  return found.filter((value) => value !== undefined);
}

function* leavesOf(table: Table, prefix: readonly string[]): Iterable<Leaf> {
  for (const [name, entry] of Object.entries(table)) {
    const path = [...prefix, name];
    if (prefix.length === 0 && APART.has(name)) continue;
    if (entry.entry === "group") yield* leavesOf(entry.fields, path);
    if (entry.entry === "list") yield* leavesOf(entry.fields, [...path, "[]"]);
    if (entry.entry !== "field" || name === "name" || name === "volume") continue;
    const label = path.join(".").replaceAll(".[]", "[]");
    const own = [...listed(entry.schema), ...sampled(path), ...HINTS[label] ?? []];
    const guessed = listed(entry.schema).length > 0 ? own : [...own, ...VALUES];
    const values = guessed.filter((value) => entry.schema.safeParse(value).success);
    if (values.length > 0) yield { path, values: [...new Set(values)] };
  }
}

let allLeaves: readonly Leaf[] | undefined;

/** Every field that can be declared at random. */
function leaves(): readonly Leaf[] {
  return allLeaves ??= [...leavesOf(machineTable, [])];
}

/** A sample's devices under names of their own, on volumes and with addresses of their own. */
function named(part: JsonObject, letter: number): JsonObject {
  const renamed = (list: string, entry: JsonObject): JsonObject => ({
    ...entry,
    name: `${list}-${letter}`,
    ...(typeof entry.volume !== "string" ? {} : {
      volume: `lab/volume.${list === "disks" ? `disks-${letter}` : `medium-${letter % 2 + 1}`}`,
    }),
    ...(typeof entry.mac !== "string" ? {} : { mac: `52:54:11:22:33:4${letter}` }),
  });
  return Object.fromEntries(
    Object.entries(part).map(([name, value]) => [
      name,
      deviceLists.has(name)
        ? (value as readonly JsonObject[]).map((entry) => renamed(name, entry))
        : value,
    ]),
  );
}

/** Both together: groups member by member, entries of device lists by name. */
function merged(into: JsonObject, part: JsonObject): JsonObject {
  const result: Record<string, Json | undefined> = { ...into };
  for (const [name, value] of Object.entries(part)) {
    const was = into[name];
    if (deviceLists.has(name)) {
      const entries = value as readonly JsonObject[];
      const names = new Set(entries.map((entry) => entry.name));
      const rest = ((was ?? []) as readonly JsonObject[]).filter((entry) => !names.has(entry.name));
      result[name] = [...rest, ...entries];
    } else {
      const groups = [was, value].every((one) =>
        typeof one === "object" && one !== null && !Array.isArray(one)
      );
      result[name] = groups ? merged(was as JsonObject, value as JsonObject) : value;
    }
  }
  return result;
}

/** The declaration with another value at a place; undefined where it has no such entry. */
function withValue(
  target: Json | undefined,
  [name, ...rest]: readonly string[],
  value: Json,
  entry: number,
): Json | undefined {
  if (name === undefined) return value;
  if (name === "[]") {
    if (!Array.isArray(target) || target.length === 0) return undefined;
    const index = entry % target.length;
    const changed = withValue(target[index], rest, value, entry);
    return changed === undefined ? undefined : target.with(index, changed);
  }
  const object = (target ?? {}) as JsonObject;
  const changed = withValue(object[name], rest, value, entry);
  return changed === undefined ? undefined : { ...object, [name]: changed };
}

function touched(spec: JsonObject, touch: Touch, without: ReadonlySet<string>): JsonObject {
  const next = "part" in touch
    ? merged(spec, named(touch.part, touch.letter))
    : withValue(spec, touch.leaf.path, touch.value, touch.entry) as JsonObject | undefined;
  if (next === undefined || Object.keys(next).some((name) => without.has(name))) return spec;
  return machineKind.schema.safeParse(next).success ? next : spec;
}

const touches = (maxLength: number, minLength = 0): fc.Arbitrary<Touch[]> =>
  fc.array(
    fc.oneof(
      fc.record({ part: fc.constantFrom(...parts), letter: fc.integer({ min: 1, max: 3 }) }),
      fc.constantFrom(...leaves()).chain((leaf) =>
        fc.record({
          leaf: fc.constant(leaf),
          value: fc.constantFrom(...leaf.values),
          entry: fc.nat(2),
        })
      ),
    ),
    { minLength, maxLength, size: "max" },
  );

/** Two declarations of one machine that have much in common, or little. */
export interface Pair {
  readonly first: JsonObject;
  readonly second: JsonObject;
}

/**
 * Any two machines that the schema takes, one after the other.
 *
 * @param without Fields that a driver does not know.
 */
export function pairs(without: readonly string[] = []): fc.Arbitrary<Pair> {
  const absent = new Set(without);
  const touch = (spec: JsonObject, one: Touch) => touched(spec, one, absent);
  return fc.record({ both: touches(16), first: touches(8), second: touches(8) }).map((made) => ({
    first: [...made.both, ...made.first].reduce(touch, LEAST),
    second: [...made.both, ...made.second].reduce(touch, LEAST),
  }));
}

/** A declaration that differs from one in a few places. */
export type Edit = (spec: JsonObject) => JsonObject;

/**
 * Edits of one to four fields, each given a value, or given up if anything but `base` says it.
 *
 * @param base What every declaration says.
 */
export function edits(base: JsonObject): fc.Arbitrary<Edit> {
  const drops = fc.array(fc.nat(63), { maxLength: 2, size: "max" });
  return fc.record({ some: touches(3, 1), drops }).map(({ some, drops }) => (spec) => {
    const dropped = drops.slice(0, 4 - some.length).reduce(
      (from, which) => without(from, which, base),
      spec,
    );
    const touch = (from: JsonObject, one: Touch) => {
      const next = touched(from, one, new Set());
      // What the base says stays.
      return Object.keys(base).every((name) => deviceLists.has(name) || next[name] === base[name])
        ? next
        : from;
    };
    return some.reduce(touch, dropped);
  });
}

/** The declaration without one of the fields, or one of the devices, that it has besides. */
function without(spec: JsonObject, which: number, base: JsonObject): JsonObject {
  const ways = Object.entries(spec).flatMap(([name, value]): JsonObject[] => {
    if (deviceLists.has(name) && Array.isArray(value)) {
      return value.map((_, at) => ({ ...spec, [name]: value.toSpliced(at, 1) }));
    }
    const { [name]: _, ...rest } = spec;
    return name in base ? [] : [rest];
  });
  const next = ways[which % ways.length];
  return next !== undefined && machineKind.schema.safeParse(next).success ? next : spec;
}
