/**
 * The schemas of the KVM provider's pure half, by which every declaration is validated.
 *
 * @module
 */

import type { z } from "zod";
import { imageSchema as image } from "../providers/kvm/kinds/image/schema.ts";
import { machineSchema as machine } from "../providers/kvm/kinds/machine/schema.ts";
import { networkSchema as network } from "../providers/kvm/kinds/network/schema.ts";
import { poolSchema as pool } from "../providers/kvm/kinds/pool/schema.ts";
import { seedSchema as seed } from "../providers/kvm/kinds/seed/schema.ts";
import { volumeSchema as volume } from "../providers/kvm/kinds/volume/schema.ts";
import type { JsonObject } from "../providers/provider.ts";

/** A spec is plain JSON once it is validated; what goes in is the author's and may be anything. */
type SpecSchema = z.ZodType<JsonObject>;

export const imageSchema: SpecSchema = image;
export const machineSchema: SpecSchema = machine;
export const networkSchema: SpecSchema = network;
export const poolSchema: SpecSchema = pool;
export const seedSchema: SpecSchema = seed;
export const volumeSchema: SpecSchema = volume;
