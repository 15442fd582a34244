/**
 * The stack language: what declarations come to in the topology, and what handles know.
 */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { topologySchema } from "../../planner/topology.ts";
import { StaddleError } from "../../providers/error.ts";
import type { JsonObject, Resource } from "../../providers/provider.ts";
import { type BuildOptions, buildTopology } from "../../stacks/build.ts";
import { type HostScope, sensitive, stack, type StackScope, z } from "../../stacks/mod.ts";
import { clusterOf, threeTier } from "../../stacks/modules/mod.ts";
import { golden } from "../support/golden.ts";

const sha256 = "ab".repeat(32);

/** The topology of a stack with one host. */
function topologyOf(
  declare: (lab: HostScope, s: StackScope) => { readonly [name: string]: unknown } | void,
  options: BuildOptions = {},
) {
  const definition = stack("test", (s) => declare(s.host("lab", { uri: "qemu:///system" }), s));
  return buildTopology(definition, options);
}

function find(resources: readonly Resource[], address: string): Resource {
  const found = resources.find((one) => one.address === address);
  assert.ok(found, `${address} is not among ${resources.map((one) => one.address).join(", ")}`);
  return found;
}

function refused(code: string, run: () => unknown): void {
  assert.throws(run, (error) => error instanceof StaddleError && error.code === code);
}

Deno.test("a stack yields hosts, resources, outputs and reservations", () => {
  const shop = stack(
    "shop",
    { replicas: z.int().min(1).default(2) },
    (s, { replicas }) => {
      const lab = s.host("lab", { uri: "qemu+ssh://root@kvm1/system", connectTimeout: 5 });
      const net = lab.network("front", { nat: "10.30.0.0/24", domain: "shop.example" });
      const image = lab.image("debian", { from: "https://example.org/debian-12.qcow2", sha256 });
      const web = s.times(replicas, (i) =>
        lab.vm(`web-${i}`, {
          vcpus: 2,
          memory: "2GiB",
          disks: [{ clone: image, size: "20GiB" }, { name: "data", size: "1GiB", format: "raw" }],
          nics: [{ network: net }],
          cloudInit: { sshKeys: ["ssh-ed25519 AAAA ann@example"], packages: ["nginx"] },
          wait: { for: "port", port: 80 },
        }));
      return { addresses: web.map((vm) => vm.nics[0].ip), key: sensitive("k3y"), first: web[0] };
    },
  );
  const topology = buildTopology(shop, { parameters: { replicas: "2" } });
  assert.deepEqual(topologySchema.parse(topology), topology);
  // Places are this file's lines: said elsewhere, left out here.
  const resources = topology.resources.map(({ declaredAt, ...rest }) => {
    assert.match(declaredAt ?? "", /tests\/stacks\/language_test\.ts:\d+:\d+$/);
    return rest;
  });
  const { hostPlaces, ...document } = topology;
  assert.match(hostPlaces?.lab ?? "", /tests\/stacks\/language_test\.ts:\d+:\d+$/);
  golden(import.meta.url, "shop.json", JSON.stringify({ ...document, resources }, null, 2));
});

Deno.test("handles know names, identities, addresses and paths", () => {
  topologyOf((lab) => {
    const pool = lab.pool("fast", { path: "/srv/fast/" });
    const image = lab.image("debian", { from: "./debian.qcow2", sha256, pool });
    const net = lab.network("front", { nat: "10.30.0.0/24" });
    const bridged = lab.network("lan", { bridge: "br0" });
    const old = lab.existingNetwork("default", { subnet: "192.168.122.0/24" });
    const vm = lab.scope("blue").vm("web", {
      memory: "1GiB",
      disks: [{ clone: image }, { volume: lab.volume("data", { size: "1GiB", pool }) }],
      nics: [
        { network: net, ip: "10.30.0.5" },
        { name: "lan", network: bridged, mac: "52:54:00:AA:BB:CC", ip: "192.0.2.7" },
        { network: old },
      ],
    });
    assert.equal(image.path, `/srv/fast/debian-${sha256.slice(0, 12)}.qcow2`);
    assert.equal(net.gateway, "10.30.0.1");
    assert.match(net.bridge, /^sd-[0-9a-f]{8}$/);
    assert.equal(bridged.bridge, "br0");
    assert.equal(old.subnet, "192.168.122.0/24");
    assert.equal(vm.resource, "lab/blue/machine.web");
    assert.equal(vm.name, "blue-web");
    assert.match(vm.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/);
    assert.equal(vm.address, "10.30.0.5");
    assert.match(vm.nics[0].mac, /^52:54(:[0-9a-f]{2}){4}$/);
    assert.equal(vm.nic("lan").mac, "52:54:00:aa:bb:cc");
    assert.equal(vm.nic("lan").ip, "192.0.2.7");
    assert.equal(vm.disks[0].volume.path, "/srv/fast/blue-web-root.qcow2");
    assert.equal(vm.disks[1].volume.path, "/srv/fast/data.qcow2");
    refused("stack.unknown-value", () => vm.nics[2].ip);
    refused("stack.unknown-value", () => vm.nics[3]);
    refused("stack.unknown-value", () => vm.nic("wan"));
    refused("stack.unknown-value", () => old.gateway);
    refused("stack.unknown-value", () => bridged.subnet);
    refused("stack.unknown-value", () => lab.existingPool("default").path);
    refused("stack.unknown-value", () => lab.image("local", { from: "./a.qcow2" }).name);
  });
});

