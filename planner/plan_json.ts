/**
 * The plan as a document: JSON that tools for Terraform's plans read, with the plan itself, complete,
 * under the one key `staddle`.
 *
 * @module
 */

import { z } from "zod";
import { StaddleError } from "../providers/error.ts";
import type { FieldChange, Json, JsonObject } from "../providers/provider.ts";
import { canonicalJson, digest } from "./digest.ts";
import { masked, placesOf, withChanges } from "./paths.ts";
import type { Drift, OutputChange, Plan, Reason, ResourcePlan } from "./plan.ts";
import { planSchema } from "./plan_schema.ts";
import { type Topology, topologySchema } from "./topology.ts";

/** Version of Terraform's plan representation that the document follows. */
export const TERRAFORM_FORMAT = "1.2";

/** What stands in place of a sensitive value. */
export const MASK = "(sensitive value)";

/** What the document holds beside the plan. */
export interface DocumentOptions {
  /** When the plan was made: ISO 8601, UTC. Passed in, for the planner has no clock. */
  readonly timestamp: string;
  /** Whether errors keep the plan from being applied. */
  readonly errored?: boolean;
  /** Name of the provider; `staddle/kvm` by default. */
  readonly provider?: string;
  /** What the plan brings about, for the history: see `Revision`. */
  readonly topology?: Topology;
}

/** A signature over a document. */
export interface PlanSignature {
  readonly algorithm: "ed25519";
  /** The signer's public key: 32 bytes in base64. */
  readonly publicKey: string;
  /** 64 bytes in base64, over {@linkcode signedText}. */
  readonly value: string;
}

const signatureSchema = z.strictObject({
  algorithm: z.literal("ed25519"),
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});

const changeSchema = z.strictObject({
  actions: z.array(z.enum(["no-op", "create", "update", "delete", "forget"])),
  before: z.json(),
  after: z.json(),
  after_unknown: z.strictObject({}),
  before_sensitive: z.json(),
  after_sensitive: z.json(),
  replace_paths: z.array(z.array(z.union([z.string(), z.int()]))).optional(),
  importing: z.strictObject({ id: z.string() }).optional(),
});

const changedResource = z.strictObject({
  address: z.string(),
  previous_address: z.string().optional(),
  mode: z.enum(["managed", "data"]),
  type: z.string(),
  name: z.string(),
  provider_name: z.string(),
  change: changeSchema,
  action_reason: z.string().optional(),
});

const stateResource = z.strictObject({
  address: z.string(),
  mode: z.enum(["managed", "data"]),
  type: z.string(),
  name: z.string(),
  provider_name: z.string(),
  schema_version: z.int(),
  values: z.json(),
  sensitive_values: z.json(),
  depends_on: z.array(z.string()).optional(),
});

const stateValues = z.strictObject({
  outputs: z.record(z.string(), z.strictObject({ sensitive: z.boolean(), value: z.json() })),
  root_module: z.strictObject({ resources: z.array(stateResource) }),
});

/** Schema of the document. */
const documentSchema = z.strictObject({
  format_version: z.literal(TERRAFORM_FORMAT),
  timestamp: z.string(),
  errored: z.boolean(),
  applyable: z.boolean(),
  complete: z.boolean(),
  variables: z.record(z.string(), z.strictObject({ value: z.json() })),
  resource_changes: z.array(changedResource),
  resource_drift: z.array(changedResource),
  output_changes: z.record(
    z.string(),
    z.strictObject({
      actions: z.array(z.enum(["no-op", "create", "update", "delete"])),
      before: z.json(),
      after: z.json(),
      after_unknown: z.literal(false),
      before_sensitive: z.boolean(),
      after_sensitive: z.boolean(),
    }),
  ),
  planned_values: stateValues,
  prior_state: z.strictObject({ format_version: z.literal("1.0"), values: stateValues }),
  configuration: z.strictObject({
    provider_config: z.record(
      z.string(),
      z.strictObject({ name: z.string(), full_name: z.string() }),
    ),
    root_module: z.strictObject({
      resources: z.array(z.strictObject({
        address: z.string(),
        mode: z.enum(["managed", "data"]),
        type: z.string(),
        name: z.string(),
        provider_config_key: z.string(),
        schema_version: z.int(),
        depends_on: z.array(z.string()).optional(),
      })),
    }),
  }),
  staddle: z.strictObject({
    /** SHA-256 (hex) of the canonical JSON of the whole document without this field and `signature`. */
    digest: z.string(),
    plan: planSchema,
    topology: topologySchema.optional(),
    signature: signatureSchema.optional(),
  }),
});

