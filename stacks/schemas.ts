/**
 * The schemas of the KVM provider's pure half, by which every declaration is validated.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../providers/provider.ts";
import { machineSchema as machine } from "../providers/kvm/kinds/machine/schema.ts";
import { size } from "../providers/kvm/kinds/size.ts";

type Schema = z.ZodType<JsonObject>;
const as = (schema: z.ZodType): Schema => schema as unknown as Schema;
const text = z.string().min(1);

export const machineSchema: Schema = as(machine);
export const poolSchema: Schema = as(
  z.strictObject({ name: text, path: text.optional(), autostart: z.boolean().default(true) }),
);
export const imageSchema: Schema = as(z.strictObject({
  pool: text,
  name: text,
  from: text,
  sha256: z.string().regex(/^[0-9a-f]{64}$/i).optional(),
  format: z.enum(["qcow2", "raw"]),
}));
export const volumeSchema: Schema = as(z.strictObject({
  pool: text,
  name: text,
  format: z.enum(["qcow2", "raw"]),
  capacity: size().optional(),
  image: text.optional(),
  clone: z.enum(["overlay", "full"]).optional(),
}));
export const seedSchema: Schema = as(z.strictObject({
  pool: text,
  name: text,
  userData: z.string(),
  metaData: z.string(),
  networkConfig: z.string().optional(),
}));
export const networkSchema: Schema = as(z.strictObject({
  name: text,
  mode: z.enum(["nat", "route", "isolated", "bridge"]),
  bridge: z.string().optional(),
  subnet: z.cidrv4().optional(),
  gateway: z.ipv4().optional(),
  dhcp: z.union([z.literal(false), z.strictObject({ start: z.ipv4(), end: z.ipv4() })]).optional(),
  reservations: z.array(z.strictObject({ mac: text, ip: z.ipv4(), name: text.optional() })).default(
    [],
  ),
  domain: z.string().optional(),
  dns: z.strictObject({
    enabled: z.boolean().optional(),
    hosts: z.array(z.strictObject({ ip: z.ipv4(), names: z.array(text) })).optional(),
    forwarders: z.array(z.ipv4()).optional(),
  }).optional(),
  mtu: z.int().optional(),
  autostart: z.boolean().default(true),
}));
