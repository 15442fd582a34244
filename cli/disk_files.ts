/**
 * Files of disks that stand inside a machine's declaration. They are called after the machine when they are
 * made, and keep that name when the machine gets another: a disk is not made anew for it.
 *
 * @module
 */

import type { JsonObject, Resource } from "../providers/provider.ts";
import type { ResourceRecord } from "../state/store.ts";

type Rows = ReadonlyMap<string, ResourceRecord>;

/** A disk's volume that the record has, and whether it keeps the name of its file. */
export interface DiskFile {
  readonly row: ResourceRecord;
  /** False where the declaration asks for another kind of file. */
  readonly kept: boolean;
}

/**
 * The recorded volumes of a machine's own disks whose files are not called after the machine.
 *
 * @param machine As declared now, or as recorded.
 * @param declared Looks volumes up that the stack declares; absent: those of the record count.
 */
export function* diskFiles(
  { address, name, spec }: Resource,
  rows: Rows,
  declared?: (address: string) => Resource | undefined,
): Iterable<DiskFile> {
  const place = address.slice(0, address.length - `machine.${name}`.length);
  for (const disk of (spec.disks ?? []) as readonly JsonObject[]) {
    const row = rows.get(`${place}volume.${name}-${disk.name}`);
    if (row?.kind !== "volume" || row.resource.tenure !== "managed" || row.resource.adopt) continue;
    const { volume, format } = row.resource.spec;
    const end = `-${disk.name}.${format}`;
    if (!String(volume).endsWith(end) || volume === `${spec.name}${end}`) continue;
    const now = declared === undefined ? row.resource : declared(row.address);
    yield { row, kept: now?.spec.format === format };
  }
}
