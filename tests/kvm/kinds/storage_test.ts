/** Pools, images, volumes and seeds: resolved, checked, written, compared. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../providers/provider.ts";
import { StaddleError } from "../../../providers/error.ts";
import { metaData, seedIsoSize } from "../../../providers/kvm/cloudinit/mod.ts";
import {
  imageFingerprint,
  imageKind,
  type ImageSpec,
  imageStamp,
  imageStampXml,
  imageXml,
  physicalBytes,
} from "../../../providers/kvm/kinds/image/mod.ts";
import { fingerprints, kinds } from "../../../providers/kvm/kinds/mod.ts";
import { poolFingerprint, poolKind, poolXml } from "../../../providers/kvm/kinds/pool/mod.ts";
import { seedKind, type SeedSpec, seedXml } from "../../../providers/kvm/kinds/seed/mod.ts";
import {
  volumeFingerprint,
  volumeKind,
  type VolumeSpec,
  volumeXml,
} from "../../../providers/kvm/kinds/volume/mod.ts";
import { golden } from "../../support/golden.ts";
import { completed, type Declared, observed, world } from "./world.ts";

const GiB = 1024 ** 3;
const sha256 = "0123456789abcdef".repeat(4);

const store: Declared = {
  address: "lab/pool.store",
  spec: { name: "store", path: "/srv/store/" },
};
const image: Declared = {
  address: "lab/image.debian",
  spec: {
    pool: "lab/pool.store",
    name: "debian",
    from: "https://example.org/debian.qcow2",
    sha256: sha256.toUpperCase(),
    format: "qcow2",
  },
};
const imagePath = "/srv/store/debian-0123456789ab.qcow2";

function volume(spec: JsonObject, source?: JsonObject): Declared {
  return {
    address: "lab/volume.root",
    spec: { pool: "lab/pool.store", name: "root.qcow2", format: "qcow2", ...spec },
    source,
  };
}

/** A volume as libvirt shows it. */
function volumeSource(
  options: { capacity?: number; format?: string; backing?: string; backingFormat?: string } = {},
): JsonObject {
  const { capacity = 20 * GiB, format = "qcow2", backing, backingFormat = "qcow2" } = options;
  const behind = backing === undefined ? "" : `
  <backingStore>
    <path>${backing}</path>
    <format type='${backingFormat}'/>
    <permissions>
      <mode>0644</mode>
      <owner>0</owner>
      <group>0</group>
    </permissions>
    <timestamps>
      <atime>1</atime>
    </timestamps>
  </backingStore>`;
  return {
    path: "/srv/store/root.qcow2",
    xml: `<volume type='file'>
  <name>root.qcow2</name>
  <key>/srv/store/root.qcow2</key>
  <capacity unit='bytes'>${capacity}</capacity>
  <allocation unit='bytes'>200704</allocation>
  <physical unit='bytes'>196624</physical>
  <target>
    <path>/srv/store/root.qcow2</path>
    <format type='${format}'/>
    <permissions>
      <mode>0600</mode>
      <owner>64055</owner>
      <group>0</group>
    </permissions>
    <timestamps>
      <atime>1795365527.632113438</atime>
      <btime>0</btime>
    </timestamps>
    <compat>1.1</compat>
  </target>${behind}
</volume>
`,
  };
}

Deno.test("every kind has a fingerprint, and fields with doc text", () => {
  for (const [name, kind] of kinds) {
    assert.ok(fingerprints.has(name));
    assert.equal(kind.kind, name);
    assert.ok(kind.fields.length > 0);
    for (const field of kind.fields) {
      assert.notEqual(field.doc, "", `${name}.${field.path} has no doc text`);
      assert.notEqual(field.xml, "", `${name}.${field.path}`);
    }
  }
});

Deno.test("golden: a new pool", () => {
  const { at, lookup } = world(store);
  golden(import.meta.url, "pool.xml", poolXml(completed(at(store.address), lookup)));
});

