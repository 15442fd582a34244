import assert from "node:assert/strict";
import { errorText } from "../../cli/render/error_text.ts";
import { type Move, moveRows } from "../../cli/state/move.ts";
import { StaddleError } from "../../providers/error.ts";
import type { HostDeclaration } from "../../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { golden } from "../support/golden.ts";
import { resource } from "./plans.ts";

function row(address: string, needs: readonly string[] = []): ResourceRecord {
  const made = resource(address, { name: "on-host" });
  return {
    address,
    kind: made.kind,
    host: made.host,
    key: `key of ${address}`,
    status: "present",
    resource: { ...made, uuid: `uuid of ${address}` },
    specDigest: "d",
    fingerprint: "f",
    needs,
  };
}

function record(
  stack: string,
  resources: readonly ResourceRecord[],
  hosts: Readonly<Record<string, HostDeclaration>>,
): StackRecord {
  return {
    version: 1,
    stack,
    lineage: "l",
    serial: 3,
    hosts,
    resources,
    outputs: {},
    reservations: { "lab/machine.web#nic0": "10.0.0.2", "lab/machine.db#nic0": "10.0.0.3" },
  };
}

const lab = { name: "lab", uri: "qemu:///system" };
const shop = record("shop", [
  row("lab/front/machine.a", ["lab/network.net"]),
  row("lab/front/volume.a-root"),
  row("lab/machine.db", ["lab/network.net", "lab/volume.db-root", "lab/volume.web-data"]),
  row("lab/machine.web", [
    "lab/network.net",
    "lab/seed.web",
    "lab/volume.shared",
    "lab/volume.web-root",
  ]),
  row("lab/network.net"),
  row("lab/seed.web"),
  row("lab/volume.db-root"),
  row("lab/volume.shared"),
  row("lab/volume.web-data"),
  row("lab/volume.web-root"),
], { lab });

const within = (source: string, destination: string): Move => ({
  from: shop,
  to: shop,
  toStack: "shop",
  source,
  destination,
});

Deno.test("a machine moves with what is declared in it, and keeps its identity", () => {
  const moved = moveRows(within("lab/machine.web", "lab/machine.front"));
  assert.deepEqual(moved.pairs, [
    ["lab/machine.web", "lab/machine.front"],
    ["lab/seed.web", "lab/seed.front"],
    ["lab/volume.web-root", "lab/volume.front-root"],
  ]);
  const machine = moved.rows.find(({ address }) => address === "lab/machine.front")!;
  assert.equal(machine.resource.uuid, "uuid of lab/machine.web");
  assert.equal(machine.key, "key of lab/machine.web");
  assert.equal(machine.resource.name, "front");
  assert.equal(machine.resource.address, "lab/machine.front");
  assert.equal(machine.fingerprint, "f");
  assert.deepEqual(machine.needs, [
    "lab/network.net",
    "lab/seed.front",
    "lab/volume.shared",
    "lab/volume.front-root",
  ]);
  assert.deepEqual(moved.reservations, { "lab/machine.front#nic0": "10.0.0.2" });
  assert.deepEqual(moved.freed, ["lab/machine.web#nic0"]);
});

Deno.test("what needs a resource that moves needs it under its new address", () => {
  const moved = moveRows(within("lab/network.net", "lab/network.core"));
  assert.deepEqual(moved.pairs, [["lab/network.net", "lab/network.core"]]);
  assert.deepEqual(
    moved.dependents.map(({ address, needs }) => [address, needs[0]]),
    [
      ["lab/front/machine.a", "lab/network.core"],
      ["lab/machine.db", "lab/network.core"],
      ["lab/machine.web", "lab/network.core"],
    ],
  );
});

Deno.test("a scope moves with all below it; a host that has another name is the same host", () => {
  assert.deepEqual(moveRows(within("lab/front", "lab/back/inner")).pairs, [
    ["lab/front/machine.a", "lab/back/inner/machine.a"],
    ["lab/front/volume.a-root", "lab/back/inner/volume.a-root"],
  ]);
  const renamed = moveRows(within("lab", "kvm1"));
  assert.equal(renamed.pairs.length, shop.resources.length);
  assert.ok(renamed.rows.every(({ host, resource }) => host === "kvm1" && resource.host === host));
  assert.deepEqual(renamed.hosts.kvm1, { name: "kvm1", uri: lab.uri });
  assert.deepEqual(renamed.dependents, []);
});

Deno.test("into another stack: its needs of the first stack stay behind, and hosts are told by URI", () => {
  const other = record("other", [row("kvm/network.net")], { kvm: { name: "kvm", uri: lab.uri } });
  const move = { from: shop, toStack: "other", source: "lab/machine.db" };
  const moved = moveRows({ ...move, to: other, destination: "kvm/machine.db" });
  assert.deepEqual(moved.rows.map(({ address, needs }) => [address, needs]), [
    ["kvm/machine.db", ["kvm/volume.db-root"]],
    ["kvm/volume.db-root", []],
  ]);
  assert.deepEqual(moved.hosts, other.hosts);
  const fresh = moveRows({ ...move, to: undefined, destination: "new/machine.db" });
  assert.deepEqual(fresh.hosts, { new: { name: "new", uri: lab.uri } });
});

Deno.test("an old half that is still to go moves along", () => {
  const old = { ...row("lab/network.net#old"), address: "lab/network.net#old" };
  const from = { ...shop, resources: [...shop.resources, old] };
  const moved = moveRows({ ...within("lab/network.net", "lab/network.core"), from, to: from });
  assert.deepEqual(
    moved.rows.map(({ address, resource }) => [address, resource.name]),
    [["lab/network.core", "core"], ["lab/network.core#old", "core"]],
  );
});

Deno.test("what cannot be moved is refused, and the record says why", () => {
  const half = {
    ...shop,
    resources: [...shop.resources, { ...row("lab/machine.half"), status: "creating" as const }],
  };
  const far = record("far", [], { lab: { name: "lab", uri: "qemu+ssh://root@kvm2/system" } });
  const moves: Record<string, Move> = {
    "no such address": within("lab/machine.wbe", "lab/machine.x"),
    "no such scope": within("lab/none", "lab/x"),
    "another kind": within("lab/machine.web", "lab/network.web"),
    "no address": within("lab/machine.web", "web"),
    "a scope to an address": within("lab/front", "lab/machine.a"),
    "to itself": within("lab/machine.web", "lab/machine.web"),
    "taken": within("lab/machine.web", "lab/machine.db"),
    "half made": { ...within("lab/machine.half", "lab/machine.x"), from: half, to: half },
    "another host": {
      from: shop,
      to: far,
      toStack: "far",
      source: "lab/machine.db",
      destination: "lab/machine.db",
    },
  };
  const texts = Object.entries(moves).map(([what, move]) => {
    try {
      const { pairs } = moveRows(move);
      return `# ${what}\n${pairs.map((pair) => pair.join(" -> ")).join("\n")}`;
    } catch (error) {
      assert.ok(error instanceof StaddleError, String(error));
      return `# ${what}\n${errorText(error)}`;
    }
  });
  golden(import.meta.url, "move_errors.txt", texts.join("\n\n"));
});
