/**
 * The way of a pair of declarations over a host: the first is applied, other hands edit the machine, the
 * second is applied, and it is taken away. What must hold at every stop is asserted here.
 *
 * @module
 */

import assert from "node:assert/strict";
import { hasChanges, type Plan, type Topology, validateTopology } from "../../../planner/mod.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { JsonObject } from "../../../providers/provider.ts";
import { kinds } from "../../../providers/kvm/kinds/mod.ts";
import type { Connection } from "../../../providers/kvm/libvirt/mod.ts";
import { buildTopology } from "../../../stacks/build.ts";
import { stack } from "../../../stacks/mod.ts";
import type { Workshop } from "../../crash/run.ts";
import { STACK } from "../../crash/stacks.ts";
import { NETWORKS, type Pair, VOLUMES } from "./any_machine.ts";
import {
  configuration,
  editOutside,
  lost,
  type Outside,
  touchedBy,
  undeclared,
} from "./outside.ts";

/** A host on which pairs are tried, one after the other, with the record of their machine. */
export interface PairHost {
  readonly workshop: Workshop;
  /** To the same host, beside Staddle. */
  readonly connection: Connection;
  /** The topology without the machine. */
  readonly ground: Topology;
}

/** How a pair ended. */
export interface Ended {
  /** The declaration that was refused, when planned or by libvirt, and why. */
  readonly refused?: { readonly which: "first" | "second"; readonly why: string };
  /** Paths that the second one changed. */
  readonly changed: readonly string[];
}

/** Why a declaration was refused. */
export interface Refusal {
  readonly why: string;
  /**
   * True when libvirt reported success and has kept something else, which reading it back has told: it
   * drops in silence what does not fit together.
   */
  readonly kept: boolean;
}

/** A host and the objects on it that declarations refer to; the machine is put in by each of them. */
export function groundOf(declaration: Parameters<HostScopeOf>[1]): Topology {
  return buildTopology(stack(STACK, (s) => {
    const lab = s.host("lab", declaration);
    const pool = lab.existingPool("store");
    for (const name of VOLUMES) lab.existingVolume(name, { pool });
    for (const name of NETWORKS) lab.existingNetwork(name);
    lab.vm("any", { memory: "256MiB" });
  }));
}

type HostScopeOf = Parameters<Parameters<typeof stack>[1]>[0]["host"];

/** The ground with the machine as it is declared. */
function topologyOf(ground: Topology, spec: JsonObject): Topology {
  const resources = ground.resources.map((resource) =>
    resource.kind === "machine" ? { ...resource, spec } : resource
  );
  const { topology, errors } = validateTopology({ ...ground, resources }, kinds);
  if (errors.length > 0) throw errors[0];
  return topology;
}

/** What is done with a machine on a host. */
export interface Bench {
  /** @throws {StaddleError} if it is refused. */
  plan(spec: JsonObject): Promise<Plan>;
  /** Undefined: it was applied. */
  apply(spec: JsonObject): Promise<Refusal | undefined>;
  /** What is applied plans to nothing. */
  settled(spec: JsonObject, when: string): Promise<Plan>;
}

/** Plans and applies declarations of the ground's machine. */
export function benchOn({ workshop, ground }: PairHost): Bench {
  const goal = (spec: JsonObject) =>
    ({ mode: "apply", topology: topologyOf(ground, spec) }) as const;
  const plan = async (spec: JsonObject): Promise<Plan> => {
    const { plan, errors } = await workshop.plan(goal(spec));
    if (errors.length > 0) throw errors[0];
    return plan;
  };
  return {
    plan,
    async apply(spec) {
      try {
        const { failed, fatal, result } = await workshop.apply(goal(spec));
        const error = fatal ?? failed[0]?.error;
        if (error !== undefined) throw error;
        assert.equal(result, "done");
        return undefined;
      } catch (error) {
        if (!(error instanceof StaddleError) || FAULTS.has(error.code)) throw error;
        return { why: error.render(), kept: error.code === "kvm.not-applied" };
      }
    },
    async settled(spec, when) {
      const found = await plan(spec);
      const changes = found.resources.flatMap((resource) => resource.changes);
      assert.deepEqual(changes, [], when);
      assert.equal(hasChanges(found), false, `${when}: ${JSON.stringify(found.steps)}`);
      return found;
    },
  };
}

/** Tries a pair, and leaves the host as it was. */
export async function tryPair(
  host: PairHost,
  { first, second }: Pair,
  outside: Outside,
): Promise<Ended> {
  const { workshop, connection, ground } = host;
  const machine = ground.resources.find(({ kind }) => kind === "machine")!;
  const { plan, apply, settled } = benchOn(host);

  try {
    const refused = await apply(first);
    if (refused !== undefined) {
      if (!refused.kept) {
        await assert.rejects(configuration(connection, machine.uuid), "what was refused is there");
      }
      return { refused: { which: "first", why: refused.why }, changed: [] };
    }
    await settled(first, "the plan from the first to itself is not empty");

    const touched = touchedBy(first, second);
    const before = await editOutside(connection, machine.uuid, outside, touched);
    await settled(first, "what other hands added where nothing is declared is a change");

    const changed = (await plan(second).catch(() => undefined))?.resources
      .flatMap(({ changes }) => changes.map(({ path }) => path)) ?? [];
    const no = await apply(second);
    const after = await configuration(connection, machine.uuid);
    const gone = lost(undeclared(before, touched), undeclared(after, touched));
    assert.deepEqual(gone, [], "undeclared nodes have changed, or their order");
    if (no === undefined) {
      await settled(second, "the second was applied, and has changes left");
      return { changed };
    }
    if (!no.kept) assert.equal(after, before, `refused, and the machine is another: ${no.why}`);
    const back = await apply(first);
    assert.equal(back, undefined, `no way back from a refusal: ${back?.why}`);
    await settled(first, "the way back from a refusal has changes left");
    return { refused: { which: "second", why: no.why }, changed: [] };
  } finally {
    const { failed } = await workshop.apply({ mode: "destroy", topology: ground });
    assert.deepEqual(failed.map(({ error }) => error.render()), []);
    await assert.rejects(configuration(connection, machine.uuid), "the machine is still there");
  }
}

/** Errors that are no refusals. */
const FAULTS = new Set(["kvm.connection-lost", "kvm.gone"]);
