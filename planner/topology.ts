/**
 * The topology: the desired state as plain JSON, what evaluating a stack yields.
 *
 * @module
 */

import { z } from "zod";
import type {
  DeclaredOptions,
  HostDeclaration,
  Json,
  JsonObject,
  Resource,
} from "../providers/provider.ts";

/** Version of the document; a reader refuses another. */
export const TOPOLOGY_FORMAT = "staddle-topology/1";

/** One output of a stack. */
export interface Output {
  readonly value: Json;
  readonly sensitive: boolean;
}

/** An output of another stack that was used: what it was, and what it must be. */
export interface UsedOutput {
  /** SHA-256 (hex) of the canonical JSON of its value. */
  readonly digest: string;
  /** JSON schema of the type that the stack's author expects. */
  readonly schema: JsonObject;
}

/** Outputs of other stacks that were used, by stack and output. */
export type References = Readonly<Record<string, Readonly<Record<string, UsedOutput>>>>;

/** The desired state. */
export interface Topology {
  readonly format: typeof TOPOLOGY_FORMAT;
  readonly stack: string;
  /** Parameters as they were parsed, defaults included. */
  readonly parameters: JsonObject;
  readonly hosts: Readonly<Record<string, HostDeclaration>>;
  /** Where hosts were declared: `file:line:column`, for messages. */
  readonly hostPlaces?: Readonly<Record<string, string>>;
  /** In order of declaration. */
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, Output>>;
  /** Outputs of other stacks that went into this one, by stack and output. */
  readonly references?: References;
  /** Addresses reserved for NICs: key `<address of the machine>#<nic name>`, value an IP address. */
  readonly reservations: Readonly<Record<string, string>>;
  /**
   * Only in what a run left declared: addresses that the stack owns besides, of which nobody is known to
   * have declared what they are. A way back leaves them as they are.
   */
  readonly leftAlone?: readonly string[];
}

/** Schema of any JSON value; `z.json()` says the same and takes several times as long. */
export const jsonSchema: z.ZodType<Json> = z.unknown().refine(
  isJson,
  "is no JSON",
) as unknown as z.ZodType<
  Json
>;

function isJson(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.every(isJson);
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) &&
    Object.values(value).every(isJson);
}

/** Schema of a JSON object. */
export const jsonObjectSchema: z.ZodType<JsonObject> = z.record(
  z.string(),
  jsonSchema,
) as unknown as z.ZodType<JsonObject>;

/** Schema of a host. */
export const hostSchema: z.ZodType<HostDeclaration> = z.strictObject({
  name: z.string().min(1),
  uri: z.string().min(1),
  ssh: z.strictObject({
    identityFile: z.string().optional(),
    knownHosts: z.string().optional(),
    port: z.int().min(1).max(65535).optional(),
    proxyJump: z.string().optional(),
    configFile: z.string().optional(),
  }).optional(),
  connectTimeout: z.number().positive().optional(),
  parallelism: z.int().min(1).optional(),
});

const seconds = z.number().positive();

const hookSchema = z.strictObject({ command: z.array(z.string()).min(1), timeout: seconds })
  .optional();

/** Schema of a resource's options. */
export const optionsSchema: z.ZodType<DeclaredOptions> = z.strictObject({
  protect: z.literal(true).optional(),
  ignoreChanges: z.array(z.string().min(1)).optional(),
  replaceOnChanges: z.array(z.string().min(1)).optional(),
  retainOnDelete: z.literal(true).optional(),
  aliases: z.array(z.string().min(1)).optional(),
  timeouts: z.strictObject({
    create: seconds.optional(),
    update: seconds.optional(),
    delete: seconds.optional(),
  }).optional(),
  hooks: z.strictObject({
    beforeCreate: hookSchema,
    afterCreate: hookSchema,
    beforeUpdate: hookSchema,
    afterUpdate: hookSchema,
    beforeDelete: hookSchema,
    afterDelete: hookSchema,
  }).optional(),
});

/** Schema of a resource's frame. */
export const resourceSchema: z.ZodType<Resource> = z.strictObject({
  address: z.string().min(1),
  kind: z.string().min(1),
  host: z.string().min(1),
  name: z.string().min(1),
  // Any UUID that libvirt takes, for an imported object keeps its own.
  uuid: z.guid(),
  tenure: z.enum(["managed", "existing", "shared"]),
  adopt: z.boolean().optional(),
  spec: jsonObjectSchema,
  dependsOn: z.array(z.string()),
  options: optionsSchema.optional(),
  sensitive: z.array(z.string()).optional(),
  declaredAt: z.string().optional(),
});

/** Schema of the outputs of other stacks that were used. */
export const referencesSchema: z.ZodType<References> = z.record(
  z.string(),
  z.record(
    z.string(),
    z.strictObject({ digest: z.string().regex(/^[0-9a-f]{64}$/), schema: jsonObjectSchema }),
  ),
);

/** Schema of the document's frame; each spec is validated by its kind. */
export const topologySchema: z.ZodType<Topology> = z.strictObject({
  format: z.literal(TOPOLOGY_FORMAT),
  stack: z.string().min(1),
  parameters: jsonObjectSchema,
  hosts: z.record(z.string(), hostSchema),
  hostPlaces: z.record(z.string(), z.string()).optional(),
  resources: z.array(resourceSchema),
  outputs: z.record(z.string(), z.strictObject({ value: jsonSchema, sensitive: z.boolean() })),
  references: referencesSchema.optional(),
  reservations: z.record(z.string(), z.string()),
  leftAlone: z.array(z.string()).optional(),
}) as unknown as z.ZodType<Topology>;
