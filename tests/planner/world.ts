/**
 * A world in memory for tests of the planner: hosts, a record, and a run that carries a plan out
 * under the rules that real hosts have. Whatever a plan does in the wrong order fails here.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  DeclaredOptions,
  HostDeclaration,
  Json,
  JsonObject,
  Mark,
  Observed,
  Resource,
  Step,
  Tenure,
} from "../../providers/provider.ts";
import type { StackRecord } from "../../state/store.ts";
import * as moments from "../../applier/transitions.ts";
import { digest, sameJson } from "../../planner/digest.ts";
import { resourceUuid } from "../../planner/identity.ts";
import { type MadePlan, makePlan, type PlanInput } from "../../planner/make_plan.ts";
import { factsForeseen, factsNeeded, readRequests } from "../../planner/requests.ts";
import type { Plan } from "../../planner/plan.ts";
import { withChanges } from "../../planner/paths.ts";
import { select } from "../../planner/select.ts";
import { type Output, type Topology, TOPOLOGY_FORMAT } from "../../planner/topology.ts";
import { validateTopology } from "../../planner/validate.ts";
import { fakeKinds } from "./fake_kinds.ts";

/** Options of a resource in a test's stack. */
export interface ResourceOptions {
  readonly tenure?: Tenure;
  readonly dependsOn?: readonly string[];
  readonly declaredAt?: string;
  readonly options?: DeclaredOptions;
  /** The address that its UUID follows from, for what was renamed. */
  readonly identity?: string;
}

/** One resource: address `<scope>/<kind>.<name>`. */
export function resource(
  address: string,
  spec: JsonObject,
  options: ResourceOptions = {},
): Resource {
  const tail = address.slice(address.lastIndexOf("/") + 1);
  const [kind, ...name] = tail.split(".");
  return {
    address,
    kind: kind!,
    host: address.split("/")[0]!,
    name: name.join("."),
    uuid: resourceUuid("shop", options.identity ?? address),
    tenure: options.tenure ?? "managed",
    spec,
    dependsOn: options.dependsOn ?? [],
    ...(options.declaredAt === undefined ? {} : { declaredAt: options.declaredAt }),
    ...(options.options === undefined ? {} : { options: options.options }),
  };
}

/** A topology of stack "shop". */
export function topology(
  resources: readonly Resource[],
  options: {
    readonly outputs?: Readonly<Record<string, Output>>;
    readonly hosts?: readonly string[];
    readonly parameters?: JsonObject;
  } = {},
): Topology {
  const hosts = options.hosts ?? [...new Set(resources.map((item) => item.host))];
  return {
    format: TOPOLOGY_FORMAT,
    stack: "shop",
    parameters: options.parameters ?? {},
    hosts: Object.fromEntries(
      hosts.map((name): [string, HostDeclaration] => [name, { name, uri: "qemu:///system" }]),
    ),
    resources,
    outputs: options.outputs ?? {},
    reservations: {},
  };
}

/** Where a run is cut off: before or after the operation of the n-th step. */
export interface Cut {
  readonly step: number;
  readonly when: "before" | "after";
}

/** The run was cut off, as asked. */
export class CutOff extends Error {}

interface Thing {
  readonly kind: string;
  readonly host: string;
  readonly key: string;
  readonly uuid: string;
  readonly mark?: Mark;
  readonly spec: JsonObject;
  /** Of a machine: what it runs on, where a change waits for its next start. */
  readonly running?: JsonObject;
}

/** Hosts and record. */
export class World {
  readonly things = new Map<string, Thing>();
  record: StackRecord | undefined;
  facts: Record<string, JsonObject> = {};

  static slot(host: string, kind: string, key: string): string {
    return `${host} ${kind} ${key}`;
  }

  /** Puts something on a host by hand. */
  put(host: string, kind: string, key: string, spec: JsonObject, extra: Partial<Thing> = {}): void {
    const uuid = crypto.randomUUID();
    this.things.set(World.slot(host, kind, key), { kind, host, key, uuid, spec, ...extra });
  }