Deno.test("a pool without a path gets one only when it is made", () => {
  const { at, lookup } = world({ address: store.address, spec: { name: "store" } });
  assert.deepEqual(at(store.address).spec, { name: "store", autostart: true });
  assert.equal(completed(at(store.address), lookup).spec.path, "/var/lib/libvirt/pools/store");
});

Deno.test("a shared pool leaves its UUID to libvirt", () => {
  const { at, lookup } = world({ ...store, tenure: "shared" });
  assert.doesNotMatch(poolXml(completed(at(store.address), lookup)), /uuid/);
});

const poolSource = {
  xml: `<pool type='dir'>
  <name>store</name>
  <uuid>4024b87f-bd91-428b-b28f-8db1c2a46e0d</uuid>
  <capacity unit='bytes'>270553174016</capacity>
  <allocation unit='bytes'>12552912896</allocation>
  <available unit='bytes'>258000261120</available>
  <source>
  </source>
  <target>
    <path>/srv/store</path>
  </target>
</pool>
`,
  active: true,
  autostart: true,
};

Deno.test("a pool is compared by path and states", () => {
  const { at, lookup } = world(store);
  const pool = at(store.address);
  const diff = (source: JsonObject) => poolKind.diff(pool, observed(pool, source), { lookup });
  assert.deepEqual(diff(poolSource), []);
  assert.deepEqual(
    diff({ ...poolSource, active: false, autostart: false }).map((change) => change.path),
    ["active", "autostart"],
  );
  assert.deepEqual(diff({ ...poolSource, xml: poolSource.xml.replace("/srv/store", "/x") }), [
    { path: "path", before: "/x", after: "/srv/store", disruption: "replace" },
  ]);
});

Deno.test("a shared pool is used as it is, but it has to run", () => {
  const { at, lookup } = world({ ...store, tenure: "shared" });
  const pool = at(store.address);
  const source = { ...poolSource, active: false, autostart: false };
  assert.deepEqual(poolKind.diff(pool, observed(pool, source), { lookup }), [
    { path: "active", before: false, after: true, disruption: "live" },
  ]);
});

Deno.test("an existing pool must run, and be where it is said to be", () => {
  const source = { ...poolSource, active: false };
  const { at, lookup } = world({
    address: store.address,
    spec: { name: "store", path: "/elsewhere" },
    tenure: "existing",
    source,
  });
  const pool = at(store.address);
  assert.deepEqual(poolKind.diff(pool, observed(pool, source), { lookup }), []);
  assert.deepEqual(poolKind.check(pool, lookup).map((issue) => issue.code), [
    "pool.inactive",
    "pool.other-path",
  ]);
});

Deno.test("how full a pool is, is no part of its fingerprint", () => {
  const print = poolFingerprint(poolSource);
  const fuller = poolSource.xml.replace("12552912896", "12552912897");
  assert.equal(poolFingerprint({ ...poolSource, xml: fuller }), print);
  assert.notEqual(poolFingerprint({ ...poolSource, active: false }), print);
});

Deno.test("an image is named after its digest; its path is known with the pool's", () => {
  const { at } = world(store, image);
  assert.deepEqual(at(image.address).spec, {
    pool: "store",
    volume: "debian-0123456789ab.qcow2",
    from: "https://example.org/debian.qcow2",
    sha256,
    format: "qcow2",
    path: imagePath,
  });
  assert.equal(imageKind.key(at(image.address)), "store/debian-0123456789ab.qcow2");
});

Deno.test("the path of an existing pool is the host's", () => {
  const pool: Declared = { address: store.address, spec: { name: "store" }, tenure: "existing" };
  assert.equal(world(pool, image).at(image.address).spec.path, undefined);
  const there = { ...pool, source: { ...poolSource, xml: poolSource.xml.replace("/srv", "/mnt") } };
  assert.equal(
    world(there, image).at(image.address).spec.path,
    "/mnt/store/debian-0123456789ab.qcow2",
  );
});

