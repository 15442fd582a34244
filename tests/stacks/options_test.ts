/** Options and references in the stack language: what they come to in the topology, what is refused. */

import assert from "node:assert/strict";
import type { Topology } from "../../planner/topology.ts";
import { validateTopology } from "../../planner/validate.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Resource } from "../../providers/provider.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { type BuildOptions, buildTopology } from "../../stacks/build.ts";
import { type HostScope, stack, type StackScope, z } from "../../stacks/mod.ts";
import { neededOutputs } from "../../stacks/reference.ts";
import { golden } from "../support/golden.ts";

type Declare = (lab: HostScope, s: StackScope) => { readonly [name: string]: unknown } | void;

function topologyOf(declare: Declare, options: BuildOptions = {}): Topology {
  const definition = stack("test", (s) => declare(s.host("lab", { uri: "qemu:///system" }), s));
  return buildTopology(definition, options);
}

function find({ resources }: Topology, address: string): Resource {
  const found = resources.find((one) => one.address === address);
  assert.ok(found, `${address} is not among ${resources.map((one) => one.address).join(", ")}`);
  return found;
}

const sh = (line: string, timeout = 60) => ({ command: ["/bin/sh", "-c", line], timeout });

Deno.test("options stand beside what a resource is, on every kind", () => {
  const topology = topologyOf((lab) => {
    const pool = lab.pool("fast", { path: "/fast" }, { protect: true });
    const image = lab.image("os", { from: "./os.raw", sha256: "ab".repeat(32) }, {
      retainOnDelete: true,
    });
    const data = lab.volume("data", { size: "1GiB", pool }, {
      timeouts: { create: "5m", update: 90, delete: "1.5h" },
      ignoreChanges: ["capacity"],
    });
    const net = lab.network("front", { nat: "10.1.0.0/24" }, {
      replaceOnChanges: ["subnet"],
      dependsOn: [image],
    });
    lab.vm("web", { memory: "1GiB", disks: [{ volume: data }], nics: [{ network: net }] }, {
      dependsOn: [pool],
      hooks: {
        beforeCreate: "./a --b",
        afterCreate: ["./c", "d e"],
        afterDelete: { run: "./f", timeout: "10s" },
      },
    });
  });
  const options = (address: string) => find(topology, address).options;
  assert.deepEqual(options("lab/pool.fast"), { protect: true });
  assert.deepEqual(options("lab/image.os"), { retainOnDelete: true });
  assert.deepEqual(options("lab/volume.data"), {
    ignoreChanges: ["capacity"],
    timeouts: { create: 300, update: 90, delete: 5400 },
  });
  assert.deepEqual(options("lab/network.front"), { replaceOnChanges: ["subnet"] });
  assert.deepEqual(find(topology, "lab/network.front").dependsOn, ["lab/image.os"]);
  assert.deepEqual(options("lab/machine.web"), {
    hooks: {
      beforeCreate: sh("./a --b"),
      afterCreate: { command: ["./c", "d e"], timeout: 60 },
      afterDelete: sh("./f", 10),
    },
  });
  assert.deepEqual(find(topology, "lab/machine.web").dependsOn, ["lab/pool.fast"]);
  // The store that nobody declared has none.
  assert.equal(options("lab/pool.staddle"), undefined);
  assert.deepEqual(validateTopology(topology, kinds).errors.map((error) => error.render()), []);
});

Deno.test("hosts and scopes hand down what means the same for every resource", () => {
  const topology = buildTopology(stack("test", (s) => {
    const lab = s.host("lab", { uri: "qemu:///system" }, { timeouts: { create: 60, delete: 5 } });
    const first = lab.network("first", { nat: "10.1.0.0/24" });
    const db = lab.scope("db", { protect: true, timeouts: { create: 30 }, dependsOn: [first] });
    db.network("a", { nat: "10.2.0.0/24" });
    db.network("b", { nat: "10.3.0.0/24" }, { protect: false, timeouts: { update: 1 } });
    s.scope("wide", { retainOnDelete: true }).on(lab).network("c", { nat: "10.4.0.0/24" });
  }));
  const options = (address: string) => find(topology, address).options;
  assert.deepEqual(options("lab/network.first"), { timeouts: { create: 60, delete: 5 } });
  assert.deepEqual(options("lab/db/network.a"), {
    protect: true,
    timeouts: { create: 30, delete: 5 },
  });
  assert.deepEqual(options("lab/db/network.b"), { timeouts: { create: 30, delete: 5, update: 1 } });
  assert.deepEqual(find(topology, "lab/db/network.b").dependsOn, ["lab/network.first"]);
  assert.deepEqual(options("lab/wide/network.c"), {
    retainOnDelete: true,
    timeouts: { create: 60, delete: 5 },
  });
});