  /** Changes the spec of something by hand. */
  change(host: string, kind: string, key: string, fields: Readonly<Record<string, Json>>): void {
    const slot = World.slot(host, kind, key);
    const thing = this.things.get(slot)!;
    this.things.set(slot, { ...thing, spec: { ...thing.spec, ...fields } });
  }

  /** Takes something away by hand. */
  remove(host: string, kind: string, key: string): void {
    assert.ok(this.things.delete(World.slot(host, kind, key)), `no ${kind} ${key} on ${host}`);
  }

  /** Starts a machine again: it runs on what is saved. */
  restart(host: string, key: string): void {
    const slot = World.slot(host, "machine", key);
    const thing = this.things.get(slot)!;
    this.things.set(slot, { ...thing, running: { disks: thing.spec.disks } });
  }

  observe(thing: Thing): Observed {
    const { kind, host, key, uuid, mark, spec, running } = thing;
    const later = running !== undefined && !sameJson(running.disks ?? [], spec.disks ?? []);
    const source = { spec, ...(later ? { running } : {}) };
    return {
      kind,
      host,
      key,
      ...(kind === "volume" || kind === "image" || kind === "seed" ? {} : { uuid }),
      ...(mark === undefined ? {} : { mark }),
      fingerprint: digest(source),
      source,
    };
  }

  /** Reads what a plan asks for, and no more. */
  read(wanted: Topology | undefined, scope: Partial<PlanInput>): Record<string, Observed[]> {
    const selection = select(wanted, this.record, fakeKinds, { mode: "apply", ...scope });
    const requests = readRequests(wanted, this.record, fakeKinds, selection);
    return Object.fromEntries(
      Object.entries(requests).map(([host, list]) => [
        host,
        [...this.things.values()].filter((thing) =>
          thing.host === host && list.some((request) =>
            request.kind === thing.kind &&
            (request.key === thing.key || request.uuid === thing.uuid)
          )
        ).map((thing) => this.observe(thing)),
      ]),
    );
  }

  /** Plans; the topology must be valid. */
  plan(wanted: Topology | undefined, options: Partial<PlanInput> = {}): MadePlan {
    let valid = wanted;
    if (wanted !== undefined) {
      const validated = validateTopology(wanted, fakeKinds);
      assert.deepEqual(validated.errors.map((error) => error.render()), []);
      valid = validated.topology;
    }
    const observed = this.read(valid, options);
    const hosts = factsNeeded(valid, this.record, fakeKinds, { observed });
    const selection = select(valid, this.record, fakeKinds, { mode: "apply", ...options });
    for (const host of factsForeseen(valid, this.record, selection)) {
      assert.ok(hosts.includes(host), `the facts of ${host} were foreseen, and are not needed`);
    }
    return makePlan({
      ...(valid === undefined ? {} : { topology: valid }),
      kinds: fakeKinds,
      observed,
      facts: Object.fromEntries(hosts.map((host) => [host, this.facts[host] ?? {}])),
      ...(this.record === undefined ? {} : { record: this.record }),
      mode: "apply",
      ...options,
    });
  }

  /** Plans without errors. */
  planned(wanted: Topology | undefined, options: Partial<PlanInput> = {}): Plan {
    const { plan, errors } = this.plan(wanted, options);
    assert.deepEqual(errors.map((error) => error.render()), []);
    return plan;
  }

  /** Plans and carries out; gives the plan back. */
  apply(wanted: Topology | undefined, options: Partial<PlanInput> = {}, cut?: Cut): Plan {
    const plan = this.planned(wanted, options);
    this.run(plan, wanted, cut);
    return plan;
  }

  destroy(): Plan {
    return this.apply(undefined, { mode: "destroy" });
  }

