import assert from "node:assert/strict";
import { requirement } from "../../support/skip.ts";
import { guestObstacle } from "../../fleet/test_guest.ts";
import { GUEST, makePool, openLab, refused, sha256, virsh } from "./lab.ts";
import type { Lab } from "./lab.ts";
import type { JsonObject, Resource } from "../../../providers/provider.ts";

const guests = await requirement("guest", guestObstacle);

/** A machine without an operating system: it runs, and does nothing. */
function declare(lab: Lab, spec: JsonObject = {}): Resource {
  return lab.declare("machine", "web", {
    name: `${lab.prefix}-web`,
    accel: "tcg",
    memory: "64MiB",
    disks: [],
    nics: [],
    ...spec,
  });
}

function changed(resource: Resource, spec: JsonObject): Resource {
  return { ...resource, spec: { ...resource.spec, ...spec } };
}

async function processId(lab: Lab): Promise<string> {
  return await Deno.readTextFile(`/run/libvirt/qemu/${lab.prefix}-web.pid`);
}

async function blank(lab: Lab, pool: Resource, name: string): Promise<Resource> {
  const spec = { pool: pool.address, name: `${name}.qcow2`, format: "qcow2", capacity: "8MiB" };
  const volume = lab.declare("volume", name, spec);
  await lab.create(volume);
  return volume;
}

Deno.test("machine: made and running, made once more, taken away", async () => {
  await using lab = await openLab();
  const machine = declare(lab, { title: "A title" });
  const made = await lab.create(machine);
  assert.equal(made.observed?.uuid, machine.uuid);
  assert.equal(made.observed?.source.state, "running");
  assert.equal(made.observed?.mark?.address, machine.address);
  assert.deepEqual(await lab.diff(machine), []);
  const before = await processId(lab);
  await lab.create(machine);
  assert.equal(await processId(lab), before);
  await lab.remove(machine);
  await lab.remove(machine);
  assert.equal(await lab.read(machine), undefined);
});

Deno.test("machine: defined and not started by a run that was cut off", async () => {
  await using lab = await openLab();
  const machine = declare(lab);
  await lab.create(changed(machine, { power: "off" }));
  assert.equal((await lab.read(machine))?.source.active, false);
  await lab.create(machine);
  assert.equal((await lab.read(machine))?.source.active, true);
});

Deno.test("machine: half made by a run that was cut off, and declared otherwise since", async () => {
  await using lab = await openLab();
  const first = declare(lab, { vcpus: 1, maxVcpus: 2, title: "one" });
  await lab.create(first);
  const before = await processId(lab);
  const second = changed(first, { vcpus: 2, title: "two", autostart: true });
  await lab.create(second);
  assert.deepEqual(await lab.diff(second), []);
  assert.equal(await processId(lab), before);
});

Deno.test("machine: live changes do not stop it", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const data = await blank(lab, pool, "data");
  const network = lab.declare("network", "n", {
    name: `${lab.prefix}-n`,
    mode: "isolated",
    autostart: false,
  });
  await lab.create(network);
  const first = declare(lab, { vcpus: 1, maxVcpus: 2, title: "one" });
  await lab.create(first);
  const before = await processId(lab);
  const second = lab.declare("machine", "web", {
    name: `${lab.prefix}-web`,
    accel: "tcg",
    memory: "64MiB",
    vcpus: 2,
    maxVcpus: 2,
    title: "two",
    autostart: true,
    disks: [{ name: "data", volume: data.address }],
    nics: [{ name: "nic0", network: network.address, mac: "52:54:00:12:34:56" }],
  });
  const { changes } = await lab.update(second, first);
  assert.ok(
    changes.every(({ disruption }) => disruption === "live"),
    JSON.stringify(changes, undefined, 1),
  );
  assert.equal(await processId(lab), before);
  assert.deepEqual(await lab.diff(second, first), []);
  const live = await virsh("dumpxml", `${lab.prefix}-web`);
  for (
    const part of ["ua-data", "ua-nic0", "current='2'|<vcpu placement='static'>2", "<title>two"]
  ) {
    assert.match(live, new RegExp(part));
  }
  const larger = { ...data, spec: { ...data.spec, capacity: 16 << 20 } };
  await lab.update(larger, data);
  assert.match(await virsh("domblkinfo", `${lab.prefix}-web`, "vda"), /Capacity: +16777216/);
  await lab.remove(second);
  const listing = await Array.fromAsync(Deno.readDir(`${lab.folder}/store`), ({ name }) => name);
  assert.deepEqual(listing, ["data.qcow2"]);
});

Deno.test("machine: a change that waits for the next start is saved", async () => {
  await using lab = await openLab();
  const first = declare(lab, { vcpus: 1, maxVcpus: 1 });
  await lab.create(first);
  const before = await processId(lab);
  const second = changed(first, { maxVcpus: 4 });
  const { changes } = await lab.update(second, first);
  assert.deepEqual(changes.map(({ disruption }) => disruption), ["next-boot"]);
  assert.equal(await processId(lab), before);
  assert.match(await virsh("dumpxml", "--inactive", `${lab.prefix}-web`), /<vcpu[^>]*>4</);
  assert.match(await virsh("dumpxml", `${lab.prefix}-web`), /<vcpu[^>]*>1</);
});

