/**
 * Planning in memory: 10,000 machines on 1,000 hosts, each with a volume and a NIC on its host's
 * network; all new, and all as they were last applied. Run by `deno bench bench/planner_bench.ts`.
 *
 * @module
 */

import type { JsonObject, Observed, Resource } from "../providers/provider.ts";
import { digest } from "../planner/digest.ts";
import { nicMac, resourceUuid } from "../planner/identity.ts";
import { makePlan } from "../planner/make_plan.ts";
import { factsNeeded, readRequests } from "../planner/requests.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../planner/topology.ts";
import { validateTopology } from "../planner/validate.ts";
import type { StackRecord } from "../state/store.ts";
import { fakeKinds } from "../tests/planner/fake_kinds.ts";

/** A stack of `hosts` hosts, each with a pool, a network and `machines` machines. */
export function largeTopology(hosts: number, machines: number): Topology {
  const names = Array.from({ length: hosts }, (_, index) => `kvm${index}`);
  const resources: Resource[] = [];
  const add = (host: string, kind: string, name: string, spec: JsonObject) => {
    const address = `${host}/${kind}.${name}`;
    resources.push({
      address,
      kind,
      host,
      name,
      uuid: resourceUuid("large", address),
      tenure: "managed",
      spec,
      dependsOn: [],
    });
    return address;
  };
  for (const host of names) {
    const pool = add(host, "pool", "store", { name: "store" });
    const network = add(host, "network", "front", { name: "front", subnet: "10.0.0.0/24" });
    for (let index = 0; index < machines; index++) {
      const name = `web-${index}`;
      const volume = add(host, "volume", `${name}-root`, {
        pool,
        name: `${name}-root.qcow2`,
        capacity: 20 * 2 ** 30,
      });
      const uuid = resourceUuid("large", `${host}/machine.${name}`);
      add(host, "machine", name, {
        name,
        vcpus: 2,
        memory: 2 ** 31,
        disks: [{ name: "root", volume }],
        nics: [{ name: "nic0", network, mac: nicMac(uuid, 0) }],
      });
    }
  }
  return {
    format: TOPOLOGY_FORMAT,
    stack: "large",
    parameters: {},
    hosts: Object.fromEntries(
      names.map((name) => [name, { name, uri: `qemu+ssh://root@${name}/system` }]),
    ),
    resources,
    outputs: {},
    reservations: {},
  };
}

/** The record and the hosts of a stack that was applied. */
export function settled(
  topology: Topology,
): { record: StackRecord; observed: Record<string, Observed[]> } {
  const empty = Object.fromEntries(Object.keys(topology.hosts).map((host) => [host, []]));
  const { plan } = makePlan({
    topology: validateTopology(topology, fakeKinds).topology,
    kinds: fakeKinds,
    observed: empty,
    facts: {},
    mode: "apply",
  });
  const observed: Record<string, Observed[]> = {};
  const record: StackRecord = {
    version: 1,
    stack: topology.stack,
    lineage: "11111111-1111-4111-8111-111111111111",
    serial: 1,
    hosts: topology.hosts,
    outputs: {},
    reservations: {},
    resources: plan.resources.map(({ address, kind, host, key, resource, needs }) => {
      const source = { spec: resource.spec };
      const fingerprint = digest(source);
      const specDigest = digest(resource.spec);
      const marked = kind === "machine" || kind === "network";
      (observed[host] ??= []).push({
        kind,
        host,
        key,
        fingerprint,
        source,
        ...(marked
          ? {
            uuid: resource.uuid,
            mark: { stack: topology.stack, address, digest: specDigest },
          }
          : {}),
      });
      return {
        address,
        kind,
        host,
        key,
        status: "present",
        resource,
        specDigest,
        fingerprint,
        needs: needs ?? [],
      };
    }),
  };
  return { record, observed };
}

/** The whole pure way: validate, say what to read, say whose facts matter, plan. */
export function planWhole(
  topology: Topology,
  record: StackRecord | undefined,
  observed: Record<string, Observed[]>,
): ReturnType<typeof makePlan> {
  const valid = validateTopology(topology, fakeKinds).topology;
  readRequests(valid, record, fakeKinds);
  const hosts = factsNeeded(valid, record, fakeKinds, { observed });
  return makePlan({
    topology: valid,
    kinds: fakeKinds,
    observed,
    facts: Object.fromEntries(hosts.map((host) => [host, {}])),
    record,
    mode: "apply",
  });
}

if (typeof Deno.bench === "function") {
  const topology = largeTopology(1000, 10);
  const { record, observed } = settled(topology);
  const empty = Object.fromEntries(Object.keys(topology.hosts).map((host) => [host, []]));
  const valid = validateTopology(topology, fakeKinds).topology;
  const facts = {};

  // Copies, for the planner remembers what it worked out for a topology that it has seen.
  Deno.bench("10,000 machines on 1,000 hosts: makePlan, all new", { n: 5, warmup: 1 }, () => {
    makePlan({ topology: { ...valid }, kinds: fakeKinds, observed: empty, facts, mode: "apply" });
  });
  Deno.bench("10,000 machines on 1,000 hosts: makePlan, all unchanged", { n: 5, warmup: 1 }, () => {
    makePlan({
      topology: { ...valid },
      kinds: fakeKinds,
      observed: { ...observed },
      facts,
      record,
      mode: "apply",
    });
  });
  Deno.bench("10,000 machines on 1,000 hosts: whole way, all new", { n: 5, warmup: 1 }, () => {
    planWhole(topology, undefined, { ...empty });
  });
  Deno.bench("10,000 machines on 1,000 hosts: whole way, all unchanged", {
    n: 5,
    warmup: 1,
  }, () => {
    planWhole(topology, record, { ...observed });
  });
}
