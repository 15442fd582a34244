/**
 * Fields that came with a later libvirt than the host has: refused when planned, by name and version.
 *
 * @module
 */

import type { Issue, JsonObject } from "../../../provider.ts";
import type { Table } from "../../table/mod.ts";
import { machineTable } from "./table.ts";

/** `8.6.0` as libvirt counts: 8006000. */
function numberOf(version: string): number {
  const [major = 0, minor = 0, release = 0] = version.split(".").map(Number);
  return major * 1_000_000 + minor * 1000 + release;
}

function textOf(version: number): string {
  return [version / 1e6, (version / 1000) % 1000, version % 1000].map(Math.floor).join(".");
}

/** A word of a field that came later than the field. */
function* wordsSince(spec: JsonObject): Iterable<readonly [path: string, since: string]> {
  if ((spec.cpu as JsonObject | undefined)?.mode === "maximum") yield ["cpu.mode", "7.1.0"];
}

/** Issues of a machine on a host with a libvirt of that version. */
export function* checkTooNew(spec: JsonObject, libvirtVersion: number): Iterable<Issue> {
  for (
    const [path, since] of [...wordsSince(spec), ...declaredSince(machineTable as Table, spec, "")]
  ) {
    if (numberOf(since) <= libvirtVersion) continue;
    yield {
      code: "machine.libvirt-too-old",
      path,
      message: `needs libvirt ${since}, and the host has ${textOf(libvirtVersion)}`,
      help: "leave it out, or update the host",
    };
  }
}

/** Declared fields that came with a version. */
function* declaredSince(
  table: Table,
  spec: JsonObject,
  base: string,
): Iterable<readonly [path: string, since: string]> {
  for (const [name, entry] of Object.entries(table)) {
    const value = spec[name];
    if (value === undefined || entry.entry === "patches") continue;
    const path = base + name;
    if (entry.entry === "field") {
      if (entry.since !== undefined) yield [path, entry.since];
    } else if (entry.entry === "group") {
      yield* declaredSince(entry.fields, value as JsonObject, `${path}.`);
    } else {
      for (const item of value as unknown as readonly JsonObject[]) {
        yield* declaredSince(entry.fields, item, `${path}[${item.name ?? ""}].`);
      }
    }
  }
}