  /** Carries a plan out, step by step, writing the record as an applier does. */
  run(plan: Plan, wanted: Topology | undefined, cut?: Cut): void {
    const rows = new Map((this.record?.resources ?? []).map((row) => [row.address, row]));
    const index = moments.indexPlan(plan);
    const write = ({ put, remove }: moments.RowChange) => {
      for (const address of remove) rows.delete(address);
      for (const row of put) rows.set(row.address, row);
      this.record = {
        version: 1,
        stack: "shop",
        lineage: "11111111-1111-4111-8111-111111111111",
        serial: (this.record?.serial ?? 0) + 1,
        hosts: plan.hosts,
        resources: [...rows.values()].sort((a, b) => a.address < b.address ? -1 : 1),
        outputs: this.record?.outputs ?? {},
        reservations: {},
      };
    };
    const done = new Set<string>();
    write(moments.settle(index, rows));
    plan.steps.forEach((step, place) => {
      for (const need of step.needs) assert.ok(done.has(need), `${step.id} before ${need}`);
      const halfMade = rows.get(step.address)?.key === step.key &&
        rows.get(step.address)?.status === "creating";
      write(moments.beginStep(index, rows, step));
      if (cut?.step === place && cut.when === "before") throw new CutOff();
      const gone = !this.things.has(World.slot(step.host, step.kind, step.key)) &&
        plan.steps.some((other) =>
          other.operation === "delete" && other.key === step.key && other.kind === step.kind &&
          other.host === step.host && done.has(other.id)
        );
      // An object that a resource has now is kept; one that two entries had goes once.
      const kept = step.operation === "delete" &&
        (gone || moments.newOwner(index, rows, step) !== undefined);
      if (!kept) this.perform(step, halfMade);
      if (cut?.step === place && cut.when === "after") throw new CutOff();
      const there = this.things.get(World.slot(step.host, step.kind, step.key));
      const observed = there === undefined ? undefined : this.observe(there);
      write(moments.endStep(index, rows, step, { observed, notes: [] }));
      done.add(step.id);
    });
    write(moments.renamedAway(index, rows));
    this.record = {
      ...this.record!,
      outputs: plan.mode === "destroy" ? {} : wanted?.outputs ?? this.record!.outputs,
    };
  }

  /** Carries one step out, under the rules that hosts have. */
  private perform(
    step: Step,
    halfMade: boolean,
  ): void {
    const { host, kind, key } = step;
    const slot = World.slot(host, kind, key);
    const there = this.things.get(slot);
    if (step.operation === "wait") {
      assert.ok(there, `waits for ${key}, which is not there`);
      return;
    }
    if (step.operation === "delete") {
      assert.ok(there, `deletes ${slot}, which is not there`);
      assert.equal(this.observe(there).fingerprint, step.fingerprint);
      if (step.retain === true) {
        this.things.set(slot, { ...there, mark: undefined });
        return;
      }
      this.things.delete(slot);
      for (const other of this.things.values()) {
        if (other.host === host) {
          // A medium that is made anew under its drive may be away for a moment, no volume may.
          const anew = kind === "seed" && step.id.endsWith("#old") &&
            !step.needs.includes(`create:${step.address}`);
          assert.ok(anew || !uses(other, kind, key), `${slot} goes while ${other.key} uses it`);
          assert.ok(
            kind !== "volume" || !runsOn(other, key),
            `${slot} goes while ${other.key} runs on it`,
          );
        }
      }
      return;
    }
    for (const [usedKind, usedKey] of used(step.kind, step.resource.spec)) {
      assert.ok(
        this.things.has(World.slot(host, usedKind, usedKey)),
        `${step.id} uses ${usedKind} ${usedKey}, which is not there`,
      );
    }
    const mark = kind === "machine" || kind === "network" ? step.mark : undefined;
    const { uuid } = step.resource;
    // A machine that is finished runs on as it does, too, until its next start.
    const runningAfter = (before: Thing | undefined, spec: JsonObject) =>
      kind !== "machine" ? undefined : { disks: disksAfter(before?.running, spec, step) };
    if (step.operation === "create") {
      if (there !== undefined) {
        assert.equal(step.fingerprint, this.observe(there).fingerprint, `${slot} is there`);
        const same = sameJson(there.spec, step.resource.spec);
        assert.ok(halfMade || same || kind !== "volume", `${slot} is there, and another`);
      }
      for (const other of this.things.values()) {
        const twin = other.host === host && other.kind === kind && other.key !== key &&
          this.observe(other).uuid === uuid;
        const folder = step.resource.spec.path;
        const shared = kind === "pool" && folder !== undefined && other.host === host &&
          other.kind === kind && other.key !== key && other.spec.path === folder;
        assert.ok(!shared, `${slot} is made in the folder of ${other.key}`);
        assert.ok(!twin, `${slot} is made beside ${other.key}, which has its UUID`);
      }
      // libvirt gives a shared one its UUID, for every stack would derive another.
      const given = step.resource.tenure === "shared" ? crypto.randomUUID() : uuid;
      const { spec } = step.resource;
      const running = runningAfter(there, spec);
      this.things.set(slot, { kind, host, key, uuid: given, spec, mark, running });
      return;
    }
    const found = there ??
      [...this.things.values()].find((thing) => thing.host === host && thing.uuid === uuid);
    if (found !== undefined) assert.equal(found.uuid, kind === "machine" ? uuid : found.uuid);
    assert.ok(found, `updates ${slot}, which is not there`);
    this.things.delete(World.slot(host, kind, found.key));
    // As a patch does: whatever is declared is written, whether or not it differs.
    const declared = Object.entries(step.resource.spec).filter(([, value]) =>
      !Array.isArray(value)
    );
    const spec = { ...withChanges(found.spec, step.changes), ...Object.fromEntries(declared) };
    const running = runningAfter(found, spec);
    this.things.set(slot, { ...found, key, spec, mark, running });
  }