Deno.test("a file without a digest cannot be planned", () => {
  const file = { ...image, spec: { ...image.spec, from: "./debian.qcow2", sha256: undefined } };
  assert.throws(
    () => world(store, file),
    (error) => error instanceof StaddleError && error.code === "image.digest-unknown",
  );
});

Deno.test("golden: an image and its stamp", () => {
  const { at } = world(store, image);
  const spec = at(image.address).spec as ImageSpec;
  assert.equal(imageStamp(spec.volume), "debian-0123456789ab.qcow2.verified");
  golden(import.meta.url, "image.xml", imageXml(spec) + imageStampXml(spec.volume));
});

Deno.test("the size of the file is not the capacity", () => {
  assert.equal(physicalBytes(String(volumeSource().xml)), 196624);
  assert.equal(physicalBytes("<volume/>"), 0);
  assert.equal(physicalBytes("<volume><physical unit='KiB'>2</physical></volume>"), 2048);
});

Deno.test("an image that is there is right but for its format; half of one is not", () => {
  const { at, lookup } = world(store, image);
  const resource = at(image.address);
  const diff = (source: JsonObject) =>
    imageKind.diff(resource, observed(resource, source), { lookup });
  assert.deepEqual(diff(volumeSource()), []);
  assert.deepEqual(diff(volumeSource({ format: "raw" })), [
    { path: "format", before: "raw", after: "qcow2", disruption: "replace" },
  ]);
  assert.deepEqual(diff({ ...volumeSource({ format: "raw" }), complete: false }), [
    { path: "content", before: "incomplete", after: sha256, disruption: "live" },
  ]);
  const whole = volumeSource();
  assert.notEqual(imageFingerprint(whole), imageFingerprint({ ...whole, complete: false }));
});

const volumes: Readonly<Record<string, JsonObject>> = {
  blank: { capacity: "20GiB" },
  raw: { name: "data.raw", format: "raw", capacity: 4096 },
  overlay: { image: image.address },
  grown: { image: image.address, capacity: "20GiB" },
  full: { image: image.address, clone: "full", capacity: "20GiB" },
};

for (const [name, spec] of Object.entries(volumes)) {
  Deno.test(`golden: a new volume: ${name}`, () => {
    const { at } = world(store, image, volume(spec));
    golden(
      import.meta.url,
      `volume_${name}.xml`,
      volumeXml(at("lab/volume.root").spec as VolumeSpec),
    );
  });
}

Deno.test("an overlay stands on the image's path and format", () => {
  const raw = { ...image, spec: { ...image.spec, format: "raw" } };
  const { at } = world(store, raw, volume({ image: image.address }));
  assert.deepEqual(at("lab/volume.root").spec, {
    pool: "store",
    volume: "root.qcow2",
    format: "qcow2",
    backing: {
      pool: "store",
      volume: "debian-0123456789ab.raw",
      path: "/srv/store/debian-0123456789ab.raw",
      format: "raw",
      clone: "overlay",
    },
  });
  assert.match(
    volumeXml(at("lab/volume.root").spec as VolumeSpec),
    /<path>\/srv\/store\/debian-0123456789ab\.raw<\/path>\n {4}<format type='raw'\/>/,
  );
});

Deno.test("an image in an existing pool whose folder is not known yet gets its path at creation", () => {
  const pool: Declared = { address: store.address, spec: { name: "store" }, tenure: "existing" };
  const { at } = world(pool, image, volume({ image: image.address }));
  const spec = at("lab/volume.root").spec as VolumeSpec;
  assert.doesNotMatch(volumeXml(spec), /backingStore/);
  assert.match(volumeXml(spec, "/mnt/i.qcow2"), /<path>\/mnt\/i\.qcow2<\/path>/);
});

Deno.test("a volume refers to its pool and image", () => {
  const { lookup, at } = world(store, image);
  assert.ok(lookup.resource(image.address) === at(image.address));
  const raw = { ...at(store.address), kind: "volume", spec: volume({ image: image.address }).spec };
  assert.deepEqual(volumeKind.references(raw).map(({ address, path }) => [path, address]), [
    ["pool", "lab/pool.store"],
    ["image", "lab/image.debian"],
  ]);
});