Deno.test("without a pool the host's store is used, once, and only when something needs it", () => {
  const bare = topologyOf((lab) => void lab.network("a", { isolated: true }));
  assert.deepEqual(bare.resources.map((one) => one.address), ["lab/network.a"]);
  const used = topologyOf((lab) => {
    lab.scope("in").volume("a", { size: "1MiB" });
    lab.volume("b", { size: "1MiB" });
  });
  const pools = used.resources.filter((one) => one.kind === "pool");
  assert.deepEqual(pools.map((one) => [one.address, one.tenure]), [["lab/pool.staddle", "shared"]]);
  assert.equal(find(used.resources, "lab/in/volume.a").spec.name, "in-a.qcow2");
});

Deno.test("inline disks follow their image's pool, the machine's, or their own", () => {
  const { resources } = topologyOf((lab) => {
    const [a, b, c] = ["a", "b", "c"].map((name) => lab.pool(name, { path: `/srv/${name}` }));
    const image = lab.image("debian", { from: "./debian.qcow2", pool: a });
    lab.vm("one", { memory: "1GiB", disks: [{ clone: image }], cloudInit: {} });
    lab.vm("two", {
      memory: "1GiB",
      pool: b,
      disks: [{ clone: image }, { size: "1MiB", pool: c }],
      cloudInit: {},
    });
  });
  const poolOf = (address: string) => find(resources, address).spec.pool;
  assert.equal(poolOf("lab/volume.one-root"), "lab/pool.a");
  assert.equal(poolOf("lab/seed.one"), "lab/pool.a");
  assert.equal(poolOf("lab/volume.two-root"), "lab/pool.b");
  assert.equal(poolOf("lab/volume.two-disk1"), "lab/pool.c");
  assert.equal(poolOf("lab/seed.two"), "lab/pool.b");
  assert.ok(!resources.some((one) => one.address === "lab/pool.staddle"));
});

Deno.test("networks say where their traffic goes and whom they know", () => {
  const { resources, reservations } = topologyOf((lab) => {
    const net = lab.network("front", {
      route: "10.30.0.0/24",
      gateway: "10.30.0.9",
      dhcp: { start: "10.30.0.100", end: "10.30.0.120" },
      reservations: [{ mac: "52:54:00:00:00:01", ip: "10.30.0.20", name: "printer" }],
    });
    lab.network("quiet", { isolated: true, bridge: "quiet0" });
    const fixed = lab.network("fixed", { nat: "10.31.0.0/24", dhcp: false });
    lab.vm("web", {
      memory: "1GiB",
      nics: [{ network: net }, { name: "second", network: net }, { network: fixed }],
      cloudInit: { hostname: "www" },
    });
  });
  const front = find(resources, "lab/network.front").spec;
  assert.equal(front.mode, "route");
  const known = front.reservations as readonly JsonObject[];
  assert.deepEqual(known.map((one) => one.name), ["printer", "www", "www-second"]);
  const quiet = find(resources, "lab/network.quiet").spec;
  assert.deepEqual([quiet.mode, quiet.bridge, quiet.subnet], ["isolated", "quiet0", undefined]);
  // Without DHCP nothing is handed out; the address is planned nonetheless.
  assert.equal(find(resources, "lab/network.fixed").spec.reservations, undefined);
  assert.deepEqual(Object.keys(reservations), [
    "lab/machine.web#nic0",
    "lab/machine.web#nic2",
    "lab/machine.web#second",
  ]);
});

