/**
 * What stands in a volume's XML.
 *
 * @module
 */

import type { JsonObject } from "../../../provider.ts";
import { getPath, parseXml, type XmlElement } from "../../xml/mod.ts";
import { digestOf, sourceText } from "../canonical.ts";

/** A volume as its host has it. */
export interface VolumeView extends JsonObject {
  /** Name of the file. */
  readonly name: string;
  /** Format that libvirt found. */
  readonly format?: string;
  /** Bytes. */
  readonly capacity?: number;
  /** What an overlay stands on. */
  readonly backing?: { readonly path: string; readonly format?: string };
}

/** libvirt's units of storage; it writes bytes itself. */
const units: Readonly<Record<string, number>> = {
  bytes: 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** Reads a volume's XML. */
export function readVolume(xml: string): VolumeView {
  const root = parseXml(xml);
  const format = getPath(root, "./target/format/@type");
  const path = getPath(root, "./backingStore/path");
  const backingFormat = getPath(root, "./backingStore/format/@type");
  const capacity = bytesAt(root, "./capacity");
  return {
    name: getPath(root, "./name") ?? "",
    ...(format === undefined ? {} : { format }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(path === undefined || path === "" ? {} : {
      backing: { path, ...(backingFormat === undefined ? {} : { format: backingFormat }) },
    }),
  };
}

/**
 * Bytes of the file itself, holes included: less than what was sent while an upload goes on or after
 * it was cut off. libvirt leaves a size of 0 out.
 */
export function physicalBytes(xml: string): number {
  return bytesAt(parseXml(xml), "./physical") ?? 0;
}

function bytesAt(volume: XmlElement, path: string): number | undefined {
  const text = getPath(volume, path);
  if (text === undefined) return undefined;
  return Number(text) * (units[getPath(volume, `${path}/@unit`) ?? "bytes"] ?? 1);
}

/** What changes by itself: how full the file is, when it was touched, who QEMU made its owner. */
const volatile = new RegExp(
  "\\s*<(?:(allocation|physical|available)\\b[^>]*>[^<]*</\\1>" +
    "|(timestamps|permissions)>[\\s\\S]*?</\\2>)",
  "g",
);

/**
 * Digest of a volume as it was read. No tree is made for it: a host has as many volumes as
 * machines, and most of them have not changed.
 */
export function volumeFingerprint(source: JsonObject): string {
  return digestOf(
    sourceText(source, "xml").replace(volatile, ""),
    sourceText(source, "path"),
    source.complete === false ? "incomplete" : "",
  );
}
