/**
 * A pool, a volume and a machine, made one after the other.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import type { Resource } from "../../providers/provider.ts";
import type { ResourceRecord } from "../../state/store.ts";
import { readBack, step } from "./fake_host.ts";

export const pool = step("create:lab/pool.store");
export const volume = step("create:lab/volume.web", [pool.id]);
export const machine = step("create:lab/machine.web", [volume.id]);

/** Attempts without the pauses between them. */
export const noPause = { attempts: 4, delay: 1, maximumDelay: 4 };

/** The row of a resource once it is on its host. */
export function rowOf(wanted: Resource, more: Partial<ResourceRecord> = {}): ResourceRecord {
  return {
    address: wanted.address,
    kind: wanted.kind,
    host: wanted.host,
    key: wanted.name,
    status: "present",
    resource: wanted,
    specDigest: digest(wanted.spec),
    fingerprint: readBack(wanted.spec),
    needs: [],
    ...more,
  };
}
