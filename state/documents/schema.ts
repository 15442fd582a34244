/**
 * What a document must look like before it may take the place of a record. What a kind says about its
 * own spec is left to the planner, which reads it with the kind's schema.
 *
 * @module
 */

import { z } from "zod";

const status = z.enum(["present", "creating", "updating", "deleting", "waiting"]);
const json = z.json();
const object = z.record(z.string(), json);
const time = z.iso.datetime();

const resource = z.looseObject({
  address: z.string().min(1),
  kind: z.string().min(1),
  host: z.string().min(1),
  name: z.string(),
  uuid: z.guid(),
  tenure: z.string(),
  spec: object,
  dependsOn: z.array(z.string()),
});

/** Enough to tell which Staddle can read it. */
export const versionSchema = z.object({ stack: z.string(), version: z.int().min(1) });

/** A whole document. Unknown keys are kept: an older Staddle must not lose what a newer one knows. */
export const documentSchema = z.looseObject({
  version: z.int().min(1),
  stack: z.string().min(1),
  lineage: z.guid(),
  serial: z.int().min(0),
  hosts: z.record(z.string(), z.looseObject({ name: z.string(), uri: z.string() })),
  resources: z.array(z.looseObject({
    address: z.string().min(1),
    kind: z.string().min(1),
    host: z.string().min(1),
    key: z.string(),
    status,
    resource,
    specDigest: z.string(),
    fingerprint: z.string().optional(),
    pending: z.string().optional(),
    needs: z.array(z.string()),
    target: resource.optional(),
    stopped: z.array(resource).optional(),
  })).check((context) => {
    const seen = new Set<string>();
    for (const { address } of context.value) {
      if (seen.has(address)) {
        context.issues.push({
          code: "custom",
          message: `${address} stands there twice`,
          input: context.value,
        });
      }
      seen.add(address);
    }
  }),
  outputs: z.record(z.string(), z.looseObject({ value: json, sensitive: z.boolean() })),
  reservations: z.record(z.string(), z.string()),
  runs: z.array(z.looseObject({
    id: z.string().min(1),
    stack: z.string(),
    command: z.string(),
    who: z.string(),
    startedAt: time,
    endedAt: time.optional(),
    add: z.int().min(0),
    change: z.int().min(0),
    destroy: z.int().min(0),
    parameters: object,
    part: z.looseObject({
      target: z.array(z.string()).optional(),
      exclude: z.array(z.string()).optional(),
    }).optional(),
    planDigest: z.string().optional(),
  })),
  journal: z.array(z.looseObject({
    run: z.string(),
    step: z.string(),
    address: z.string(),
    operation: z.string(),
    phase: z.enum(["begin", "end", "failed"]),
    at: time,
    detail: z.string().optional(),
  })),
  revisions: z.array(z.looseObject({
    run: z.string(),
    topology: object,
    plan: object.optional(),
  })),
});