const comparisons: readonly {
  readonly name: string;
  readonly spec: JsonObject;
  readonly source: JsonObject;
  readonly previous?: JsonObject;
  readonly changes: readonly (readonly [path: string, disruption: string])[];
}[] = [
  { name: "a blank one", spec: volumes.blank!, source: volumeSource(), changes: [] },
  {
    name: "sizes within a sector",
    spec: { capacity: 20 * GiB - 100 },
    source: volumeSource(),
    changes: [],
  },
  {
    name: "one that grows",
    spec: { capacity: "30GiB" },
    source: volumeSource(),
    changes: [["capacity", "live"]],
  },
  {
    name: "an undeclared capacity",
    spec: volumes.overlay!,
    source: volumeSource({ capacity: 7 * GiB, backing: imagePath }),
    changes: [],
  },
  {
    name: "another format",
    spec: { ...volumes.blank, format: "raw" },
    source: volumeSource(),
    changes: [["format", "replace"]],
  },
  {
    name: "another image",
    spec: volumes.overlay!,
    source: volumeSource({ backing: "/srv/store/debian-ffffffffffff.qcow2" }),
    changes: [["image", "replace"]],
  },
  {
    name: "an image of that name in another folder",
    spec: volumes.overlay!,
    source: volumeSource({ backing: "/other/debian-0123456789ab.qcow2" }),
    changes: [["image", "replace"]],
  },
  {
    name: "an overlay whose image is taken for raw",
    spec: volumes.overlay!,
    source: volumeSource({ backing: imagePath, backingFormat: "raw" }),
    changes: [["image.format", "replace"]],
  },
  {
    name: "an overlay that shall be a copy",
    spec: volumes.full!,
    source: volumeSource({ backing: imagePath }),
    changes: [["clone", "replace"]],
  },
  {
    name: "a copy that shall be an overlay",
    spec: volumes.overlay!,
    source: volumeSource(),
    changes: [["image", "replace"]],
  },
  {
    name: "an overlay that shall be blank",
    spec: volumes.blank!,
    source: volumeSource({ backing: imagePath }),
    changes: [["image", "replace"]],
  },
  {
    name: "a copy of another image, by the last declaration",
    spec: volumes.full!,
    source: volumeSource(),
    previous: { backing: { volume: "debian-ffffffffffff.qcow2" } },
    changes: [["image", "replace"]],
  },
  { name: "a copy of the same image", spec: volumes.full!, source: volumeSource(), changes: [] },
];

for (const { name, spec, source, previous, changes } of comparisons) {
  Deno.test(`a volume compared: ${name}`, () => {
    const { at, lookup } = world(store, image, volume(spec));
    const resource = at("lab/volume.root");
    const found = volumeKind.diff(resource, observed(resource, source), { previous, lookup });
    assert.deepEqual(found.map((change) => [change.path, change.disruption]), changes);
  });
}

const wrong: readonly (readonly [string, Declared, readonly string[]])[] = [
  ["blank without capacity", volume({}), ["volume.no-capacity"]],
  ["shrinking", volume({ capacity: "10GiB" }, volumeSource()), ["volume.shrink"]],
  ["growing is right", volume({ capacity: "30GiB" }, volumeSource()), []],
  [
    "a smaller volume in place of another kind is none that shrinks",
    volume({ capacity: "10GiB" }, volumeSource({ backing: imagePath })),
    [],
  ],
  [
    "smaller than its image",
    volume({ image: image.address, capacity: "1GiB" }),
    ["volume.smaller-than-image"],
  ],
];

for (const [name, declared, codes] of wrong) {
  Deno.test(`a volume refused when planned: ${name}`, () => {
    const there = { ...image, source: volumeSource({ capacity: 2 * GiB }) };
    const { at, lookup } = world(store, there, declared);
    const issues = volumeKind.check(at(declared.address), lookup);
    assert.deepEqual(issues.map((issue) => issue.code), codes);
    for (const issue of issues) assert.ok(issue.help !== undefined);
  });
}

