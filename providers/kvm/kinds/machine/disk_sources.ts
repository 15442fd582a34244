/**
 * What the disks of a domain are made of, and which objects of the host that is.
 *
 * @module
 */

import type { Observed } from "../../../provider.ts";
import { getPath, type XmlElement } from "../../xml/mod.ts";

/** Source of a disk: `<pool>/<volume>`, or a path; undefined where nothing is inserted. */
export function sourceOf(disk: XmlElement): string | undefined {
  const at = (name: string) => getPath(disk, `./source/@${name}`);
  if (at("volume") !== undefined) return `${at("pool")}/${at("volume")}`;
  return at("file") ?? at("dev") ?? at("dir") ?? at("name");
}

const FILES = new Set(["volume", "image", "seed"]);

const known = new WeakMap<readonly Observed[], ReadonlyMap<string, Observed>>();

/** What can be a disk's source, by its key and by its path: one plan may ask for many machines. */
export function filesBySource(objects: readonly Observed[]): ReadonlyMap<string, Observed> {
  let files = known.get(objects);
  if (files === undefined) {
    files = new Map(
      objects.filter(({ kind }) => FILES.has(kind))
        .flatMap((object) => [[object.key, object], [String(object.source.path), object]]),
    );
    known.set(objects, files);
  }
  return files;
}