/** The document. */
export type PlanDocument = z.infer<typeof documentSchema>;

/** JSON schema (draft 2020-12) of the document. */
export function planJsonSchema(): JsonObject {
  return z.toJSONSchema(documentSchema, { io: "input" }) as unknown as JsonObject;
}

/** Makes the document of a plan. */
export function planDocument(plan: Plan, options: DocumentOptions): PlanDocument {
  const provider = options.provider ?? "staddle/kvm";
  const errored = options.errored ?? false;
  const { topology } = options;
  const changed = plan.mode === "refresh"
    ? plan.resources.length > 0
    : plan.resources.some((resource) => resource.action !== "no-op") ||
      plan.outputs.some((output) => output.action !== "no-op");
  const whole = {
    format_version: TERRAFORM_FORMAT,
    timestamp: options.timestamp,
    errored,
    applyable: changed && !errored,
    complete: !errored && plan.part === undefined,
    variables: Object.fromEntries(
      Object.entries(plan.stack.parameters)
        .filter((entry): entry is [string, Json] => entry[1] !== undefined)
        .map(([name, value]) => [name, { value }]),
    ),
    resource_changes: plan.resources.map((resource) => resourceChange(resource, plan, provider)),
    resource_drift: plan.drift.map((drift) => driftChange(drift, plan, provider)),
    output_changes: Object.fromEntries(
      plan.outputs.map((output) => [output.name, outputChange(output)]),
    ),
    planned_values: values(plan, provider, "after"),
    prior_state: { format_version: "1.0", values: values(plan, provider, "before") },
    configuration: configuration(plan, provider),
  };
  // Through JSON, so that what is digested is what a reader of the file will find.
  const plain = JSON.parse(JSON.stringify({ ...whole, staddle: { plan, topology } }));
  plain.staddle.digest = digest(plain);
  return plain as PlanDocument;
}

/** What a signature is over: the whole document but the signature itself, digest included. */
export function signedText(document: JsonObject): string {
  const { signature: _, ...staddle } = document.staddle as JsonObject;
  return `staddle plan signature 1\n${canonicalJson({ ...document, staddle })}`;
}

/** The document with a signature, as it stands in a file. */
export function withSignature(document: PlanDocument, signature: PlanSignature): string {
  const staddle = { ...document.staddle, signature };
  return canonicalJson({ ...document, staddle } as unknown as JsonObject) + "\n";
}

/** Writes the document: canonical JSON (RFC 8785) and a newline. */
export function renderPlanJson(plan: Plan, options: DocumentOptions): string {
  return canonicalJson(planDocument(plan, options) as unknown as JsonObject) + "\n";
}

/**
 * Reads a document back, for a plan that is applied later exactly as it stands.
 *
 * @throws {StaddleError} `plan.unreadable`, `plan.format` for another version, `plan.invalid` naming
 * the place, `plan.altered` when the document was edited after it was made, `plan.errored` when the
 * plan was never fit to be applied.
 */
