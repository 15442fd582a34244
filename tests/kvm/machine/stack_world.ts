/**
 * Stacks over hosts in memory: planned with the real kinds, and made as libvirt would be asked to make
 * them. What libvirt itself adds is no part of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { HostFacts } from "../../../providers/kvm/facts.ts";
import { fingerprints, kinds } from "../../../providers/kvm/kinds/mod.ts";
import { machineXml } from "../../../providers/kvm/kinds/machine/mod.ts";
import { networkXml } from "../../../providers/kvm/kinds/network/mod.ts";
import { poolXml } from "../../../providers/kvm/kinds/pool/mod.ts";
import { volumeXml } from "../../../providers/kvm/kinds/volume/mod.ts";
import type { JsonObject, Observed, Step } from "../../../providers/provider.ts";
import { digest, type MadePlan, makePlan, validateTopology } from "../../../planner/mod.ts";
import type { Plan } from "../../../planner/plan.ts";
import type { StackRecord } from "../../../state/mod.ts";
import { buildTopology } from "../../../stacks/build.ts";
import { type HostScope, stack, type StackDefinition } from "../../../stacks/mod.ts";
import { FACTS } from "./fixtures.ts";

/** What a host has after a stack was made on it. */
export interface Made {
  readonly observed: readonly Observed[];
  readonly record: StackRecord;
}

/** A stack named `shop` on one host, `lab`. */
export function shop(declare: (lab: HostScope) => void): StackDefinition {
  return stack("shop", (s) => {
    declare(s.host("lab", { uri: "qemu:///system" }));
  });
}

/** Plans a stack, over what a host has of it. */
export function plan(
  definition: StackDefinition,
  made?: Made,
  facts: HostFacts = FACTS,
): MadePlan {
  const { topology, errors } = validateTopology(buildTopology(definition), kinds);
  if (errors.length > 0) throw errors[0];
  return makePlan({
    topology,
    kinds,
    observed: { lab: made?.observed ?? [] },
    facts: { lab: facts as unknown as JsonObject },
    mode: "apply",
    source: "stack.ts",
    ...(made === undefined ? {} : { record: made.record }),
  });
}

/** The plan of a stack that can be applied. */
export function planned(definition: StackDefinition, made?: Made): Plan {
  const { plan: found, errors } = plan(definition, made);
  assert.deepEqual(errors.map((error) => error.render()), []);
  return found;
}

/** Makes a stack on an empty host; its machines run. */
export function make(definition: StackDefinition): Made {
  const { resources, steps, hosts } = planned(definition);
  const observed = steps.filter(({ operation }) => operation === "create").map(observe);
  const record: StackRecord = {
    version: 1,
    stack: "shop",
    lineage: "11111111-1111-4111-8111-111111111111",
    serial: 1,
    hosts,
    resources: resources.map(({ address, kind, host, key, resource, needs }) => ({
      address,
      kind,
      host,
      key,
      status: "present",
      resource,
      specDigest: digest(resource.spec),
      fingerprint: observed.find((one) => one.kind === kind && one.key === key)!.fingerprint,
      needs: needs ?? [],
    })),
    outputs: {},
    reservations: {},
  };
  return { observed, record };
}

function observe({ kind, host, key, resource, mark }: Step): Observed {
  const source = sourceOf({ kind, resource, mark });
  const marked = kinds.get(kind)!.marked === true;
  return {
    kind,
    host,
    key,
    ...(marked ? { uuid: resource.uuid, mark } : {}),
    fingerprint: fingerprints.get(kind)!(source),
    source,
  };
}

function sourceOf({ kind, resource, mark }: Pick<Step, "kind" | "resource" | "mark">): JsonObject {
  const { spec } = resource;
  const autostart = spec.autostart === true;
  switch (kind) {
    case "machine": {
      const xml = machineXml(resource, mark);
      const active = spec.power !== "off";
      return { xml, ...(active ? { liveXml: xml } : {}), active, autostart, persistent: true };
    }
    case "network": {
      const xml = networkXml(resource, mark);
      return { xml, liveXml: xml, active: true, autostart, persistent: true };
    }
    case "pool":
      return { xml: poolXml(resource), active: true, autostart, persistent: true };
    case "volume":
      return { xml: volumeXml(spec as Parameters<typeof volumeXml>[0]) };
    default:
      throw new Error(`no ${kind} in this world`);
  }
}