Deno.test("addresses that the record holds stay", () => {
  const declare = (lab: HostScope) => {
    const net = lab.network("front", { nat: "10.30.0.0/24" });
    return { ip: lab.vm("web", { memory: "1GiB", nics: [{ network: net }] }).address };
  };
  const key = "lab/machine.web#nic0";
  const kept = topologyOf(declare, { reservations: { [key]: "10.30.0.77" } });
  assert.equal(kept.outputs.ip?.value, "10.30.0.77");
  assert.equal(kept.reservations[key], "10.30.0.77");
  // One that is no longer in the subnet is given anew.
  const moved = topologyOf(declare, { reservations: { [key]: "10.99.0.77" } });
  assert.match(String(moved.outputs.ip?.value), /^10\.30\.0\.\d+$/);
});

Deno.test("what handles said while the stack ran is what was reserved", () => {
  // 40 machines in 61 addresses: some prefer the same one, so a second pass is needed.
  const { outputs, reservations } = topologyOf((lab) => {
    const net = lab.network("small", { nat: "10.30.0.0/26", dhcp: false });
    const machines = lab.times(
      40,
      (i) => lab.vm(`m${i}`, { memory: "1GiB", nics: [{ network: net }] }),
    );
    return { ips: machines.map((machine) => machine.address) };
  });
  const ips = outputs.ips?.value as readonly string[];
  assert.equal(new Set(ips).size, 40);
  assert.deepEqual([...ips].sort(), Object.values(reservations).sort());
});

Deno.test("a stack whose names follow from addresses does not settle", () => {
  let calls = 0;
  refused("stack.addresses-unsettled", () =>
    topologyOf((lab) => {
      calls++;
      const net = lab.network("small", { nat: "10.30.0.0/29", dhcp: false });
      lab.times(3, (i) => lab.vm(`m${i}-${calls}`, { memory: "1GiB", nics: [{ network: net }] }));
      // Whoever comes first takes the address that was promised to another.
      const one = lab.vm(`x${calls}`, { memory: "1GiB", nics: [{ network: net }] });
      lab.vm(`y${calls}`, { memory: "1GiB", nics: [{ network: net, ip: one.address }] });
    }));
  assert.equal(calls, 3);
});

Deno.test("parameters are converted as their types ask for", () => {
  const definition = stack(
    "p",
    {
      text: z.string(),
      count: z.int(),
      on: z.boolean(),
      list: z.array(z.string()).default([]),
      size: z.enum(["small", "large"]).optional(),
      any: z.union([z.string(), z.number()]).optional(),
    },
    (_, parameters) => ({
      ...parameters,
      size: parameters.size ?? null,
      any: parameters.any ?? null,
    }),
  );
  const { parameters } = buildTopology(definition, {
    parameters: { text: "3", count: "3", on: "true", list: '["a","b"]', any: "7" },
  });
  assert.deepEqual(parameters, { text: "3", count: 3, on: true, list: ["a", "b"], any: "7" });
});

Deno.test("cloud-init's documents say what was declared", () => {
  const { resources } = topologyOf((lab) => {
    lab.vm("web", {
      memory: "1GiB",
      cloudInit: {
        user: { name: "ann", sudo: "ALL=(ALL) NOPASSWD:ALL" },
        users: [{ name: "bob", groups: ["adm", "on"], sshKeys: ["ssh-ed25519 AAAA bob"] }],
        packages: ["nginx", "yes"],
        writeFiles: [
          { path: "/etc/a", content: "one: 1\n  two\n\n# three\n", permissions: "0600" },
          { path: "/etc/b", content: " starts blank\nends without" },
          { path: "/etc/c", content: 'tab\there: "quoted" \\ é 漢 \u0085 \u2028' },
        ],
        runcmd: ["echo 'a: b' > /tmp/x # no comment", ["touch", "/tmp/a b", "null"]],
      },
    });
  });
  const { uuid } = find(resources, "lab/machine.web");
  const { userData, metaData } = find(resources, "lab/seed.web").spec;
  assert.ok(String(userData).startsWith("#cloud-config\n"));
  const expected = {
    user: { name: "ann", sudo: "ALL=(ALL) NOPASSWD:ALL" },
    users: ["default", {
      name: "bob",
      groups: ["adm", "on"],
      ssh_authorized_keys: ["ssh-ed25519 AAAA bob"],
    }],
    packages: ["nginx", "yes"],
    write_files: [
      { path: "/etc/a", content: "one: 1\n  two\n\n# three\n", permissions: "0600" },
      { path: "/etc/b", content: " starts blank\nends without" },
      { path: "/etc/c", content: 'tab\there: "quoted" \\ é 漢 \u0085 \u2028' },
    ],
    runcmd: ["echo 'a: b' > /tmp/x # no comment", ["touch", "/tmp/a b", "null"]],
  };
  // Cloud-init reads YAML 1.1, where more words are not text.
  for (const version of ["1.1", "1.2"] as const) {
    assert.deepEqual(parse(String(userData), { version }), expected);
    assert.deepEqual(parse(String(metaData), { version }), {
      "instance-id": uuid,
      "local-hostname": "web",
    });
  }
});

