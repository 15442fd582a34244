import assert from "node:assert/strict";
import { claimFromHosts, type Contents, reservationsOnHosts } from "../../cli/from_hosts/mod.ts";
import { claimedText, leftText } from "../../cli/render/claimed_text.ts";
import { nicMac, resourceUuid } from "../../planner/identity.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../../planner/topology.ts";
import { validateTopology } from "../../planner/validate.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import type { Json, JsonObject, Mark, Observed, Resource } from "../../providers/provider.ts";
import { golden } from "../support/golden.ts";

const STACK = "shop";
const HOST = { name: "lab", uri: "qemu:///system" };

function object(
  kind: string,
  key: string,
  xml: string,
  more: { uuid?: string; mark?: Mark; source?: JsonObject } = {},
): Observed {
  const { source, ...rest } = more;
  const states = kind === "volume" || kind === "seed" || kind === "image"
    ? { path: `/pool/${key}` }
    : { active: kind !== "machine", autostart: false, persistent: true, state: "shutoff" };
  return {
    kind,
    host: HOST.uri,
    key,
    fingerprint: `f ${key}`,
    source: { xml, ...states, ...source },
    ...rest,
  };
}

const mark = (address: string, stack = STACK): Mark => ({ stack, address, digest: "0" });

/** A domain with disks `<pool>/<volume>` by the name of the disk, and what else stands in it. */
function machine(
  name: string,
  disks: Readonly<Record<string, string>>,
  more: { mark?: Mark; uuid?: string; inside?: string } = {},
): Observed {
  const devices = Object.entries(disks).map(([alias, key], index) => {
    const [pool, volume] = key.split("/");
    return `<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/>` +
      `<source pool='${pool}' volume='${volume}'/><target dev='vd${"abc"[index]}' bus='virtio'/>` +
      `<alias name='ua-${alias}'/></disk>`;
  });
  const xml = `<domain type='qemu'><name>${name}</name><memory unit='KiB'>65536</memory>` +
    `<devices>${devices.join("")}${more.inside ?? ""}</devices></domain>`;
  const { uuid = resourceUuid(STACK, more.mark?.address ?? name), mark } = more;
  return object("machine", name, xml, { uuid, ...(mark === undefined ? {} : { mark }) });
}

const volume = (key: string, backing?: string): Observed =>
  object(
    "volume",
    key,
    `<volume><name>${key.split("/")[1]}</name><capacity unit='bytes'>1048576</capacity>` +
      `<target><format type='qcow2'/></target>${
        backing === undefined ? "" : `<backingStore><path>${backing}</path></backingStore>`
      }</volume>`,
  );

const pool = (name: string, path: string, uuid: string): Observed =>
  object("pool", name, `<pool><name>${name}</name><target><path>${path}</path></target></pool>`, {
    uuid,
  });

const STORE = pool("staddle", "/var/lib/libvirt/staddle", "11111111-1111-4111-8111-111111111111");
const OWN = pool("fast", "/fast", resourceUuid(STACK, "lab/pool.fast"));

function contents(parts: Partial<Contents>): Contents {
  return { host: HOST, machines: [], networks: [], pools: [], volumes: [], ...parts };
}

const iso = (key: string): Observed => ({ ...volume(key), kind: "seed" });