  /** Names of everything that is there, sorted. */
  listing(): string[] {
    return [...this.things.keys()].sort();
  }
}

/** What an object stands on: kind and key. */
function used(kind: string, spec: JsonObject): [string, string][] {
  const list = (field: string) => (spec[field] ?? []) as readonly JsonObject[];
  if (kind === "machine") {
    return [
      ...list("disks").map((disk): [string, string] => ["volume", String(disk.volume)]),
      ...list("nics").map((nic): [string, string] => ["network", String(nic.network)]),
      ...(spec.seed === undefined ? [] : [["seed", String(spec.seed)] as [string, string]]),
    ];
  }
  if (kind === "volume") {
    return [
      ["pool", String(spec.pool)],
      ...(spec.image === undefined ? [] : [["image", String(spec.image)] as [string, string]]),
    ];
  }
  return kind === "image" || kind === "seed" ? [["pool", String(spec.pool)]] : [];
}

/** The disks that a machine runs on after a step: what is plugged live is changed, all else stays. */
function disksAfter(
  running: JsonObject | undefined,
  saved: JsonObject,
  { changes }: Step,
): readonly JsonObject[] {
  const disks = (spec: JsonObject) => (spec.disks ?? []) as readonly JsonObject[];
  if (running === undefined) return disks(saved);
  const plugged = ({ name }: JsonObject) =>
    changes.some(({ path, disruption }) =>
      path.startsWith(`disks[${name}]`) && disruption === "live"
    );
  return [
    ...disks(running).filter((disk) => !plugged(disk)),
    ...disks(saved).filter(plugged),
  ];
}

/** Whether a machine runs on a volume, whatever is saved for its next start. */
function runsOn({ running }: Thing, volume: string): boolean {
  return ((running?.disks ?? []) as readonly JsonObject[]).some((disk) => disk.volume === volume);
}

/** Networks may go while a NIC names them: libvirt allows it, and so do replacements. */
function uses(thing: Thing, kind: string, key: string): boolean {
  return kind !== "network" &&
    used(thing.kind, thing.spec).some(([usedKind, usedKey]) =>
      usedKind === kind && usedKey === key
    );
}
