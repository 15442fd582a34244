/**
 * Places in a volume's XML that nobody declares: what the host tells of it, and what QEMU makes its own
 * while a machine runs on it.
 *
 * @module
 */

import { z } from "zod";
import type { Issue } from "../../../provider.ts";
import { field, type Table, text } from "../../table/mod.ts";
import type { Patch } from "../hatch.ts";
import { ownedPlaces, ownerOfPatch } from "../hatch_places.ts";

const PLACES = [
  "./key",
  "./allocation",
  "./physical",
  "./available",
  "./target/path",
  "./target/timestamps",
  "./target/permissions/mode",
  "./target/permissions/owner",
  "./target/permissions/group",
  "./target/permissions/label",
];

const table: Table = Object.fromEntries(
  PLACES.map((path) => [
    path,
    field({ schema: () => z.unknown(), binding: text(path), change: "live" }),
  ]),
);

let places: ReturnType<typeof ownedPlaces> | undefined;

/** Patches of what changes by itself: a plan would never come to rest, or make the volume anew for it. */
export function* toldIssues(patches: readonly Patch[] = []): Iterable<Issue> {
  for (const [index, patch] of patches.entries()) {
    const place = ownerOfPatch(patch, places ??= ownedPlaces(table));
    if (place === undefined || !place.startsWith("./")) continue;
    yield {
      code: "volume.patch-told",
      path: `xml[${index}].path`,
      message: `${place} is what the host tells of a volume, and changes by itself`,
      help: "leave it out",
    };
  }
}
