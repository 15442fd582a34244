/**
 * Reference pages and JSON schemas: they are what the tables say, and honest about what the tables lack.
 */

import assert from "node:assert/strict";
import { BY_DEVICE, BY_MACHINE, NOT_HAD, OTHERS, STATE } from "../../../docs/hatch.ts";
import { pages } from "../../../docs/mod.ts";
import { machineTable } from "../../../providers/kvm/kinds/machine/table.ts";
import { ownedPlaces, ownerOfPatch } from "../../../providers/kvm/kinds/hatch_places.ts";
import { z } from "zod";
import type { JsonObject } from "../../../providers/provider.ts";
import type { Table } from "../../../providers/kvm/table/mod.ts";
import { SAMPLES } from "../machine/devices.ts";
import { kindOf } from "./world.ts";
import { matchesPlace, schemaPlaces, SCHEMAS, tablePlaces } from "./schema_places.ts";

Deno.test("the reference pages are up to date", async () => {
  for (const [name, text] of pages()) {
    const file = new URL(`../../../docs/${name}`, import.meta.url);
    const stands = await Deno.readTextFile(file).catch(() => "");
    assert.ok(stands === text, `docs/${name} is not what the tables say: run \`deno task docs\``);
  }
});

Deno.test("every field has words, a type, and a change class that is said", () => {
  for (const kind of ["machine", "network", "pool", "image", "volume", "seed"]) {
    for (const field of kindOf(kind).fields) {
      assert.notEqual(field.doc, "", `${kind}: ${field.path} has no words`);
      assert.doesNotMatch(
        field.type,
        /^any$|: any\b|\bany\[\]/,
        `${kind}: ${field.path} is of any type`,
      );
      assert.ok(field.change !== "varies" || field.when !== undefined, `${kind}: ${field.path}`);
    }
  }
});

Deno.test("a JSON schema takes what a topology has, and nothing else", () => {
  const texts = pages();
  const schemaOf = (kind: string) =>
    z.fromJSONSchema(JSON.parse(texts.get(`schemas/${kind}.json`)!));
  const machine = schemaOf("machine");
  const bare = { name: "web", memory: 2 ** 28, disks: [], nics: [] };
  for (const { path, before, after } of SAMPLES) {
    for (const declared of [before, after]) {
      const spec = kindOf("machine").schema.parse({ ...bare, ...declared });
      const { error } = machine.safeParse(spec);
      assert.equal(error, undefined, `${path}: ${error && z.prettifyError(error)}`);
    }
  }
  const disk = { name: "root", file: "/srv/a.img" };
  const pool = "lab/pool.store";
  const refused: readonly (readonly [kind: string, spec: JsonObject])[] = [
    ["machine", { ...bare, memmory: 1 }],
    ["machine", { ...bare, disks: [{ ...disk, cahce: "none" }] }],
    ["machine", { ...bare, disks: [{ ...disk, cache: "all" }] }],
    ["machine", { ...bare, vcpus: "2" }],
    ["machine", { name: "web", disks: [], nics: [] }],
    ["network", { name: "front", mode: "vlan" }],
    ["pool", { path: "/srv" }],
    ["image", { pool, name: "i", from: "./i", format: "vmdk" }],
    ["volume", { pool: "store", name: "v", format: "raw" }],
    ["seed", { pool, name: "s", userData: "" }],
  ];
  for (const [kind, spec] of refused) {
    assert.equal(schemaOf(kind).safeParse(spec).success, false, JSON.stringify(spec));
  }
});

/** Further places of fields whose value stands at more than one. */
const BESIDE: readonly string[] = [
  "./**/@unit",
  "./uuid",
  "./commandline/**",
  "./metadata/**",
  "./cpu/maxphysaddr/@mode",
  "./cpu/numa/interconnects/**",
  "./features/*/*/@state",
  "./memoryBacking/hugepages/page/**",
  "./os/acpi/table/@type",
  "./os/firmware/feature/@name",
  "./sysinfo/@type",
  "./sysinfo/*/entry/@name",
  "./devices/channel/target/@type",
  "./devices/disk/@type",
  "./devices/disk/auth/**",
  "./devices/disk/encryption/**",
  "./devices/disk/source/**",
  "./devices/disk/driver/@name",
  "./devices/graphics/@autoport",
  "./devices/graphics/@listen",
  "./devices/graphics/@socket",
  "./devices/graphics/listen/@type",
  "./devices/hostdev/@mode",
  "./devices/hostdev/@type",
  "./devices/hostdev/source/**",
  "./devices/hub/@type",
  "./devices/interface/@managed",
  "./devices/interface/backend/@logFile",
  "./devices/interface/filterref/**",
  "./devices/interface/ip/**",
  "./devices/interface/portForward/**",
  "./devices/interface/source/**",
  "./devices/interface/vlan/**",
  "./devices/*/source/reconnect/@enabled",
  "./devices/redirdev/@bus",
  "./devices/redirfilter/**",
  "./devices/smartcard/@type",
  "./devices/tpm/backend/source/@*",
  "./devices/vsock/cid/@*",
];

const ALL_LEFT = [...BY_MACHINE, ...BY_DEVICE, ...NOT_HAD, ...OTHERS, ...STATE];
const LEFT = ALL_LEFT.flatMap(({ places }) => places);
/** What the oldest libvirt that is tried has, and any later one. */
const LEFT_EVERYWHERE = ALL_LEFT.filter(({ later }) => later !== true)
  .flatMap(({ places }) => places);

let places: readonly string[] = [];
try {
  places = schemaPlaces();
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
const needsSchema = {
  ignore: places.length === 0,
  name: `${SCHEMAS}: every place is a field's, or is said to be none`,
};

Deno.test({
  ...needsSchema,
  fn: () => {
    assert.ok(places.length > 1000, `${places.length} places`);
    const owned = tablePlaces(machineTable as Table);
    const lost = places.filter((place) =>
      !owned.has(place) && ![...BESIDE, ...LEFT].some((pattern) => matchesPlace(pattern, place))
    );
    assert.deepEqual(lost, []);
    const idle = [...BESIDE, ...LEFT_EVERYWHERE].filter((pattern) =>
      !places.some((place) => matchesPlace(pattern, place) && !owned.has(place))
    );
    assert.deepEqual(idle, [], "stands for nothing that the table lacks");
  },
});

Deno.test("what the page leaves to the escape hatch is nobody's", () => {
  const owned = ownedPlaces(machineTable as Table);
  for (const place of BY_MACHINE.flatMap(({ places }) => places)) {
    const path = place.replace("/**", "");
    // The namespace of QEMU has a prefix in XML.
    const written = path.replace(/^\.\/(capabilities|deprecation|override)/, "./qemu:$1");
    assert.equal(ownerOfPatch({ path: written, value: "x" }, owned), undefined, written);
  }
});
