/**
 * Small kinds for tests of the planner: each object's source is its spec, and a table says how each
 * field changes. They refer to each other as real ones do.
 *
 * @module
 */

import { z } from "zod";
import { StaddleError } from "../../providers/error.ts";
import type {
  Claim,
  Disruption,
  FieldChange,
  Issue,
  Json,
  JsonObject,
  Kind,
  Lookup,
  Reference,
  Resource,
} from "../../providers/provider.ts";
import { digest, sameJson } from "../../planner/digest.ts";
import type { Kinds } from "../../planner/resolve.ts";

interface FakeKind {
  readonly kind: string;
  readonly schema: z.ZodType;
  readonly changes: Readonly<Record<string, Disruption>>;
  readonly marked?: boolean;
  readonly sensitive?: readonly string[];
  references?(spec: JsonObject): readonly Reference[];
  resolve?(spec: JsonObject, lookup: Lookup): JsonObject;
  key?(spec: JsonObject): string;
  check?(resource: Resource, lookup: Lookup): readonly Issue[];
  complete?(spec: JsonObject, resource: Resource, lookup: Lookup): JsonObject;
  waits?(spec: JsonObject): JsonObject | undefined;
  claims?(spec: JsonObject): readonly Claim[];
  /** How a change is made after all, given what is declared. */
  disruption?(spec: JsonObject, field: string): Disruption | undefined;
  notes?(resource: Resource, lookup: Lookup): readonly string[];
  holds?: Kind["holds"];
}

type Entry = JsonObject & { readonly name: string };

function isList(value: Json | undefined): value is readonly Entry[] {
  return Array.isArray(value) &&
    value.every((item) => item !== null && typeof item === "object" && "name" in item);
}

function compare(
  fake: FakeKind,
  wanted: JsonObject,
  has: JsonObject,
  previous: JsonObject,
): FieldChange[] {
  const changes: FieldChange[] = [];
  const add = (field: string, path: string, before?: Json, after?: Json) =>
    changes.push({
      path,
      before,
      after,
      disruption: fake.disruption?.(wanted, field) ?? fake.changes[field] ?? "restart",
      ...(fake.sensitive?.includes(field) === true ? { format: "sensitive" as const } : {}),
    });
  for (const field of Object.keys(wanted)) {
    const is = wanted[field];
    const was = has[field];
    if (is === undefined) continue;
    if (!isList(is)) {
      if (!sameJson(is, was)) add(field, field, was, is);
      continue;
    }
    const there = isList(was) ? was : [];
    const before = isList(previous[field]) ? previous[field] as readonly Entry[] : [];
    for (const entry of is) {
      const old = there.find((item) => item.name === entry.name);
      if (!sameJson(entry, old)) add(field, `${field}[${entry.name}]`, old, entry);
    }
    for (const entry of before) {
      if (is.some((item) => item.name === entry.name)) continue;
      const old = there.find((item) => item.name === entry.name);
      if (old !== undefined) add(field, `${field}[${entry.name}]`, old);
    }
  }
  // What only refers is taken out again when it is no longer declared.
  for (const field of ["seed", "image"]) {
    if (previous[field] === undefined || wanted[field] !== undefined) continue;
    if (has[field] !== undefined) add(field, field, has[field]);
  }
  return changes;
}

function make(fake: FakeKind): Kind {
  const spec = (resource: Resource) => resource.spec;
  return {
    kind: fake.kind,
    schema: fake.schema,
    fields: Object.entries(fake.changes).map(([path, change]) => ({
      path,
      type: "any",
      doc: path,
      change,
    })),
    marked: fake.marked,
    references: (resource) => fake.references?.(spec(resource)) ?? [],
    resolve: (resource, lookup) => fake.resolve?.(spec(resource), lookup) ?? spec(resource),
    key: (resource) => fake.key?.(spec(resource)) ?? String(resource.spec.name),
    check: (resource, lookup) => fake.check?.(resource, lookup) ?? [],
    complete: (resource, lookup) =>
      fake.complete?.(spec(resource), resource, lookup) ?? spec(resource),
    view: (observed) => observed.source.spec as JsonObject,
    diff: (resource, observed, { previous }) =>
      compare(fake, resource.spec, observed.source.spec as JsonObject, previous ?? {}),
    waits: (resource) => fake.waits?.(spec(resource)),
    claims: (resource) => fake.claims?.(spec(resource)) ?? [],
    notes: (resource, lookup) => fake.notes?.(resource, lookup) ?? [],
    holds: fake.holds,
  };
}

const name = z.string().min(1);

function refer(address: Json | undefined, path: string, kind: string): Reference[] {
  return typeof address === "string" ? [{ address, path, kinds: [kind] }] : [];
}

function nameOf(address: Json | undefined, lookup: Lookup): string {
  const found = lookup.resource(String(address));
  if (found === undefined) {
    throw new StaddleError({ code: "fake.unresolved", summary: `no ${address}` });
  }
  return String(found.spec.name);
}

function keyOf(address: Json | undefined, lookup: Lookup): string {
  const found = lookup.resource(String(address))!;
  return fakeKinds.get(found.kind)!.key(found);
}

interface Disk extends JsonObject {
  readonly name: string;
  readonly volume: string;
}

interface Nic extends JsonObject {
  readonly name: string;
  readonly network: string;
  readonly mac: string;
}

const disks = (spec: JsonObject) => (spec.disks ?? []) as readonly Disk[];
const nics = (spec: JsonObject) => (spec.nics ?? []) as readonly Nic[];

