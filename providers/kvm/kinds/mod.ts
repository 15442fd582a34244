/**
 * The pure half of the KVM provider: its kinds. Each folder holds one: schema, table, resolution,
 * checks, comparison, the XML that it is created from.
 *
 * Nothing here opens a file, a socket or a library.
 *
 * @module
 */

import type { JsonObject, Kind } from "../../provider.ts";
import { imageFingerprint, imageKind } from "./image/mod.ts";
import { machineFingerprint, machineKind } from "./machine/mod.ts";
import { networkFingerprint, networkKind } from "./network/mod.ts";
import { poolFingerprint, poolKind } from "./pool/mod.ts";
import { seedFingerprint, seedKind } from "./seed/mod.ts";
import { volumeFingerprint, volumeKind } from "./volume/mod.ts";

/** The kinds by name, in the order in which one stands on another. */
export const kinds: ReadonlyMap<string, Kind> = new Map(
  [poolKind, imageKind, volumeKind, seedKind, networkKind, machineKind]
    .map((kind) => [kind.kind, kind]),
);

/** What tells one state of an object from another, by kind: a digest of what was read. */
export const fingerprints: ReadonlyMap<string, (source: JsonObject) => string> = new Map([
  ["pool", poolFingerprint],
  ["image", imageFingerprint],
  ["volume", volumeFingerprint],
  ["seed", seedFingerprint],
  ["network", networkFingerprint],
  ["machine", machineFingerprint],
]);
