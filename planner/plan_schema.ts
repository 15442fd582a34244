/**
 * Schema of the plan, strict everywhere: a saved plan comes from a file, and a file can hold
 * anything.
 *
 * @module
 */

import { z } from "zod";
import type { Json, JsonObject, Step } from "../providers/provider.ts";
import { type Plan, PLAN_FORMAT } from "./plan.ts";
import {
  hostSchema,
  jsonObjectSchema,
  jsonSchema,
  referencesSchema,
  resourceSchema,
} from "./topology.ts";

const json: z.ZodType<Json> = jsonSchema;
const jsonObject: z.ZodType<JsonObject> = jsonObjectSchema;
const name = z.string().min(1);
const hex = z.string().regex(/^[0-9a-f]+$/);
const disruption = z.enum(["live", "next-boot", "restart", "replace"]);

const fieldChange = z.strictObject({
  path: z.string(),
  before: json.optional(),
  after: json.optional(),
  disruption,
  format: z.enum(["bytes", "sensitive"]).optional(),
});

const place = { address: name, kind: name, host: name, key: name };

const step = z.strictObject({
  id: name,
  operation: z.enum(["create", "update", "delete", "wait"]),
  ...place,
  resource: resourceSchema,
  mark: z.strictObject({ stack: name, address: name, digest: hex }),
  previous: jsonObject.optional(),
  unsettled: z.array(jsonObject).optional(),
  changes: z.array(fieldChange),
  fingerprint: z.string().optional(),
  needs: z.array(name),
  retain: z.literal(true).optional(),
  removal: jsonObject.optional(),
});

const resourcePlan = z.strictObject({
  ...place,
  action: z.enum(["no-op", "create", "update", "replace", "delete", "forget"]),
  reason: z.enum([
    "unchanged",
    "reference-only",
    "not-on-host",
    "gone-from-host",
    "fields-differ",
    "renamed",
    "unmarked",
    "to-import",
    "replace-field-differs",
    "not-declared",
    "destroy-requested",
    "half-made",
    "half-deleted",
    "still-used",
    "wait-unfinished",
    "changed-outside",
  ]),
  changes: z.array(fieldChange),
  disruption: disruption.optional(),
  before: jsonObject.optional(),
  after: jsonObject.optional(),
  resource: resourceSchema,
  notes: z.array(z.string()),
  previousAddress: name.optional(),
  needs: z.array(name).optional(),
  fingerprint: z.string().optional(),
});

const drift = z.strictObject({
  ...place,
  status: z.enum(["changed", "deleted"]),
  changes: z.array(fieldChange),
});

const output = z.strictObject({
  name,
  action: z.enum(["no-op", "create", "update", "delete"]),
  before: json.optional(),
  after: json.optional(),
  sensitive: z.boolean(),
});

/** Schema of the plan. */
export const planSchema: z.ZodType<Plan> = z.strictObject({
  format: z.literal(PLAN_FORMAT),
  mode: z.enum(["apply", "destroy", "refresh"]),
  part: z.strictObject({
    target: z.array(z.string()).optional(),
    exclude: z.array(z.string()).optional(),
  }).optional(),
  stack: z.strictObject({
    name: z.string(),
    source: z.string().optional(),
    digest: z.string().optional(),
    parameters: jsonObject,
  }),
  record: z.strictObject({ serial: z.int().min(0), lineage: z.string().optional() }),
  hosts: z.record(z.string(), hostSchema),
  resources: z.array(resourcePlan),
  drift: z.array(drift),
  outputs: z.array(output),
  steps: z.array(step),
  references: referencesSchema.optional(),
  reservations: z.record(z.string(), z.string()).optional(),
}).superRefine((plan, context) => {
  for (const message of contradictions(plan as unknown as Plan)) {
    context.addIssue({ code: "custom", path: ["steps"], message });
  }
}) as unknown as z.ZodType<Plan>;

/** What no plan that was made can say: steps that are twice, need nothing known, name no resource. */
function* contradictions(plan: Plan): Generator<string> {
  const addresses = new Set(plan.resources.map((resource) => resource.address));
  const steps = new Map<string, Step>();
  for (const item of plan.steps) {
    if (steps.has(item.id)) yield `step ${item.id} stands twice`;
    steps.set(item.id, item);
    const id = `${item.operation}:${item.address}`;
    if (item.id !== id && item.id !== `${id}#old`) yield `step ${item.id} is not ${id}`;
    if (!addresses.has(item.address)) yield `step ${item.id} belongs to no resource of the plan`;
    if (!Object.hasOwn(plan.hosts, item.host)) yield `step ${item.id} names an unknown host`;
  }
  if (plan.mode === "refresh" && plan.steps.length > 0) yield "a refresh has no steps";
  const done = new Set<string>();
  for (const item of plan.steps) {
    for (const need of item.needs) {
      // Steps stand in order: one that needs a later one, or itself, could never begin.
      if (!done.has(need)) yield `step ${item.id} needs ${need}, which does not stand before it`;
    }
    done.add(item.id);
  }
}