/** The kinds, by name. */
export const fakeKinds: Kinds = new Map([
  make({
    kind: "pool",
    schema: z.strictObject({ name, path: z.string().optional() }),
    changes: { name: "replace", path: "replace" },
    claims: (spec) =>
      spec.path === undefined
        ? []
        : [{ what: `folder ${spec.path}`, path: "path", scope: "host" as const }],
  }),
  make({
    kind: "image",
    schema: z.strictObject({ pool: name, name, sha256: z.string() }),
    changes: { sha256: "replace" },
    references: (spec) => refer(spec.pool, "pool", "pool"),
    resolve: (spec, lookup) => ({ ...spec, pool: nameOf(spec.pool, lookup) }),
    key: (spec) => `${spec.pool}/${spec.name}-${String(spec.sha256).slice(0, 12)}`,
  }),
  make({
    kind: "volume",
    schema: z.strictObject({
      pool: name,
      name,
      capacity: z.int().optional(),
      format: z.enum(["qcow2", "raw"]).default("qcow2"),
      image: z.string().optional(),
    }),
    changes: { capacity: "live", format: "replace", image: "replace", pool: "replace" },
    references: (spec) => [
      ...refer(spec.pool, "pool", "pool"),
      ...refer(spec.image, "image", "image"),
    ],
    resolve: (spec, lookup) => ({
      ...spec,
      pool: nameOf(spec.pool, lookup),
      ...(spec.image === undefined ? {} : { image: keyOf(spec.image, lookup) }),
    }),
    key: (spec) => `${spec.pool}/${spec.name}`,
    check: (resource) =>
      resource.spec.capacity === 13
        ? [{
          code: "volume.unlucky",
          path: "capacity",
          message: `"capacity" is 13`,
          help: "give another",
        }]
        : [],
  }),
  make({
    kind: "seed",
    schema: z.strictObject({ pool: name, name, userData: z.string() }),
    changes: { userData: "replace" },
    references: (spec) => refer(spec.pool, "pool", "pool"),
    resolve: (spec, lookup) => ({ ...spec, pool: nameOf(spec.pool, lookup) }),
    key: (spec) => `${spec.pool}/${spec.name}-${digest(spec.userData!).slice(0, 12)}`,
  }),
  make({
    kind: "network",
    schema: z.strictObject({
      name,
      subnet: z.string().optional(),
      reservations: z.array(z.strictObject({ name, ip: z.string() })).optional(),
    }),
    changes: { name: "replace", subnet: "restart", reservations: "live" },
    marked: true,
  }),
  make({
    kind: "machine",
    schema: z.strictObject({
      name,
      vcpus: z.int().min(1).default(1),
      memory: z.int().optional(),
      firmware: z.string().optional(),
      accel: z.enum(["prefer-kvm", "require-kvm"]).optional(),
      password: z.string().optional(),
      disks: z.array(z.strictObject({ name, volume: z.string() })).optional(),
      seed: z.string().optional(),
      nics: z.array(z.strictObject({ name, network: z.string(), mac: z.string() })).optional(),
      wait: z.string().optional(),
      /** Its disks change at its next start only. */
      rigid: z.boolean().optional(),
    }),
    changes: {
      name: "restart",
      vcpus: "live",
      memory: "next-boot",
      firmware: "replace",
      disks: "live",
      nics: "live",
      seed: "live",
      password: "live",
      wait: "live",
      rigid: "live",
    },
    disruption: (spec, field) => field === "disks" && spec.rigid === true ? "next-boot" : undefined,
    marked: true,
    sensitive: ["password"],
    references: (spec) => [
      ...disks(spec).flatMap((disk) => refer(disk.volume, `disks[${disk.name}].volume`, "volume")),
      ...nics(spec).flatMap((nic) =>
        refer(nic.network, `nics[${nic.name}].network`, "network")
          .map((reference) => ({ ...reference, survives: true }))
      ),
      ...refer(spec.seed, "seed", "seed").map((reference) => ({ ...reference, survives: true })),
    ],
    resolve: (spec, lookup) => ({
      ...spec,
      ...(spec.disks === undefined ? {} : {
        disks: disks(spec).map((disk) => ({ ...disk, volume: keyOf(disk.volume, lookup) })),
      }),
      ...(spec.nics === undefined ? {} : {
        nics: nics(spec).map((nic) => ({ ...nic, network: nameOf(nic.network, lookup) })),
      }),
      ...(spec.seed === undefined ? {} : { seed: keyOf(spec.seed, lookup) }),
    }),
    complete: (spec, resource, lookup) => ({
      ...spec,
      domainType: lookup.facts(resource.host)?.accelerator === "kvm-hw" ? "kvm" : "qemu",
    }),
    waits: (spec) => spec.wait === undefined ? undefined : { for: spec.wait },
    claims: (spec) =>
      nics(spec).map((nic) => ({
        what: `MAC address ${nic.mac}`,
        path: `nics[${nic.name}].mac`,
        scope: "host" as const,
      })),
    holds: ({ source }, { changes, among }) => {
      const volumes = (list: readonly Disk[]) => new Set(list.map(({ volume }) => volume));
      const givenUp = (disruption: Disruption) =>
        volumes(
          changes.filter((change) =>
            change.path.startsWith("disks[") && change.disruption === disruption
          ).map(({ before }) => before as Disk | undefined ?? { name: "", volume: "" }),
        );
      const saved = volumes(disks(source.spec as JsonObject));
      const running = volumes(disks((source.running ?? source.spec) as JsonObject));
      const later = givenUp("next-boot");
      const now = givenUp("live");
      return among.filter(({ kind, key }) =>
        kind === "volume" && running.has(key) && !now.has(key) &&
        (!saved.has(key) || later.has(key))
      ).map((object) => ({ object }));
    },
    notes: (resource, lookup) =>
      resource.spec.accel === undefined
        ? []
        : [`accelerator: ${lookup.facts(resource.host)?.accelerator ?? "not asked"}`],
  }),
].map((kind) => [kind.kind, kind]));