Deno.test("machine: one of that name that is not ours is neither changed nor taken away", async () => {
  await using lab = await openLab();
  const file = `${lab.folder}/vm.xml`;
  await Deno.writeTextFile(
    file,
    `<domain type='qemu'><name>${lab.prefix}-web</name><memory>65536</memory><os><type>hvm</type></os></domain>`,
  );
  await virsh("define", file);
  const machine = declare(lab);
  const error = await refused("kvm.name-taken", lab.create(machine));
  assert.match(error.render(), /has the UUID/);
  await lab.remove(machine);
  assert.equal(await virsh("domstate", `${lab.prefix}-web`), "shut off");
});

Deno.test("machine: a start that fails says why and leaves the definition", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const volume = lab.declare("volume", "gone", {
    pool: pool.address,
    name: "gone.raw",
    format: "raw",
    capacity: "1MiB",
  });
  const machine = declare(lab, { disks: [{ name: "root", volume: volume.address }] });
  const error = await refused("kvm.gone", lab.create(machine));
  assert.match(error.render(), /virDomainCreate/);
  assert.equal((await lab.read(machine))?.source.active, false);
  await lab.create(volume);
  await lab.create(machine);
  assert.deepEqual(await lab.diff(machine), []);
});

Deno.test("machine: waiting gives up in time, says what it saw, and leaves it running", async () => {
  await using lab = await openLab();
  const network = lab.declare("network", "n", {
    name: `${lab.prefix}-n`,
    mode: "isolated",
    autostart: false,
  });
  await lab.create(network);
  const nics = [{ name: "nic0", network: network.address, mac: "52:54:00:12:34:57" }];
  const machine = declare(lab, { nics, wait: { for: "lease", timeout: 1 } });
  await lab.create(machine);
  const lease = await refused("machine.wait-timeout", lab.wait(machine));
  assert.match(
    lease.details.join("\n"),
    /nic0 \(52:54:00:12:34:57\): no lease\nstate: running\nagent: not connected/,
  );
  const agent = changed(machine, { wait: { for: "agent", timeout: 1 } });
  await refused("machine.wait-timeout", lab.wait(agent));
  await lab.wait(changed(machine, { wait: { for: "running" } }));
  assert.equal((await lab.read(machine))?.source.state, "running");
  // One that has died since is started again.
  await virsh("destroy", `${lab.prefix}-web`);
  await lab.wait(changed(machine, { wait: { for: "running" } }));
  assert.equal((await lab.read(machine))?.source.state, "running");
});

Deno.test("machine: waiting for a port", async () => {
  await using lab = await openLab();
  const machine = declare(lab);
  await lab.create(machine);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const nics = [{ name: "nic0", mac: "52:54:00:12:34:58", ip: "127.0.0.1" }];
  const waiting = changed(machine, { nics, wait: { for: "port", port, timeout: 2 } });
  await lab.wait(waiting);
  listener.close();
  const error = await refused("machine.wait-timeout", lab.wait(waiting));
  assert.match(error.details[0]!, new RegExp(`port ${port} of 127.0.0.1 does not accept yet`));
});

Deno.test({
  name: "machine: a guest that boots: agent, shutdown, a device taken away, restart",
  ...guests,
  fn: async () => {
    await using lab = await openLab();
    const pool = await makePool(lab);
    const images: Record<string, string> = {};
    for (const name of ["kernel", "initrd"]) {
      const image = lab.declare("image", name, {
        pool: pool.address,
        name,
        from: `${GUEST}${name}`,
        sha256: await sha256(`${GUEST}${name}`),
        format: "raw",
      }, "shared");
      await lab.create(image);
      images[name] = image.address;
    }
    const data = await blank(lab, pool, "data");
    const base = {
      name: `${lab.prefix}-web`,
      accel: "tcg",
      memory: "128MiB",
      nics: [],
      boot: { kernel: images.kernel!, initrd: images.initrd!, cmdline: "console=ttyS0 quiet" },
      wait: { for: "agent", timeout: 120 },
    };
    const first = lab.declare("machine", "web", {
      ...base,
      disks: [{ name: "data", volume: data.address }],
    });
    await lab.create(first);
    await lab.wait(first);
    const before = await processId(lab);
    const second = lab.declare("machine", "web", { ...base, disks: [] });
    const { changes } = await lab.update(second, first);
    assert.deepEqual(changes.map(({ disruption }) => disruption), ["live"]);
    assert.ok(!(await virsh("dumpxml", `${lab.prefix}-web`)).includes("ua-data"));
    assert.equal(await processId(lab), before);
    const third = changed(second, {
      cpu: { mode: "custom", model: "qemu64" },
      whenRestartNeeded: "now",
    });
    const restarted = await lab.update(third, second);
    assert.ok(restarted.changes.some(({ disruption }) => disruption === "restart"));
    assert.notEqual(await processId(lab), before);
    assert.deepEqual(await lab.diff(third), []);
    await lab.wait(third);
    await lab.update(changed(third, { power: "off" }), third);
    assert.equal(await virsh("domstate", `${lab.prefix}-web`), "shut off");
    await lab.remove(third);
    for (const name of ["kernel", "initrd"]) assert.ok(images[name]);
  },
});