Deno.test("a volume's fingerprint sees what can be declared, and not its use", () => {
  const source = volumeSource({ backing: imagePath });
  const print = volumeFingerprint(source);
  const used = String(source.xml).replace("200704", "900000").replace("64055", "0")
    .replace("1795365527.6", "1895365527.6").replace("<atime>1<", "<atime>2<");
  assert.notEqual(used, source.xml);
  assert.equal(volumeFingerprint({ ...source, xml: used }), print);
  for (
    const other of [
      volumeSource({ backing: imagePath, capacity: GiB }),
      volumeSource({ backing: `${imagePath}2` }),
      volumeSource({ backing: imagePath, format: "raw" }),
    ]
  ) assert.notEqual(volumeFingerprint(other), print);
});

const seed: Declared = {
  address: "lab/seed.web",
  spec: {
    pool: store.address,
    name: "web",
    userData: "#cloud-config\nhostname: web\n",
    metaData: metaData("6695eb01-f6a4-4304-89aa-97f2502e193f", "web"),
  },
};

Deno.test("golden: a new seed", () => {
  const { at } = world(store, seed);
  golden(import.meta.url, "seed.xml", seedXml(at(seed.address).spec as SeedSpec));
});

Deno.test("a seed is named after what it holds", () => {
  const name = (change: JsonObject) =>
    String(
      world(store, { ...seed, spec: { ...seed.spec, ...change } }).at(seed.address).spec.volume,
    );
  const names = [
    name({}),
    name({ userData: "#!/bin/sh\n" }),
    name({ metaData: "instance-id: x\n" }),
    name({ networkConfig: "" }),
  ];
  assert.equal(new Set(names).size, 4);
  assert.equal(name({}), names[0]);
  assert.match(names[0]!, /^web-seed-[0-9a-f]{12}\.iso$/);
});

Deno.test("a seed that was cut off is uploaded once more", () => {
  const { at, lookup } = world(store, seed);
  const resource = at(seed.address);
  const whole = seedIsoSize(resource.spec as SeedSpec);
  const diff = (capacity: number) =>
    seedKind.diff(resource, observed(resource, volumeSource({ capacity, format: "raw" })), {
      lookup,
    });
  assert.deepEqual(diff(whole), []);
  assert.deepEqual(diff(2048).map((change) => [change.path, change.disruption]), [
    ["content", "live"],
  ]);
});

Deno.test("a seed that cloud-init would ignore is refused", () => {
  const codes = (spec: JsonObject) => {
    const { at, lookup } = world(store, { ...seed, spec: { ...seed.spec, ...spec } });
    return seedKind.check(at(seed.address), lookup).map((issue) => issue.code);
  };
  assert.deepEqual(codes({}), []);
  assert.deepEqual(codes({ userData: "#!/bin/sh\n", metaData: '{"instance-id": "x"}' }), []);
  assert.deepEqual(codes({ userData: "hostname: web\n" }), ["seed.user-data-unknown"]);
  assert.deepEqual(codes({ metaData: "local-hostname: web\n" }), ["seed.no-instance-id"]);
});

Deno.test("property: a volume that was made as declared has no change", () => {
  const spec = fc.record({
    format: fc.constantFrom("qcow2", "raw"),
    capacity: fc.integer({ min: 1, max: 2 ** 45 }),
    clone: fc.constantFrom(undefined, "overlay", "full"),
  }).filter(({ format, clone }) => clone !== "overlay" || format === "qcow2");
  fc.assert(fc.property(spec, ({ format, capacity, clone }) => {
    const cloned = clone === undefined ? {} : { image: image.address, clone };
    const { at, lookup } = world(store, image, volume({ format, capacity, ...cloned }));
    const resource = at("lab/volume.root");
    const xml = volumeXml(resource.spec as VolumeSpec);
    assert.deepEqual(
      volumeKind.diff(resource, observed(resource, { xml, path: "" }), { lookup }),
      [],
    );
  }));
});