Deno.test("what belongs to a machine is dealt with like it", () => {
  const topology = topologyOf((lab) => {
    lab.vm("web", {
      memory: "1GiB",
      disks: [{ size: "1GiB" }, { name: "data", size: "2GiB" }],
      cloudInit: { packages: ["nginx"] },
    }, {
      protect: true,
      retainOnDelete: true,
      aliases: ["old"],
      ignoreChanges: ["memory", "disks[da*].size", "cloudInit"],
      hooks: { afterCreate: "true" },
    });
  });
  assert.deepEqual(find(topology, "lab/machine.web").options, {
    protect: true,
    retainOnDelete: true,
    aliases: ["lab/machine.old"],
    ignoreChanges: ["memory", "seed"],
    hooks: { afterCreate: sh("true") },
  });
  const kept = { protect: true, retainOnDelete: true };
  assert.deepEqual(find(topology, "lab/volume.web-root").options, {
    ...kept,
    aliases: ["lab/volume.old-root"],
  });
  assert.deepEqual(find(topology, "lab/volume.web-data").options, {
    ...kept,
    aliases: ["lab/volume.old-data"],
    ignoreChanges: ["capacity"],
  });
  assert.deepEqual(find(topology, "lab/seed.web").options, {
    retainOnDelete: true,
    aliases: ["lab/seed.old"],
  });
});

Deno.test("aliases are the former names in all scopes that there were", () => {
  const topology = topologyOf((lab) => {
    const inner = lab.scope("shop", { aliases: ["store"] }).scope("front");
    inner.network("a", { nat: "10.1.0.0/24" }, { aliases: ["b", "lab/elsewhere/network.c"] });
  });
  assert.deepEqual(find(topology, "lab/shop/front/network.a").options?.aliases, [
    "lab/shop/front/network.b",
    "lab/store/front/network.a",
    "lab/store/front/network.b",
    "lab/elsewhere/network.c",
  ]);
});

Deno.test("what was renamed keeps UUID, MAC, address, and its names on the host", () => {
  const declare = (name: string): Declare => (lab) => {
    const net = lab.network("front", { nat: "10.1.0.0/24" });
    const vm = lab.vm(name, {
      memory: "1GiB",
      disks: [{ size: "1GiB" }],
      nics: [{ network: net }],
      cloudInit: { packages: ["nginx"] },
    });
    return { uuid: vm.uuid, ip: vm.address, mac: vm.nics[0].mac, name: vm.name };
  };
  const before = topologyOf(declare("old"));
  const identity = (address: string, name: unknown) => ({
    uuid: find(before, address).uuid,
    ...(typeof name === "string" ? { name } : {}),
  });
  const after = topologyOf(declare("new"), {
    reservations: { "lab/machine.new#nic0": before.reservations["lab/machine.old#nic0"]! },
    identities: {
      "lab/machine.new": identity("lab/machine.old", "old"),
      "lab/volume.new-root": identity("lab/volume.old-root", "old-root.qcow2"),
      "lab/seed.new": identity("lab/seed.old", undefined),
    },
  });
  assert.deepEqual(after.outputs, before.outputs);
  for (const kind of ["volume", "seed", "network"]) {
    const specs = (topology: Topology) =>
      topology.resources.filter((one) => one.kind === kind).map(({ uuid, spec }) => ({
        uuid,
        spec,
      }));
    assert.deepEqual(specs(after), specs(before));
  }
});

Deno.test("a medium whose changes are ignored stays as it was", () => {
  const texts = { userData: "#cloud-config\n{}\n", metaData: "instance-id: x\n" };
  const topology = topologyOf((lab) => {
    lab.vm("web", { memory: "1GiB", cloudInit: { packages: ["nginx"] } });
  }, { identities: { "lab/seed.web": { uuid: "3f0a5a52-4d0c-5d0c-9a3e-7d1c52e8b1a4", texts } } });
  const { userData, metaData } = find(topology, "lab/seed.web").spec;
  assert.deepEqual({ userData, metaData }, texts);
});

const known: BuildOptions["references"] = {
  net: {
    status: "found",
    names: ["subnet", "zone", "token", "list"],
    outputs: {
      subnet: { value: "10.1.0.0/24", sensitive: false, digest: "a".repeat(64) },
      token: { value: "s3cret-token", sensitive: true, digest: "b".repeat(64) },
      list: { value: [1, 2], sensitive: false, digest: "c".repeat(64) },
    },
  },
  gone: { status: "missing", store: "/srv/state.db", nearest: "gong" },
};