Deno.test("by marks alone: machines, networks, and what they stand on", () => {
  const image = "debian-0123456789ab.qcow2";
  const found = claimFromHosts({
    stack: STACK,
    kinds,
    contents: [contents({
      pools: [STORE, OWN, pool("lvm", "/lvm", "22222222-2222-4222-8222-222222222222")],
      networks: [
        object("network", "front", "<network><name>front</name></network>", {
          uuid: "a",
          mark: mark("lab/network.front"),
        }),
        object("network", "theirs", "<network><name>theirs</name></network>", {
          uuid: "b",
          mark: mark("lab/network.front", "other"),
        }),
      ],
      machines: [
        machine("edge-web", {
          root: "staddle/edge-web-root.qcow2",
          data: "lvm/edge-web-old.qcow2",
          scratch: "fast/anything.raw",
          both: "staddle/edge-web-both.qcow2",
        }, {
          mark: mark("lab/edge/machine.web"),
          inside: "<disk type='volume' device='cdrom'>" +
            "<source pool='staddle' volume='edge-web-seed-0123456789ab.iso'/><target dev='sda'/></disk>" +
            "<interface type='network'><source network='front'/></interface>",
        }),
        machine("stranger", { both: "staddle/edge-web-both.qcow2" }),
      ],
      volumes: [
        volume("staddle/edge-web-root.qcow2", `/var/lib/libvirt/staddle/${image}`),
        volume("lvm/edge-web-old.qcow2"),
        volume("fast/anything.raw"),
        volume("staddle/edge-web-both.qcow2"),
        volume("staddle/edge-web-seed-0123456789ab.iso"),
        iso("staddle/edge-web-seed-0123456789ab.iso"),
        { ...volume(`staddle/${image}`), kind: "image" },
      ],
    })],
  });
  const lines = found.rows.map(({ address, needs }) => `${address} needs ${needs.join(", ")}`);
  golden(
    import.meta.url,
    "from_hosts.txt",
    [claimedText(found.rows), leftText(found.left), lines.join("\n")].join("\n\n"),
  );
  for (const { resource, host } of found.rows) {
    assert.deepEqual([resource.host, host], ["lab", "lab"]);
  }
});

Deno.test("another stack's objects and names that merely look alike are nobody's here", () => {
  const found = claimFromHosts({
    stack: STACK,
    kinds,
    contents: [contents({
      pools: [STORE],
      machines: [
        machine("web", { root: "staddle/web-root.qcow2" }, {
          mark: mark("lab/machine.web", "other"),
        }),
        machine("web-2", { root: "staddle/web-2-root.qcow2" }),
      ],
      volumes: [volume("staddle/web-root.qcow2"), volume("staddle/web-2-root.qcow2")],
    })],
  });
  assert.deepEqual(found, { rows: [], left: [] });
});

function resource(
  address: string,
  spec: JsonObject,
  tenure: Resource["tenure"] = "managed",
): Resource {
  const [, kind = "", name = ""] = /\/([a-z]+)\.([^/]+)$/.exec(address) ?? [];
  const uuid = resourceUuid(STACK, address);
  return { address, kind, host: "lab", name, uuid, tenure, spec, dependsOn: [] };
}

function topology(resources: readonly Resource[]): Topology {
  const given: Topology = {
    format: TOPOLOGY_FORMAT,
    stack: STACK,
    parameters: {},
    hosts: { lab: HOST },
    resources,
    outputs: {},
    reservations: {},
  };
  const { topology, errors } = validateTopology(given, kinds);
  assert.deepEqual(errors, []);
  return topology;
}

const declared = [
  resource("lab/pool.store", { name: "store" }, "existing"),
  resource("lab/pool.fast", { name: "fast", path: "/fast" }),
  resource("lab/volume.used", {
    pool: "lab/pool.store",
    name: "used.qcow2",
    format: "qcow2",
    capacity: 1048576,
  }),
  resource("lab/volume.loose", {
    pool: "lab/pool.store",
    name: "loose.qcow2",
    format: "qcow2",
    capacity: 1048576,
  }),
  resource("lab/volume.taken", {
    pool: "lab/pool.store",
    name: "taken.qcow2",
    format: "qcow2",
    capacity: 1048576,
  }),
  resource("lab/volume.own", {
    pool: "lab/pool.fast",
    name: "own.qcow2",
    format: "qcow2",
    capacity: 1048576,
  }),
  resource("lab/volume.gone", {
    pool: "lab/pool.store",
    name: "gone.qcow2",
    format: "qcow2",
    capacity: 1048576,
  }),
  resource("lab/machine.web", {
    name: "web",
    memory: 64 * 1024 ** 2,
    disks: [{ name: "root", volume: "lab/volume.used", bus: "virtio" }],
    nics: [],
  }),
];

const onHost = contents({
  pools: [
    OWN,
    pool("store", "/store", "33333333-3333-4333-8333-333333333333"),
  ],
  machines: [
    machine("web", { root: "store/used.qcow2" }, { mark: mark("lab/machine.web") }),
    machine("stranger", { root: "store/taken.qcow2" }),
  ],
  volumes: ["store/used", "store/loose", "store/taken", "fast/own"].map((key) =>
    volume(`${key}.qcow2`)
  ),
});

