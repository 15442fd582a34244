/**
 * Runs that are killed one after the other, each with another goal: whatever they have begun on a real
 * libvirt, nothing of it is left once a run comes to its end.
 */

import assert from "node:assert/strict";
import type { JsonObject } from "../../providers/provider.ts";
import { type Topology, validateTopology } from "../../planner/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import { stack } from "../../stacks/mod.ts";
import { Fleet, type FleetHost, fleetObstacle } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { socketUri } from "./listing.ts";
import { openWorkshop } from "./run.ts";
import { STACK } from "./stacks.ts";
import { runKilled } from "./sweep.ts";

const needs = await requirement("fleet", fleetObstacle);

/** A machine and a network, with one more NIC and one more DNS entry under a name of their own. */
function topologyWith(extra: string | undefined, uri: string): Topology {
  const definition = stack(STACK, (s) => {
    const lab = s.host("lab", { uri });
    const net = lab.network("net", {
      isolated: "10.97.5.0/24",
      dns: {
        hosts: [
          { ip: "10.97.5.200", names: ["always"] },
          ...(extra === undefined ? [] : [{ ip: `10.97.5.${200 + extra.length}`, names: [extra] }]),
        ],
      },
    });
    lab.vm("web", {
      memory: "32MiB",
      accel: "tcg",
      power: "off",
      nics: [{ network: net }, ...(extra === undefined ? [] : [{ name: extra, network: net }])],
    });
  });
  const { topology, errors } = validateTopology(buildTopology(definition), kinds);
  if (errors.length > 0) throw errors[0];
  return topology;
}

interface Place extends AsyncDisposable {
  readonly host: FleetHost;
  /** Begins to bring about a goal, and is killed at a point. */
  kill(extra: string | undefined, point: string): Promise<void>;
  /** Brings a goal about, and checks that nothing is left to do. */
  settle(extra: string | undefined): Promise<void>;
  /** What the record says of stopped runs. */
  stopped(address: string): Promise<readonly JsonObject[]>;
}

async function openPlace(): Promise<Place> {
  const fleet = await Fleet.up({ hosts: 1 });
  const host = fleet.host(1);
  const folder = await Deno.makeTempDir({ prefix: "staddle-turned-" });
  const uri = socketUri((await host.pid())!);
  return {
    host,
    async kill(extra, point) {
      const file = `${folder}/topology.json`;
      await Deno.writeTextFile(file, JSON.stringify(topologyWith(extra, uri)));
      const { killed, output } = await runKilled({ folder, file, mode: "apply", point });
      assert.ok(killed, output);
    },
    async settle(extra) {
      const topology = topologyWith(extra, uri);
      await using workshop = await openWorkshop(folder, topology);
      const { result, failed } = await workshop.apply({ mode: "apply", topology });
      assert.equal(result, "done", failed.map(({ error }) => error.render()).join("\n"));
      const { plan } = await workshop.plan({ mode: "apply", topology });
      assert.deepEqual(plan.steps, []);
    },
    async stopped(address) {
      await using workshop = await openWorkshop(folder, topologyWith(undefined, uri));
      const record = await workshop.store.load(STACK);
      const row = record?.resources.find((row) => row.address === address);
      return [...row?.stopped ?? [], ...row?.target === undefined ? [] : [row.target]]
        .map(({ spec }) => spec);
    },
    async [Symbol.asyncDispose]() {
      await fleet.down();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** User aliases of the machine's NICs. */
async function nics(host: FleetHost): Promise<readonly string[]> {
  const xml = await host.virsh("dumpxml", "web", "--inactive");
  const list = xml.match(/<interface[\s\S]*?<\/interface>/g) ?? [];
  return list.map((nic) => /<alias name='ua-([^']*)'/.exec(nic)?.[1] ?? "?");
}

/** Names that the network's DNS knows, in its configuration and where it runs. */
async function names(host: FleetHost): Promise<readonly (readonly string[])[]> {
  return await Promise.all([["--inactive"], []].map(async (flags) => {
    const xml = await host.virsh("net-dumpxml", "net", ...flags);
    return [...xml.matchAll(/<hostname>([^<]*)<\/hostname>/g)].map(([, name]) => name!);
  }));
}

Deno.test({ name: "runs that are killed with one goal after another", ...needs }, async (t) => {
  await using place = await openPlace();
  const { host } = place;

  await t.step("while a machine is made", async () => {
    await place.kill("first", "after virDomainDefineXMLFlags");
    assert.deepEqual(await nics(host), ["nic0", "first"]);
    await place.kill("second", "after virDomainDefineXMLFlags");
    await place.settle(undefined);
    assert.deepEqual(await nics(host), ["nic0"]);
    assert.deepEqual(await names(host), [["always"], ["always"]]);
  });

  await t.step("while a machine is changed", async () => {
    await place.kill("first", "after virDomainDefineXMLFlags");
    await place.kill("second", "before writing end update:lab/machine.web");
    assert.equal((await place.stopped("lab/machine.web")).length, 2);
    await place.settle(undefined);
    assert.deepEqual(await nics(host), ["nic0"]);
  });

  await t.step("while a network is changed, before anything came of the second goal", async () => {
    await place.kill("first", "before writing end update:lab/network.net");
    assert.deepEqual(await names(host), [["always", "first"], ["always", "first"]]);
    await place.kill("second", "after writing begin update:lab/network.net");
    assert.equal((await place.stopped("lab/network.net")).length, 2);
    await place.settle("third-one");
    const both = ["always", "third-one"];
    assert.deepEqual(await names(host), [both, both]);
    assert.deepEqual(await place.stopped("lab/network.net"), []);
    assert.deepEqual(await nics(host), ["nic0", "third-one"]);
  });
});