export function parsePlanJson(text: string, source = "the plan"): PlanDocument {
  const raw = parseText(text, source);
  const version = raw.format_version;
  if (version !== TERRAFORM_FORMAT || raw.staddle === undefined) {
    throw new StaddleError({
      code: "plan.format",
      summary: raw.staddle === undefined
        ? `${source} is no plan that Staddle made: it has no "staddle"`
        : `${source} has format_version ${JSON.stringify(version)}; this version of Staddle ` +
          `reads "${TERRAFORM_FORMAT}"`,
      where: [source],
      help: `make the plan again with "staddle plan --out"`,
    });
  }
  const result = documentSchema.safeParse(raw);
  if (!result.success) {
    const issues = result.error.issues;
    throw new StaddleError({
      code: "plan.invalid",
      summary: `${source} is not a valid plan`,
      where: [source],
      details: issues.slice(0, 5).map((issue) =>
        `${issue.path.map(String).join(".") || "the document"}: ${issue.message}`
      ).concat(issues.length > 5 ? [`and ${issues.length - 5} more`] : []),
      help: `make the plan again with "staddle plan --out"`,
    });
  }
  const { digest: given, signature: _, ...staddle } = raw.staddle as JsonObject;
  if (digest({ ...raw, staddle }) !== given) {
    throw new StaddleError({
      code: "plan.altered",
      summary: `${source} was changed after it was made: its digest does not fit`,
      where: [source],
      details: [`it says ${given}`],
      help: "a plan is applied exactly as it was reviewed: make it again",
    });
  }
  if (result.data.errored) {
    throw new StaddleError({
      code: "plan.errored",
      summary: `${source} was made with errors and cannot be applied`,
      where: [source],
      help: "cure the errors that planning showed, and plan again",
    });
  }
  // What was parsed has lost nothing: every schema is strict.
  return raw as unknown as PlanDocument;
}

function parseText(text: string, source: string): JsonObject {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new StaddleError({
      code: "plan.unreadable",
      summary: `${source} is not JSON`,
      where: [source],
      details: [error instanceof Error ? error.message : String(error)],
      help: `a plan file is what "staddle plan --out" writes`,
      cause: error,
    });
  }
  return raw !== null && typeof raw === "object" && !Array.isArray(raw) ? raw as JsonObject : {};
}

/** Paths of the changes whose values are not to be shown. */
function hidden(
  changes: readonly FieldChange[],
  { sensitive = [] }: { readonly sensitive?: readonly string[] } = {},
): readonly string[] {
  const changed = changes.filter((change) => change.format === "sensitive");
  return [...new Set([...changed.map((change) => change.path), ...sensitive])];
}

/** `true` where a value is sensitive, in the shape that Terraform gives it. */
function sensitivity(value: JsonObject | undefined, paths: readonly string[]): Json {
  if (value === undefined) return false;
  const root: Record<string, Json> = {};
  for (const path of paths) {
    const places = placesOf(value, path);
    let here: Record<string, Json> = root;
    places.forEach((place, index) => {
      if (index === places.length - 1) here[place] = true;
      else here = (here[place] ??= {}) as Record<string, Json>;
    });
  }
  return root;
}

function valueChange(
  actions: PlanDocument["resource_changes"][number]["change"]["actions"],
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  changes: readonly FieldChange[],
  resource?: { readonly sensitive?: readonly string[] },
): PlanDocument["resource_changes"][number]["change"] {
  const paths = hidden(changes, resource);
  return {
    actions,
    before: masked(before, paths, MASK) as z.infer<ReturnType<typeof z.json>> ?? null,
    after: masked(after, paths, MASK) as z.infer<ReturnType<typeof z.json>> ?? null,
    after_unknown: {},
    before_sensitive: sensitivity(before, paths) as z.infer<ReturnType<typeof z.json>>,
    after_sensitive: sensitivity(after, paths) as z.infer<ReturnType<typeof z.json>>,
  };
}

const actionReasons: Partial<Record<Reason, string>> = {
  "replace-field-differs": "replace_because_cannot_update",
  "not-declared": "delete_because_no_resource_config",
};

function identity(resource: ResourcePlan | Drift, plan: Plan, provider: string) {
  const declared = "resource" in resource
    ? resource.resource
    : plan.resources.find((other) => other.address === resource.address)?.resource;
  return {
    address: resource.address,
    mode: declared?.tenure === "existing" ? "data" as const : "managed" as const,
    type: resource.kind,
    name: declared?.name ?? resource.address.slice(resource.address.lastIndexOf(".") + 1),
    provider_name: provider,
  };
}

