/**
 * The XML and the updates against the real daemon: accepted with validation, and what it then has is
 * what was declared.
 */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import { seedIso } from "../../../providers/kvm/cloudinit/mod.ts";
import {
  type ImageSpec,
  imageStampXml,
  imageXml,
  physicalBytes,
} from "../../../providers/kvm/kinds/image/mod.ts";
import {
  type NetworkSpec,
  networkUpdates,
  networkXml,
  patchNetworkXml,
} from "../../../providers/kvm/kinds/network/mod.ts";
import { poolXml } from "../../../providers/kvm/kinds/pool/mod.ts";
import { type SeedSpec, seedXml } from "../../../providers/kvm/kinds/seed/mod.ts";
import { type VolumeSpec, volumeXml } from "../../../providers/kvm/kinds/volume/mod.ts";
import { parseXml, readMark, serializeXml } from "../../../providers/kvm/xml/mod.ts";
import { requirement } from "../../support/skip.ts";
import { completed, kindOf, observed, world } from "./world.ts";

const decoder = new TextDecoder();

function virsh(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("virsh", {
    args: ["-c", "qemu:///system", ...args],
    env: { LC_ALL: "C" },
  }).outputSync();
  assert.ok(success, `virsh ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Runs virsh where it does not matter whether it succeeds: to clean up. */
function attempt(...args: string[]): void {
  new Deno.Command("virsh", { args: ["-c", "qemu:///system", ...args] }).outputSync();
}

const libvirt = await requirement("libvirt", () => {
  virsh("version");
  return undefined;
});

const dnsmasq = await requirement("dnsmasq", () => {
  const { success } = new Deno.Command("sh", { args: ["-c", "command -v dnsmasq"] }).outputSync();
  return success && !libvirt.ignore ? undefined : "dnsmasq or the daemon is not there";
});

// libvirt 9.0 refuses its own VIR_STORAGE_VOL_CREATE_VALIDATE ("unsupported flags (0x4)"), so
// volumes are validated beside it.
const xmllint = await requirement("xmllint", () => {
  const { success } = new Deno.Command("sh", {
    args: ["-c", "command -v xmllint && test -e /usr/share/libvirt/schemas/storagevol.rng"],
  }).outputSync();
  return success ? undefined : "xmllint (libxml2-utils) or libvirt's schemas are not installed";
});

/** A name that no other run has. */
function unique(): string {
  return `sdt-${crypto.randomUUID().slice(0, 8)}`;
}

/** Calls `use` with a folder that is gone afterwards. */
function inFolder(use: (folder: string, file: (text: string | Uint8Array) => string) => void) {
  const folder = Deno.makeTempDirSync({ prefix: "staddle-kinds-" });
  // Dir pools are entered by QEMU's user, not only by root.
  Deno.chmodSync(folder, 0o755);
  let count = 0;
  const file = (text: string | Uint8Array) => {
    const path = `${folder}/file-${count++}`;
    if (typeof text === "string") Deno.writeTextFileSync(path, text);
    else Deno.writeFileSync(path, text);
    return path;
  };
  try {
    use(folder, file);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A resource with a UUID and a name that no other run has. */
function fresh(kind: string, spec: JsonObject): { resource: Resource; completed: Resource } {
  const address = `lab/${kind}.x`;
  const { at, lookup } = world({ address, spec });
  const resource = { ...at(address), uuid: crypto.randomUUID() };
  return { resource, completed: completed(resource, lookup) };
}

const { lookup } = world();

const mark = { stack: "test", address: "lab/network.x", digest: "d" };

const networks: Readonly<Record<string, JsonObject>> = {
  nat: {
    mode: "nat",
    subnet: "10.213.70.0/24",
    reservations: [{ mac: "52:54:00:aa:00:01", ip: "10.213.70.11", name: "web-0" }],
    domain: "lab.example",
    dns: {
      hosts: [{ ip: "10.213.70.5", names: ["db", "cache"] }, { ip: "fd00::5", names: ["six"] }],
      forwarders: ["9.9.9.9"],
    },
    mtu: 1400,
  },
  route: { mode: "route", subnet: "10.214.0.0/16", gateway: "10.214.255.254" },
  isolated: { mode: "isolated", subnet: "10.213.72.0/29", dhcp: false, dns: { enabled: false } },
  wire: { mode: "isolated" },
  bridge: { mode: "bridge", bridge: "br0" },
};

for (const [name, spec] of Object.entries(networks)) {
  Deno.test({
    name: `libvirt takes the XML of a network with validation: ${name}`,
    ...libvirt,
    fn() {
      inFolder((_, file) => {
        const id = unique();
        const { resource, completed } = fresh("network", { ...spec, name: id });
        try {
          virsh("net-define", "--validate", file(networkXml(completed, mark)));
          const xml = virsh("net-dumpxml", "--inactive", id);
          assert.deepEqual(readMark(parseXml(xml)), mark);
          const source = { xml, active: true, autostart: true, persistent: true };
          assert.deepEqual(
            kindOf("network").diff(resource, observed(resource, source), { lookup }),
            [],
          );
          assert.equal(serializeXml(parseXml(xml)), xml);
        } finally {
          attempt("net-undefine", id);
        }
      });
    },
  });
}

/** Declarations of one network; each is reached from the one before by updates alone. */
const series: readonly JsonObject[] = [
  {
    reservations: [
      { mac: "52:54:00:aa:00:01", ip: "10.213.73.11", name: "a" },
      { mac: "52:54:00:aa:00:02", ip: "10.213.73.12", name: "b" },
      { mac: "52:54:00:aa:00:03", ip: "10.213.73.13" },
    ],
    dns: { hosts: [{ ip: "10.213.73.5", names: ["db"] }] },
  },
  {
    // Two exchange addresses, two exchange names, one goes, one comes.
    reservations: [
      { mac: "52:54:00:aa:00:01", ip: "10.213.73.12", name: "b" },
      { mac: "52:54:00:aa:00:02", ip: "10.213.73.11", name: "a" },
      { mac: "52:54:00:aa:00:04", ip: "10.213.73.13", name: "d" },
    ],
    dns: { hosts: [{ ip: "10.213.73.5", names: ["sql"] }, { ip: "10.213.73.6", names: ["db"] }] },
  },
  {
    reservations: [{ mac: "52:54:00:aa:00:01", ip: "10.213.73.99", name: "b" }],
    dns: { hosts: [{ ip: "10.213.73.6", names: ["db", "cache"] }] },
    dhcp: { start: "10.213.73.200", end: "10.213.73.220" },
  },
  { reservations: [], dns: { hosts: [] }, dhcp: false },
  {
    reservations: [{ mac: "52:54:00:aa:00:05", ip: "10.213.73.15", name: "e" }],
    dns: { hosts: [{ ip: "10.213.73.7", names: ["x"] }] },
    dhcp: { start: "10.213.73.100", end: "10.213.73.110" },
  },
];

Deno.test({
  name: "a running network reaches each declaration by updates, config and live alike",
  ...dnsmasq,
  fn() {
    inFolder((_, file) => {
      const id = unique();
      const spec = (index: number): JsonObject => ({
        name: id,
        mode: "isolated",
        subnet: "10.213.73.0/24",
        ...series[index],
      });
      const first = fresh("network", spec(0));
      try {
        virsh("net-define", "--validate", file(networkXml(first.completed)));
        virsh("net-start", id);
        const bridge = /bridge name='([^']+)'/.exec(virsh("net-dumpxml", id))![1];
        assert.equal(bridge, first.completed.spec.bridge);
        let previous: NetworkSpec | undefined;
        for (let index = 0; index < series.length; index++) {
          const { resource } = fresh("network", spec(index));
          const wanted = resource.spec as NetworkSpec;
          for (const where of ["--config", "--live"]) {
            const xml = where === "--live"
              ? virsh("net-dumpxml", id)
              : virsh("net-dumpxml", "--inactive", id);
            for (const update of networkUpdates(xml, wanted, previous)) {
              const command = update.command === "add" ? "add-last" : update.command;
              virsh("net-update", id, command, update.section, update.xml, where);
            }
          }
          const source = {
            xml: virsh("net-dumpxml", "--inactive", id),
            liveXml: virsh("net-dumpxml", id),
            active: true,
            autostart: true,
            persistent: true,
          };
          const context = { previous, lookup };
          const left = kindOf("network").diff(resource, observed(resource, source), context);
          assert.deepEqual(left, [], `declaration ${index}`);
          // The same by another way: patched as a whole, libvirt has nothing more to change.
          const patched = patchNetworkXml(source.xml, wanted, { previous });
          assert.equal(patched, source.xml);
          previous = wanted;
        }
      } finally {
        attempt("net-destroy", id);
        attempt("net-undefine", id);
      }
    });
  },
});

Deno.test({
  name: "a patched definition is taken, and everything undeclared is still there",
  ...libvirt,
  fn() {
    inFolder((_, file) => {
      const id = unique();
      const { resource } = fresh("network", {
        name: id,
        mode: "nat",
        subnet: "10.213.74.0/24",
        mtu: 1400,
        domain: "lab.example",
        reservations: [{ mac: "52:54:00:aa:00:01", ip: "10.213.74.11", name: "a" }],
      });
      const bridge = `sdt${id.slice(4)}`;
      const byHand = `<network>
  <name>${id}</name>
  <forward mode='nat'><nat><port start='2000' end='3000'/></nat></forward>
  <bridge name='${bridge}' zone='libvirt'/>
  <dns><txt name='t' value='a &amp; b'/></dns>
  <bandwidth><inbound average='1000'/></bandwidth>
  <ip address='10.213.74.1' prefix='24'>
    <tftp root='/srv/tftp'/>
    <dhcp><host mac='52:54:00:bb:00:01' ip='10.213.74.77'/><bootp file='pxe.0'/></dhcp>
  </ip>
  <route address='10.99.0.0' prefix='16' gateway='10.213.74.2'/>
</network>`;
      try {
        virsh("net-define", file(byHand));
        const before = virsh("net-dumpxml", "--inactive", id);
        const patched = patchNetworkXml(before, resource.spec as NetworkSpec, { mark });
        virsh("net-define", "--validate", file(patched));
        const after = virsh("net-dumpxml", "--inactive", id);
        const gone = before.split("\n").filter((line) => !after.split("\n").includes(line));
        assert.deepEqual(gone, []);
        const source = { xml: after, active: true, autostart: true, persistent: true };
        assert.deepEqual(
          kindOf("network").diff(resource, observed(resource, source), { lookup }),
          [],
        );
      } finally {
        attempt("net-undefine", id);
      }
    });
  },
});

Deno.test({
  name: "pool, image, stamp, volumes and seed: made, and read back without a change",
  ...libvirt,
  fn() {
    inFolder((folder, file) => {
      const id = unique();
      const gigabyte = 2 ** 30;
      const { at, lookup: known } = world(
        { address: "lab/pool.store", spec: { name: id, path: `${folder}/pool`, autostart: false } },
        {
          address: "lab/image.small",
          spec: {
            pool: "lab/pool.store",
            name: "small",
            from: "./small.qcow2",
            sha256: "ab".repeat(32),
            format: "qcow2",
          },
        },
        ...[
          { name: "blank.qcow2", format: "qcow2", capacity: gigabyte },
          { name: "blank.raw", format: "raw", capacity: "64MiB" },
          { name: "over.qcow2", format: "qcow2", image: "lab/image.small" },
          { name: "grown.qcow2", format: "qcow2", image: "lab/image.small", capacity: "2GiB" },
          { name: "full.raw", format: "raw", image: "lab/image.small", clone: "full" },
        ].map((spec) => ({
          address: `lab/volume.${spec.name}`,
          spec: { pool: "lab/pool.store", ...spec } as JsonObject,
        })),
        {
          address: "lab/seed.web",
          spec: {
            pool: "lab/pool.store",
            name: "web",
            userData: "#cloud-config\n",
            metaData: "instance-id: x\n",
          },
        },
      );
      const source = (volume: string): JsonObject => ({
        xml: virsh("vol-dumpxml", volume, "--pool", id),
        path: virsh("vol-path", volume, "--pool", id).trim(),
      });
      const unchanged = (resource: Resource, has: JsonObject) =>
        assert.deepEqual(
          kindOf(resource.kind).diff(resource, observed(resource, has), { lookup: known }),
          [],
          resource.address,
        );
      try {
        const pool = { ...at("lab/pool.store"), uuid: crypto.randomUUID() };
        virsh("pool-define", "--validate", file(poolXml(completed(pool, known))));
        virsh("pool-build", id);
        virsh("pool-start", id);
        unchanged(pool, { xml: virsh("pool-dumpxml", id), active: true, autostart: false });

        const image = at("lab/image.small").spec as ImageSpec;
        const content = `${folder}/small.qcow2`;
        const made = new Deno.Command("qemu-img", {
          args: ["create", "-q", "-f", "qcow2", content, "1G"],
        }).outputSync();
        assert.ok(made.success);
        virsh("vol-create", id, file(imageXml(image)));
        assert.equal(physicalBytes(String(source(image.volume).xml)), 0);
        assert.throws(() => virsh("vol-create", id, file(imageXml(image))), /exists already/);
        virsh("vol-upload", image.volume, content, "--pool", id);
        virsh("vol-create", id, file(imageStampXml(image.volume)));
        const has = source(image.volume);
        assert.equal(physicalBytes(String(has.xml)), Deno.statSync(content).size);
        unchanged(at("lab/image.small"), has);
        assert.equal(has.path, image.path);

        for (const name of ["blank.qcow2", "blank.raw", "over.qcow2", "grown.qcow2", "full.raw"]) {
          const volume = at(`lab/volume.${name}`);
          const spec = volume.spec as VolumeSpec;
          const xml = file(volumeXml(spec));
          if (spec.backing?.clone === "full") {
            virsh("vol-create-from", id, xml, spec.backing.volume, "--inputpool", id);
          } else virsh("vol-create", id, xml);
          unchanged(volume, source(name));
        }
        const { capacity } = kindOf("volume").view(
          observed(at("lab/volume.over.qcow2"), source("over.qcow2")),
        );
        assert.equal(capacity, gigabyte);

        const seed = at("lab/seed.web");
        const spec = seed.spec as SeedSpec;
        virsh("vol-create", id, file(seedXml(spec)));
        const cut = kindOf("seed").diff(seed, observed(seed, source(spec.volume)), {
          lookup: known,
        });
        assert.deepEqual(cut.map((change) => change.path), ["content"]);
        virsh("vol-upload", spec.volume, file(seedIso(spec)), "--pool", id);
        unchanged(seed, source(spec.volume));
        assert.deepEqual(Deno.readFileSync(`${folder}/pool/${spec.volume}`), seedIso(spec));
      } finally {
        attempt("pool-destroy", id);
        attempt("pool-undefine", id);
      }
    });
  },
});

Deno.test({
  name: "the XML of volumes is valid by libvirt's schema",
  ...xmllint,
  fn() {
    inFolder((_, file) => {
      const { at } = world(
        { address: "lab/pool.p", spec: { name: "p", path: "/srv/p" } },
        {
          address: "lab/image.i",
          spec: {
            pool: "lab/pool.p",
            name: "i",
            from: "./i",
            sha256: "ab".repeat(32),
            format: "raw",
          },
        },
        {
          address: "lab/volume.over",
          spec: { pool: "lab/pool.p", name: "o", format: "qcow2", image: "lab/image.i" },
        },
        {
          address: "lab/volume.blank",
          spec: { pool: "lab/pool.p", name: "b & c", format: "raw", capacity: "1GiB" },
        },
      );
      const image = at("lab/image.i").spec as ImageSpec;
      const texts = [
        imageXml(image),
        imageStampXml(image.volume),
        seedXml({ volume: "s.iso" } as unknown as SeedSpec),
        volumeXml(at("lab/volume.over").spec as VolumeSpec),
        volumeXml(at("lab/volume.blank").spec as VolumeSpec),
      ];
      for (const text of texts) {
        const { success, stderr } = new Deno.Command("xmllint", {
          args: ["--noout", "--relaxng", "/usr/share/libvirt/schemas/storagevol.rng", file(text)],
        }).outputSync();
        assert.ok(success, `${decoder.decode(stderr)}\n${text}`);
      }
    });
  },
});