Deno.test("a scope that spans hosts is the same scope on each", () => {
  const { resources } = topologyOf((lab, s) => {
    const far = s.host("far", { uri: "qemu+ssh://kvm1/system" });
    const blue = s.scope("shop").scope("blue");
    for (const host of [lab, far]) blue.on(host).network("net", { isolated: true });
  });
  assert.deepEqual(resources.map((one) => [one.address, one.spec.name]), [
    ["lab/shop/blue/network.net", "shop-blue-net"],
    ["far/shop/blue/network.net", "shop-blue-net"],
  ]);
});

Deno.test("dependencies are addresses", () => {
  const { resources } = topologyOf((lab) => {
    const first = lab.vm("first", { memory: "1GiB" });
    lab.vm("second", { memory: "1GiB", dependsOn: [first] });
  });
  assert.deepEqual(find(resources, "lab/machine.second").dependsOn, ["lab/machine.first"]);
});

Deno.test("a module's error names the stack's own line", () => {
  assert.throws(
    () =>
      topologyOf((lab) =>
        void threeTier(lab, {
          image: lab.image("debian", { from: "./debian.qcow2" }),
          front: "10.50.0.0/24",
          back: "10.50.1.0/24",
          web: { machine: { memory: "1GB" } },
          app: { machine: { memory: "1GiB" } },
          data: { machine: { memory: "1GiB" } },
        })
      ),
    (error) =>
      error instanceof StaddleError && /language_test\.ts:\d+:\d+$/.test(error.where[0] ?? ""),
  );
});

Deno.test("three tiers know each other", () => {
  const { resources } = topologyOf((lab) =>
    void threeTier(lab.scope("shop"), {
      image: lab.image("debian", { from: "./debian.qcow2" }),
      front: "10.50.0.0/24",
      back: "10.50.1.0/24",
      web: { machine: { memory: "1GiB", cloudInit: { packages: ["nginx"] } } },
      app: { count: 2, machine: { memory: "1GiB" } },
      data: { disk: "1GiB", machine: { memory: "1GiB" } },
    })
  );
  const nics = (name: string) =>
    find(resources, `lab/shop/machine.${name}`).spec.nics as readonly JsonObject[];
  const userData = parse(String(find(resources, "lab/shop/seed.web-0").spec.userData));
  assert.deepEqual(userData.packages, ["nginx"]);
  assert.equal(
    userData.write_files[0].content,
    `APP_ADDRESSES="${nics("app-0")[0]?.ip} ${nics("app-1")[0]?.ip}"\n`,
  );
  assert.deepEqual(nics("web-0").map((nic) => nic.name), ["front", "back"]);
});

Deno.test("a cluster is spread over hosts in turn", () => {
  const { resources } = topologyOf((lab, s) => {
    const hosts = [lab, s.host("far", { uri: "qemu+ssh://kvm1/system" })];
    const members = clusterOf("db", 3, {
      hosts,
      site: (host) => host.network("work", { nat: "10.40.0.0/24" }),
      member: ({ shared, before }) => ({
        memory: "1GiB",
        nics: [{ network: shared }],
        title: before.map((one) => one.name).join(" "),
      }),
    });
    return { members: members.map((one) => one.resource) };
  });
  const machines = resources.filter((one) => one.kind === "machine");
  assert.deepEqual(machines.map((one) => [one.address, one.spec.title]), [
    ["lab/machine.db-0", ""],
    ["far/machine.db-1", "db-0"],
    ["lab/machine.db-2", "db-0 db-1"],
  ]);
});
