/**
 * Which C type libvirt expects for each typed parameter that can be set. The daemon refuses a right
 * number of the wrong type.
 *
 * @module
 */

import type { TypedEntry, TypedKind, TypedValue } from "./calls/typed_params.ts";

/** A value with its C type, for a parameter that this binding does not know by name. */
export interface TypedInputValue {
  /** The C type. */
  readonly kind: TypedKind;
  /** The value. */
  readonly value: TypedValue;
}

/** Typed parameters to set, by libvirt's field names, for example `{ cpu_shares: 2048 }`. */
export type TypedInput = Readonly<Record<string, TypedValue | TypedInputValue>>;

const NAMES: Readonly<Record<Exclude<TypedKind, "double" | "boolean">, readonly string[]>> = {
  int: [
    "numa_mode",
    "disks_port",
    "thread_pool_min",
    "thread_pool_max",
    "parallel.connections",
    "auto_converge.initial",
    "auto_converge.increment",
    "compression.mt.level",
    "compression.mt.threads",
    "compression.mt.dthreads",
  ],
  uint: [
    "weight",
    "inbound.average",
    "inbound.peak",
    "inbound.burst",
    "inbound.floor",
    "outbound.average",
    "outbound.peak",
    "outbound.burst",
    "granularity",
    "poll_grow",
    "poll_shrink",
  ],
  llong: ["vcpu_quota", "emulator_quota", "global_quota", "iothread_quota"],
  ullong: [
    "cpu_shares",
    "vcpu_period",
    "emulator_period",
    "global_period",
    "iothread_period",
    "hard_limit",
    "soft_limit",
    "swap_hard_limit",
    "min_guarantee",
    "poll_max_ns",
    "bandwidth",
    "buf_size",
    "compression.xbzrle.cache",
  ],
  string: [
    "numa_nodeset",
    "group_name",
    "device_weight",
    "device_read_iops_sec",
    "device_write_iops_sec",
    "device_read_bytes_sec",
    "device_write_bytes_sec",
    "migrate_uri",
    "destination_name",
    "destination_xml",
    "persistent_destination_xml",
    "graphics_uri",
    "listen_address",
    "disks_uri",
    "compression",
    "tls.destination",
  ],
};

const KINDS = new Map<string, TypedKind>(
  Object.entries(NAMES).flatMap(([kind, names]) => names.map((name) => [name, kind as TypedKind])),
);

function kindOf(name: string, value: TypedValue): TypedKind {
  const known = KINDS.get(name);
  if (known !== undefined) return known;
  // Limits of disk I/O: total_bytes_sec, read_iops_sec_max, write_bytes_sec_max_length …
  if (/_(bytes|iops)_sec(_max(_length)?)?$/.test(name)) return "ullong";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return "string";
  throw new TypeError(
    `Cannot set parameter "${name}": its C type is not known; give { kind, value }`,
  );
}

/** Typed parameters with their C types. Throws a `TypeError` for a number of unknown type. */
export function toEntries(input: TypedInput): TypedEntry[] {
  return Object.entries(input).map(([name, given]) =>
    typeof given === "object"
      ? { name, kind: given.kind, value: given.value }
      : { name, kind: kindOf(name, given), value: given }
  );
}