Deno.test("by declarations: a volume is the stack's by who uses it, or by the pool that it is in", () => {
  const input = { stack: STACK, kinds, contents: [onHost], topology: topology(declared) };
  const found = claimFromHosts(input);
  assert.deepEqual(found.rows.map(({ address }) => address), [
    "lab/machine.web",
    "lab/pool.fast",
    "lab/volume.own",
    "lab/volume.used",
  ]);
  golden(import.meta.url, "left_alone.txt", leftText(found.left));
  const claimed = claimFromHosts({ ...input, claim: ["lab/volume.loose", "lab/volume.taken"] });
  assert.deepEqual(
    claimed.rows.map(({ address }) => address).filter((one) => one.includes("volume")),
    ["lab/volume.loose", "lab/volume.own", "lab/volume.used"],
    "what another machine uses is never taken",
  );
});

Deno.test("what differs was applied like that, unless its mark says that the declaration was", () => {
  const web = declared.find(({ address }) => address === "lab/machine.web")!;
  const more = declared.map((one) =>
    one === web ? { ...web, spec: { ...web.spec, memory: 128 * 1024 ** 2 } } : one
  );
  const [other] = claimFromHosts({
    stack: STACK,
    kinds,
    contents: [onHost],
    topology: topology(more),
  }).rows;
  assert.equal(other!.resource.spec.memory, 64 * 1024 ** 2);
  assert.equal(other!.fingerprint, "f web");

  const digest = other!.specDigest;
  const [applied] = claimFromHosts({
    stack: STACK,
    kinds,
    contents: [onHost],
    topology: topology(declared),
  }).rows;
  assert.equal(applied!.resource.spec.memory, 64 * 1024 ** 2);
  const machines = onHost.machines.map((one) =>
    one.mark === undefined ? one : { ...one, mark: { ...one.mark, digest: driftedDigest } }
  );
  const drifted = claimFromHosts({
    stack: STACK,
    kinds,
    contents: [{ ...onHost, machines }],
    topology: topology(more),
  }).rows[0]!;
  assert.notEqual(drifted.specDigest, digest);
  assert.equal(drifted.resource.spec.memory, 128 * 1024 ** 2, "as declared");
  assert.equal(drifted.fingerprint, undefined, "so that the next plan looks");
});

/** Of the machine with 128 MiB as it is declared and resolved. */
const driftedDigest = (() => {
  const web = declared.at(-1)!;
  const wanted = topology(
    declared.map((one) =>
      one === web ? { ...web, spec: { ...web.spec, memory: 128 * 1024 ** 2 } } : one
    ),
  );
  const machines = onHost.machines.filter(({ key }) => key === "web").map((one) => ({
    ...one,
    source: { ...one.source, xml: String(one.source.xml).replace("65536", "131072") },
  }));
  return claimFromHosts({
    stack: STACK,
    kinds,
    contents: [{ ...onHost, machines }],
    topology: wanted,
  }).rows.find(({ address }) => address === "lab/machine.web")!.specDigest;
})();

Deno.test("addresses that NICs have got are read off the networks", () => {
  const mac = nicMac(resourceUuid(STACK, "lab/machine.web"), 0);
  const nics: Json = [{ name: "nic0", network: "lab/network.front", mac, ip: "10.0.0.2" }];
  const given = {
    ...topology([]),
    resources: [resource("lab/machine.web", { name: "web", nics })],
    reservations: { "lab/machine.web#nic0": "10.0.0.2" },
  };
  const network = object(
    "network",
    "front",
    `<network><name>front</name><ip address='10.0.0.1'><dhcp><host mac='${mac.toUpperCase()}' ` +
      `ip='10.0.0.77'/></dhcp></ip></network>`,
  );
  assert.deepEqual(reservationsOnHosts(given, [contents({ networks: [network] })]), {
    "lab/machine.web#nic0": "10.0.0.77",
  });
  assert.deepEqual(reservationsOnHosts(given, [contents({})]), {});
});
