/** The schemas: what they normalise, and the words in which they refuse. */

import assert from "node:assert/strict";
import type { JsonObject } from "../../../providers/provider.ts";
import { golden } from "../../support/golden.ts";
import { kindOf } from "./world.ts";

Deno.test("addresses, digests and paths have one spelling", () => {
  const network = kindOf("network").schema.parse({
    name: "n",
    subnet: "10.0.0.0/24",
    reservations: [{ mac: "52-54-00-AB-CD-EF", ip: "10.0.0.2" }],
    dns: { hosts: [{ ip: "FD00:0::0005", names: ["a"] }] },
  });
  assert.deepEqual(network, {
    name: "n",
    subnet: "10.0.0.0/24",
    reservations: [{ mac: "52:54:00:ab:cd:ef", ip: "10.0.0.2" }],
    dns: { hosts: [{ ip: "fd00::5", names: ["a"] }] },
    autostart: true,
  });
  assert.deepEqual(kindOf("pool").schema.parse({ name: "p", path: "/srv//a/" }), {
    name: "p",
    path: "/srv/a",
    autostart: true,
  });
});

const pool = "lab/pool.store";
const bad: readonly (readonly [kind: string, spec: JsonObject])[] = [
  ["pool", { name: "p", path: "images" }],
  ["pool", { name: "p", path: "/srv/../etc" }],
  ["pool", { name: "a/b" }],
  ["pool", { name: "p", pth: "/srv" }],
  ["image", { pool, name: "i", from: "https://example.org/i", format: "qcow2" }],
  ["image", { pool, name: "i", from: "ftp://example.org/i", format: "raw" }],
  ["image", { pool, name: "i", from: "./i", format: "vmdk" }],
  ["image", { pool: "store", name: "i", from: "./i", format: "raw" }],
  ["image", { pool, name: "i", from: "./i", format: "raw", sha256: "12" }],
  ["volume", { pool, name: "v", format: "qcow2", capacity: "20GB" }],
  ["volume", { pool, name: "../v", format: "qcow2", capacity: "20GiB" }],
  ["volume", { pool, name: "v", format: "raw", image: "lab/image.i" }],
  ["volume", { pool, name: "v", format: "qcow2", capacity: 1, clone: "full" }],
  ["volume", { pool, name: "v", format: "qcow2", image: "lab/volume.i" }],
  ["seed", { pool, name: "s", userData: "\ud800", metaData: "" }],
  ["network", { name: "n", mode: "vlan" }],
  ["network", { name: "n", subnet: "10.0.0.7/24" }],
  ["network", { name: "n", subnet: "10.0.0.0" }],
  ["network", { name: "n", subnet: "fd00::/64" }],
  ["network", { name: "n", subnet: "10.0.0.0/31" }],
  ["network", { name: "n", subnet: "10.0.0.0/24", gateway: "10.0.0.300" }],
  ["network", { name: "n", subnet: "10.0.0.0/24", dhcp: true }],
  ["network", { name: "n", gateway: "10.0.0.1" }],
  ["network", { name: "n", bridge: "a-much-too-long-name" }],
  ["network", { name: "n", mode: "bridge" }],
  ["network", { name: "n", mode: "bridge", bridge: "br0", subnet: "10.0.0.0/24" }],
  ["network", { name: "n", subnet: "10.0.0.0/24", reservations: [{ mac: "1", ip: "10.0.0.2" }] }],
  ["network", {
    name: "n",
    subnet: "10.0.0.0/24",
    reservations: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.2", name: "9lives" }],
  }],
  ["network", { name: "n", dns: { hosts: [{ ip: "x", names: [] }] } }],
];

Deno.test("golden: refusals say what would be valid", () => {
  const lines = bad.map(([name, spec]) => {
    const result = kindOf(name).schema.safeParse(spec);
    assert.equal(result.success, false, JSON.stringify(spec));
    const issues = result.error!.issues
      .map((issue) => `  ${issue.path.join(".") || "(all)"}: ${issue.message}`);
    return `${name} ${JSON.stringify(spec)}\n${issues.join("\n")}`;
  });
  golden(import.meta.url, "refusals.txt", lines.join("\n"));
});

const cheap = ["network", "pool", "image", "volume", "seed"];

for (const name of cheap) {
  Deno.test(`the schema of a ${name} imports zod and its neighbours alone`, () => {
    const file = new URL(
      `../../../providers/kvm/kinds/${name}/schema.ts`,
      import.meta.url,
    );
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", file.href],
    }).outputSync();
    const graph: { modules: { specifier: string }[] } = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    const foreign = graph.modules.map((module) => module.specifier).filter((specifier) =>
      !specifier.startsWith("npm:/zod@") &&
      !new RegExp(`/kinds/(${name}/schema|ip|metadata_entry|patch|reference|size)\\.ts$`).test(
        specifier,
      )
    );
    assert.ok(graph.modules.length > 1);
    assert.deepEqual(foreign, []);
  });
}
