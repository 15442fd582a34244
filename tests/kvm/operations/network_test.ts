import assert from "node:assert/strict";
import { openLab, refused, virsh } from "./lab.ts";
import type { Lab } from "./lab.ts";
import type { JsonObject, Resource } from "../../../providers/provider.ts";

/** A subnet of its own for each network: tests run beside others on one daemon. */
let next = 1 + Math.floor(Math.random() * 200);
function subnet(): string {
  return `10.213.${next++ % 250}.0/24`;
}

function declare(lab: Lab, spec: JsonObject): Resource {
  return lab.declare("network", "front", {
    name: `${lab.prefix}-front`,
    autostart: false,
    ...spec,
  });
}

function changed(resource: Resource, spec: JsonObject): Resource {
  return { ...resource, spec: { ...resource.spec, ...spec } };
}

Deno.test("network: made, changed while it runs, taken away", async () => {
  await using lab = await openLab();
  const range = subnet();
  const at = (last: number) => range.replace("0/24", String(last));
  const mac = "52:54:00:aa:bb:01";
  const first = declare(lab, { subnet: range, reservations: [{ mac, ip: at(10), name: "web" }] });
  const made = await lab.create(first);
  assert.equal(made.observed?.uuid, first.uuid);
  assert.deepEqual(made.observed?.mark, {
    stack: lab.prefix,
    address: first.address,
    digest: "digest",
  });
  await lab.create(first);
  assert.deepEqual(await lab.diff(first), []);
  const bridge = await Deno.readTextFile(`/sys/class/net/sd-${first.uuid.slice(0, 8)}/ifindex`);

  const second = changed(first, {
    reservations: [{ mac: "52:54:00:aa:bb:02", ip: at(11) }],
    dns: { hosts: [{ ip: at(11), names: ["db"] }] },
    autostart: true,
  });
  const { changes, notes } = await lab.update(second, first);
  assert.ok(changes.every(({ disruption }) => disruption === "live"), JSON.stringify(changes));
  assert.deepEqual(notes, []);
  assert.deepEqual(await lab.diff(second, first), []);
  const live = await virsh("net-dumpxml", `${lab.prefix}-front`);
  assert.ok(live.includes("52:54:00:aa:bb:02") && !live.includes(mac), live);
  assert.equal(
    await Deno.readTextFile(`/sys/class/net/sd-${first.uuid.slice(0, 8)}/ifindex`),
    bridge,
    "it was not restarted",
  );
  await lab.remove(second);
  await lab.remove(second);
  assert.equal(await lab.read(second), undefined);
});

Deno.test("network: what needs a restart restarts it", async () => {
  await using lab = await openLab();
  const first = declare(lab, { mode: "isolated", subnet: subnet(), domain: "one.test" });
  await lab.create(first);
  const second = changed(first, { domain: "two.test" });
  const { changes, notes } = await lab.update(second, first);
  assert.deepEqual(changes.map(({ path, disruption }) => [path, disruption]), [[
    "domain",
    "restart",
  ]]);
  assert.match(notes.join(), /was restarted/);
  assert.match(await virsh("net-dumpxml", `${lab.prefix}-front`), /two\.test/);
});

Deno.test("network: what other hands defined and did not start is put right without a restart", async () => {
  await using lab = await openLab();
  const network = declare(lab, { mode: "isolated", subnet: subnet(), mtu: 1400 });
  await lab.create(network);
  const bridge = `/sys/class/net/sd-${network.uuid.slice(0, 8)}/ifindex`;
  const before = await Deno.readTextFile(bridge);
  const file = `${lab.folder}/net.xml`;
  const xml = await virsh("net-dumpxml", "--inactive", `${lab.prefix}-front`);
  await Deno.writeTextFile(file, xml.replace("1400", "1300"));
  await virsh("net-define", file);
  const { changes, notes } = await lab.update(network, network);
  assert.deepEqual(changes, [{ path: "mtu", before: 1300, after: 1400, disruption: "live" }]);
  assert.deepEqual(notes, []);
  assert.deepEqual(await lab.diff(network), []);
  assert.equal(await Deno.readTextFile(bridge), before, "it was not restarted");
});

Deno.test("network: what a cut left behind is finished", async () => {
  await using lab = await openLab();
  const network = declare(lab, { subnet: subnet() });
  await lab.create(network);
  await virsh("net-destroy", `${lab.prefix}-front`);
  await lab.create(network);
  assert.deepEqual(await lab.diff(network), []);
  await virsh("net-undefine", `${lab.prefix}-front`);
  const { changes } = await lab.update(network, network);
  assert.deepEqual(changes.map(({ path }) => path), ["persistent"]);
  assert.deepEqual(await lab.diff(network), []);
});

Deno.test("network: one of that name that is not ours is neither changed nor taken away", async () => {
  await using lab = await openLab();
  const file = `${lab.folder}/net.xml`;
  await Deno.writeTextFile(file, `<network><name>${lab.prefix}-front</name></network>`);
  await virsh("net-define", file);
  const network = declare(lab, { mode: "isolated" });
  const error = await refused("kvm.name-taken", lab.create(network));
  assert.match(error.render(), /stack\.ts:1:1/);
  await lab.remove(network);
  assert.match(await virsh("net-info", `${lab.prefix}-front`), /Active: +no/);
});

Deno.test("network: a subnet that the host has already", async () => {
  await using lab = await openLab();
  const range = subnet();
  await lab.create(declare(lab, { subnet: range }));
  const twin = lab.declare("network", "twin", { name: `${lab.prefix}-twin`, subnet: range });
  const error = await refused("kvm.address-in-use", lab.create(twin));
  assert.match(error.details.join(), /virNetworkCreate.*already in use/);
  assert.ok(error.help);
});

Deno.test("network: a running guest stays plugged in through a restart, and through a stop by hand", async () => {
  await using lab = await openLab();
  const bridge = `ob${lab.prefix.slice(4, 12)}`;
  const first = declare(lab, { mode: "isolated", bridge, domain: "one.test" });
  await lab.create(first);
  const machine = lab.declare("machine", "web", {
    name: `${lab.prefix}-web`,
    accel: "tcg",
    memory: "64MiB",
    disks: [],
    nics: [{ name: "nic0", network: first.address, mac: "52:54:00:12:35:01" }],
  });
  await lab.create(machine);
  const ports = async () =>
    (await Array.fromAsync(Deno.readDir(`/sys/class/net/${bridge}/brif`))).map(({ name }) => name);
  const before = await ports();
  assert.equal(before.length, 1);
  const second = changed(first, { domain: "two.test" });
  const { notes } = await lab.update(second, first);
  assert.match(notes.join(), /1 NIC of running guests plugged in again/);
  assert.deepEqual(await ports(), before);
  await virsh("net-destroy", `${lab.prefix}-front`);
  await lab.update(second, second);
  assert.deepEqual(await ports(), before);
  assert.deepEqual(await lab.diff(machine), []);
  assert.ok(!(await virsh("net-list", "--all", "--name")).includes(`${lab.prefix}-front-restart`));
});
