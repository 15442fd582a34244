import assert from "node:assert/strict";
import { must } from "./command.ts";

const SCRIPT = new URL("../../scripts/guest/yaml.awk", import.meta.url).pathname;

/** What the guest's own reader of seeds makes of a text. */
async function flatten(text: string): Promise<readonly string[]> {
  return (await must("awk", ["-f", SCRIPT], { stdin: text })).trimEnd().split("\n");
}

const cases: readonly (readonly [what: string, text: string, lines: readonly string[]])[] = [
  ["mappings", "a: 1\nb:\n  c: x y\n  d:\n    e: z\nf: 2\n", ["a=1", "b.c=x y", "b.d.e=z", "f=2"]],
  ["lists", "a:\n  - x\n  - y\nb:\n- z\n", ["a.0=x", "a.1=y", "b.0=z"]],
  ["lists of mappings", "a:\n- to: x\n  via: y\n- to: z\n", ["a.0.to=x", "a.0.via=y", "a.1.to=z"]],
  ["lists of lists", "a:\n  - - x\n    - y\n  - [z, w]\n", [
    "a.0.0=x",
    "a.0.1=y",
    "a.1.0=z",
    "a.1.1=w",
  ]],
  ["flow style", "a: {b: [1, 2], c: x}\n", ["a.b.0=1", "a.b.1=2", "a.c=x"]],
  ["quotes", `a: "x: y # z"\nb: 'it''s'\nc:\n- "p: q"\n`, ["a=x: y # z", "b=it's", "c.0=p: q"]],
  ["comments", "#cloud-config\na: x # y\nb: x#y\n", ["a=x", "b=x#y"]],
  ["literal blocks", "a: |\n  x: y\n  z\nb: 1\n", ["a=x: y", "a=z", "b=1"]],
  ["commands", "runcmd:\n  - echo a >/b\n  - [sh, -c, 'c; d']\n", [
    "runcmd.0=echo a >/b",
    "runcmd.1.0=sh",
    "runcmd.1.1=-c",
    "runcmd.1.2=c; d",
  ]],
  [
    "JSON",
    JSON.stringify({
      version: 2,
      ethernets: { n: { match: { macaddress: "52:54:00:00:00:01" }, dhcp4: true } },
    }),
    [
      "version=2",
      "ethernets.n.match.macaddress=52:54:00:00:00:01",
      "ethernets.n.dhcp4=true",
    ],
  ],
];

for (const [what, text, lines] of cases) {
  Deno.test(`the guest reads ${what} of a seed`, async () => {
    assert.deepEqual(await flatten(text), lines);
  });
}