Deno.test("a reference gives typed outputs, and what is sensitive stays so", () => {
  const topology = topologyOf((lab, s) => {
    const net = s.reference("net", {
      subnet: z.string(),
      token: z.string(),
      absent: z.string().optional(),
    });
    const subnet: string = net.subnet;
    const absent: string | undefined = net.absent;
    lab.network("front", { nat: subnet });
    lab.vm("web", {
      memory: "1GiB",
      cloudInit: { writeFiles: [{ path: "/t", content: net.token }] },
    });
    return { subnet, absent: absent ?? null, header: { auth: `Bearer ${net.token}` } };
  }, { references: known });
  assert.deepEqual(topology.references, {
    net: {
      subnet: { digest: "a".repeat(64), schema: { type: "string" } },
      token: { digest: "b".repeat(64), schema: { type: "string" } },
    },
  });
  assert.equal(topology.outputs.subnet?.sensitive, false);
  assert.equal(topology.outputs.header?.sensitive, true);
  assert.deepEqual(find(topology, "lab/seed.web").sensitive, ["userData"]);
  assert.equal(find(topology, "lab/network.front").sensitive, undefined);
});

Deno.test("what is not known of another stack is asked for", () => {
  const asks = (declare: Declare, references = {}) => {
    try {
      topologyOf(declare, { references });
    } catch (error) {
      return neededOutputs(error);
    }
    return undefined;
  };
  const wants: Declare = (_, s) =>
    void s.reference("net", { subnet: z.string(), zone: z.string() });
  assert.deepEqual(asks(wants), { by: "test", stack: "net", outputs: ["subnet", "zone"] });
  // What was given already is asked for again, for the answer replaces it.
  assert.deepEqual(asks(wants, known), {
    by: "test",
    stack: "net",
    outputs: ["subnet", "token", "list", "zone"],
  });
  assert.equal(neededOutputs(new StaddleError({ code: "x", summary: "x" })), undefined);
});

Deno.test("options and references that are refused say what would be valid", () => {
  const texts: string[] = [];
  const memory = "1GiB";
  // deno-lint-ignore no-explicit-any
  const options = (given: any): Declare => (lab) => void lab.vm("web", { memory }, given);
  const cases: readonly Declare[] = [
    options({ protekt: true }),
    options({ protect: "yes" }),
    options({ ignoreChanges: "memory" }),
    options({ timeouts: { create: "5" } }),
    options({ timeouts: { create: "5 parsecs" } }),
    options({ timeouts: { wait: "5m" } }),
    options({ timeouts: { delete: "30d" } }),
    options({ timeouts: { delete: 0 } }),
    options({ hooks: { beforeCreation: "true" } }),
    options({ hooks: { beforeCreate: [] } }),
    options({ hooks: { beforeCreate: { run: "true", timeout: "soon" } } }),
    options({ aliases: ["kvm2/machine.web"] }),
    options({ dependsOn: ["lab/machine.db"] }),
    // deno-lint-ignore no-explicit-any
    (lab) => void lab.vm("web", { memory, protect: true } as any),
    // deno-lint-ignore no-explicit-any
    (lab) => void lab.scope("a", { ignoreChanges: ["memory"] } as any),
    (lab) => void lab.scope("a", { aliases: ["b/c"] }),
    (_, s) => void s.reference("test", { a: z.string() }),
    (_, s) => void s.reference("net", {}),
    // deno-lint-ignore no-explicit-any
    (_, s) => void s.reference("net", { subnet: "text" } as any),
    (_, s) => void s.reference("gone", { subnet: z.string() }),
    (_, s) => void s.reference("net", { subent: z.string() }),
    (_, s) => void s.reference("net", { subnet: z.int() }),
    (_, s) => void s.reference("net", { list: z.array(z.string()) }),
    (_, s) => void s.reference("net", { token: z.int() }),
  ];
  for (const declare of cases) {
    assert.throws(() => topologyOf(declare, { references: known }), (error) => {
      assert.ok(error instanceof StaddleError, String(error));
      // Places are this file's lines.
      const { code, message: summary, details, help } = error;
      texts.push(new StaddleError({ code, summary, details, help }).render());
      return true;
    });
  }
  golden(import.meta.url, "option_errors.txt", texts.join("\n\n"));
});

Deno.test("fields of options are those of the kind", () => {
  const errors = (ignoreChanges: readonly string[]) => {
    const topology = topologyOf((lab) => void lab.vm("web", { memory: "1GiB" }, { ignoreChanges }));
    return validateTopology(topology, kinds).errors.map(({ code, help }) => `${code}: ${help}`);
  };
  assert.deepEqual(
    errors(["memory", "disks[*].cache", "cpu", "cpu.features[*].policy", "nics"]),
    [],
  );
  assert.deepEqual(errors(["memmory"]), ['options.unknown-field: did you mean "memory"?']);
  assert.deepEqual(errors(["disks.cache"]), [
    'options.unknown-field: did you mean "disks[*].cache"?',
  ]);
});
