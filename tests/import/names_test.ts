/** What a host calls things is more than TypeScript and a stack's addresses allow; and texts are anything. */

import assert from "node:assert/strict";
import { draftStack, stackNameOf } from "../../cli/import/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import { type Draft, draftedStack, writeStack } from "../../stacks/write/mod.ts";
import { golden } from "../support/golden.ts";
import { seen } from "./world.ts";

const text = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const uuid = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

const domain = (name: string, index: number, more = "", inside = "") =>
  seen(
    "machine",
    `<!-- made by hand --><domain type='kvm'><name>${text(name)}</name><uuid>${
      uuid(index)
    }</uuid>` +
      `${more}<memory unit='KiB'>131072</memory><vcpu>1</vcpu>` +
      "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><!-- q35 --></os>" +
      `<devices><!-- none -->${inside}</devices></domain>`,
  );

const network = (name: string, index: number) =>
  seen(
    "network",
    `<network><name>${text(name)}</name><uuid>${
      uuid(index)
    }</uuid><bridge name='br${index}'/></network>`,
    { active: true, autostart: true },
  );

const on = (name: string, mac: number) =>
  `<interface type='network'><mac address='52:54:00:00:00:${mac}'/>` +
  `<source network='${text(name)}'/></interface>`;

/** The text evaluates to what the draft says. */
function evaluated(draft: Draft) {
  const { resources } = buildTopology(draftedStack(draft));
  return resources.map(({ address, spec }) => `${address} ${spec.name}`);
}

Deno.test("names that are no identifiers, names twice, and names beyond ASCII", () => {
  const names = [
    "web 1",
    "web-1",
    "Büro-Rechner",
    "数据库",
    "class",
    "---",
    "a/../b".replaceAll("/", ":"),
  ];
  const networks = ["class", "web 1", "новая сеть", "host", "stack"];
  const { draft, refused } = draftStack({ name: "odd", uri: "qemu:///system" }, {
    machines: names.map((name, index) =>
      domain(name, index, "", networks.map((one, nic) => on(one, 10 * (index + 1) + nic)).join(""))
    ),
    networks: networks.map((name, index) => network(name, 50 + index)),
    pools: [],
    volumes: [],
  });
  assert.deepEqual(refused, []);
  const found = evaluated(draft);
  for (const name of [...names, ...networks]) {
    assert.equal(found.filter((one) => one.endsWith(` ${name}`)).length > 0, true, name);
  }
  golden(import.meta.url, "odd_names.ts.txt", writeStack(draft));
});

Deno.test("texts of any kind are written so that they come back as they were", () => {
  const title = "Ä \"quoted\" 'title' with `ticks`, ${braces}, */ and \\ – 機械";
  const description = "first line\n// no comment\n\ttabbed \u2028 separated\n</script>";
  const { draft, refused } = draftStack({ name: "texts", uri: "qemu:///system" }, {
    machines: [
      domain(
        "web",
        1,
        `<title>${text(title)}</title><description>${text(description)}</description>`,
      ),
    ],
    networks: [],
    pools: [],
    volumes: [],
  });
  assert.deepEqual(refused, []);
  const [machine] = buildTopology(draftedStack(draft)).resources;
  assert.equal(machine!.spec.title, title);
  assert.equal(machine!.spec.description, description);
  golden(import.meta.url, "odd_texts.ts.txt", writeStack(draft));
});

Deno.test("a machine of half a megabyte is imported whole", () => {
  const disks = Array.from({ length: 200 }, (_, index) => {
    const dev = `sd${String.fromCharCode(97 + Math.floor(index / 26))}${
      String.fromCharCode(97 + index % 26)
    }`;
    return `<disk type='file' device='disk'><driver name='qemu' type='raw'/>` +
      `<source file='/srv/disks/${index}.img'/><target dev='${dev}' bus='scsi'/></disk>`;
  });
  const description = "All work and no play. ".repeat(25_000);
  const { draft, refused } = draftStack({ name: "large", uri: "qemu:///system" }, {
    machines: [
      domain("large", 1, `<description>${description}</description>`, disks.join("")),
    ],
    networks: [],
    pools: [],
    volumes: [],
  });
  assert.deepEqual(refused, []);
  const [machine] = buildTopology(draftedStack(draft)).resources;
  assert.equal((machine!.spec.disks as readonly unknown[]).length, 200);
  assert.equal(machine!.spec.description, description);
  assert.ok(writeStack(draft).length > 500_000);
});

Deno.test("the folder names the stack", () => {
  assert.deepEqual(
    ["/srv/shop", "/srv/shop/", "/srv/my shop", "/srv/ünï", "/srv/..", "/"].map(stackNameOf),
    ["shop", "shop", "my-shop", "u-ni", "imported", "imported"],
  );
});