function actionsOf(resource: ResourcePlan, plan: Plan) {
  if (resource.reason === "to-import" && resource.changes.length === 0) return ["no-op" as const];
  if (resource.action !== "replace") return [resource.action];
  const old = plan.steps.find((step) => step.id === `delete:${resource.address}#old`);
  return old?.needs.includes(`create:${resource.address}`) === true
    ? ["create" as const, "delete" as const]
    : ["delete" as const, "create" as const];
}

function beforeOf(resource: ResourcePlan): JsonObject | undefined {
  const { action, before } = resource;
  return action === "no-op" || action === "forget" ? resource.resource.spec : before;
}

function afterOf(resource: ResourcePlan): JsonObject | undefined {
  const { action, after } = resource;
  if (action === "no-op") return resource.resource.spec;
  return action === "delete" || action === "forget" ? undefined : after;
}

function resourceChange(resource: ResourcePlan, plan: Plan, provider: string) {
  const before = beforeOf(resource);
  const after = afterOf(resource);
  const change = valueChange(
    actionsOf(resource, plan),
    before,
    after,
    resource.changes,
    resource.resource,
  );
  const replaced = resource.changes.filter((field) => field.disruption === "replace");
  const stopped = resource.action === "replace" &&
    (resource.reason === "half-made" || resource.reason === "half-deleted");
  return {
    ...identity(resource, plan, provider),
    previous_address: resource.previousAddress,
    change: resource.reason === "to-import"
      ? { ...change, importing: { id: resource.key } }
      : resource.action === "replace"
      ? { ...change, replace_paths: replaced.map((field) => [...placesOf(before, field.path)]) }
      : change,
    action_reason: stopped ? "replace_because_tainted" : actionReasons[resource.reason],
  };
}

function driftChange(drift: Drift, plan: Plan, provider: string) {
  const applied = plan.resources.find((resource) => resource.address === drift.address)?.resource
    .spec;
  const turned = drift.changes.map((change) => ({ ...change, after: change.before }));
  const before = drift.status === "deleted" ? applied ?? {} : withChanges({}, turned);
  const after = drift.status === "deleted" ? undefined : withChanges({}, drift.changes);
  const actions = drift.status === "deleted" ? ["delete" as const] : ["update" as const];
  return {
    ...identity(drift, plan, provider),
    change: valueChange(actions, before, after, drift.changes),
  };
}

function outputChange(output: OutputChange) {
  const show = (value: Json | undefined) =>
    value === undefined ? null : output.sensitive ? MASK : value;
  return {
    actions: [output.action],
    before: show(output.before),
    after: show(output.after),
    after_unknown: false as const,
    before_sensitive: output.sensitive,
    after_sensitive: output.sensitive,
  };
}

/** All resources and outputs as they are, or as they will be. */
function values(plan: Plan, provider: string, side: "before" | "after") {
  const of = side === "before" ? beforeOf : afterOf;
  return {
    outputs: Object.fromEntries(
      plan.outputs.filter((output) => output[side] !== undefined).map((output) => [
        output.name,
        { sensitive: output.sensitive, value: output.sensitive ? MASK : output[side] },
      ]),
    ),
    root_module: {
      resources: plan.resources.flatMap((resource) => {
        const found = of(resource);
        if (found === undefined) return [];
        const paths = hidden(resource.changes, resource.resource);
        return [{
          ...identity(resource, plan, provider),
          schema_version: 0,
          values: masked(found, paths, MASK),
          sensitive_values: sensitivity(found, paths),
          depends_on: resource.needs,
        }];
      }),
    },
  };
}

function configuration(plan: Plan, provider: string) {
  const key = provider.slice(provider.lastIndexOf("/") + 1);
  return {
    provider_config: { [key]: { name: key, full_name: provider } },
    root_module: {
      resources: plan.resources.filter((resource) => afterOf(resource) !== undefined)
        .map((resource) => {
          const { provider_name: _, ...rest } = identity(resource, plan, provider);
          return {
            ...rest,
            provider_config_key: key,
            schema_version: 0,
            depends_on: resource.needs,
          };
        }),
    },
  };
}
