/**
 * How fast the guest's cells reach memory (ACPI HMAT): caches before it, latency and bandwidth between
 * cells.
 *
 * @module
 */

import { z } from "zod";
import type { Json } from "../../../../provider.ts";
import { type Field, field, kibibytes, type Table, text } from "../../../table/mod.ts";
import {
  append,
  element,
  ensureElement,
  getElements,
  getPath,
  removeElement,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { compact } from "./bits.ts";
import { always } from "./common.ts";

/** Bytes in two attributes. libvirt 9.0 takes a cache's size for KiB whatever unit is written. */
function bytes(name: string, unit: "KiB" | "B", doc: string): Field<ReturnType<typeof size>> {
  const at = `./${name}/@value`;
  return field({
    schema: () => size().describe(doc),
    binding: {
      path: at,
      read: (cache) => {
        const found = getPath(cache, at);
        if (found === undefined) return undefined;
        const written = getPath(cache, `./${name}/@unit`) ?? unit;
        return kibibytes(".").read(element(name, { unit: written }, found));
      },
      write: (cache, value) => {
        const amount = unit === "B" ? Number(value) : Math.ceil(Number(value) / 1024);
        setPath(cache, at, value === undefined ? undefined : `${amount}`);
        setPath(cache, `./${name}/@unit`, value === undefined ? undefined : unit);
      },
    },
    change: "restart",
    format: "bytes",
  });
}

/** Caches before a cell's memory. */
export const cacheFields = {
  level: field({
    schema: () => z.int().min(1).max(3).describe("Level, 1 is the nearest to the CPU."),
    binding: { ...text("./@level"), read: (cache) => Number(getPath(cache, "./@level")) },
    change: "restart",
    equal: always,
  }),
  associativity: field({
    schema: () => z.enum(["none", "direct", "full"]).describe("How addresses find their line."),
    binding: text("./@associativity"),
    change: "restart",
  }),
  policy: field({
    schema: () => z.enum(["none", "writeback", "writethrough"]).describe("When writes go on."),
    binding: text("./@policy"),
    change: "restart",
  }),
  size: bytes("size", "KiB", "Size of the cache, for example `32KiB`."),
  line: bytes("line", "B", "Size of a line, for example `64B`."),
} satisfies Table;

const WHAT = ["access", "read", "write"] as const;

const between = {
  initiator: z.int().min(0).describe("Cell that asks."),
  target: z.int().min(0).describe("Cell whose memory it is."),
  cache: z.int().min(1).max(3).optional().describe("Cache that is meant, by its level."),
  of: z.enum(WHAT).describe("Which accesses."),
};

const latency = z.strictObject({
  ...between,
  nanoseconds: z.int().min(1).describe("Time of one access."),
});

const bandwidth = z.strictObject({
  ...between,
  kibPerSecond: z.int().min(1).describe("KiB per second."),
});

/** All of a kind at once: nothing but its whole contents tells one from another. */
function links(name: "latency" | "bandwidth", value: string) {
  const path = `./cpu/numa/interconnects/${name}`;
  const number = (item: XmlElement, attribute: string) => {
    const found = item.attributes.get(attribute);
    return found === undefined ? undefined : Number(found);
  };
  return {
    path,
    read: (domain: XmlElement): Json | undefined => {
      const found = getElements(domain, path);
      if (found.length === 0) return undefined;
      return found.map((item) => {
        const unit = item.attributes.get("unit") ?? "KiB";
        const amount = number(item, "value") ?? 0;
        const kib = Number(kibibytes(".").read(element(name, { unit }, `${amount}`))) / 1024;
        return compact({
          initiator: number(item, "initiator"),
          target: number(item, "target"),
          cache: number(item, "cache"),
          of: item.attributes.get("type"),
          [value]: name === "bandwidth" ? kib : amount,
        }) ?? {};
      });
    },
    write: (domain: XmlElement, declared: Json | undefined) => {
      for (const item of getElements(domain, path)) {
        removeElement(domain, "./cpu/numa/interconnects", item);
      }
      const wanted = (declared ?? []) as readonly Readonly<Record<string, string | number>>[];
      for (const { of: type, initiator, target, cache, ...rest } of wanted) {
        const unit = name === "bandwidth" ? "KiB" : undefined;
        const attributes = { initiator, target, cache, type, value: rest[value], unit };
        append(
          ensureElement(domain, "./cpu/numa/interconnects"),
          element(name, attributes),
          name,
        );
      }
    },
  };
}

/** The order in which they stand says nothing, nor does that of their members. */
function sameLinks(declared: Json, actual: Json | undefined): boolean {
  const normal = (list: Json | undefined) =>
    ((list ?? []) as readonly Readonly<Record<string, Json>>[]).map((item) =>
      JSON.stringify(Object.entries(item).sort(([a], [b]) => a < b ? -1 : 1))
    ).sort().join();
  return normal(declared) === normal(actual);
}

/** Latency and bandwidth between cells. */
export const interconnects = {
  latencies: field({
    schema: () => z.array(latency).optional().describe("Latency between cells (ACPI HMAT)."),
    binding: links("latency", "nanoseconds"),
    change: "restart",
    equal: sameLinks,
  }),
  bandwidths: field({
    schema: () => z.array(bandwidth).optional().describe("Bandwidth between cells (ACPI HMAT)."),
    binding: links("bandwidth", "kibPerSecond"),
    change: "restart",
    equal: sameLinks,
  }),
} satisfies Table;
