/**
 * What holds for every stack.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { buildTopology } from "../../stacks/build.ts";
import { toYaml } from "../../stacks/cloud_config.ts";
import { stack } from "../../stacks/mod.ts";
import { differences } from "../../stacks/sandbox/difference.ts";
import { withoutComments } from "../../stacks/sandbox/project.ts";
import { editDistance, nearest } from "../../stacks/suggest.ts";
import type { Json, JsonObject } from "../../providers/provider.ts";

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/), {
  minLength: 1,
  maxLength: 30,
});

/** A stack of machines, declared in the given order. */
function machines(order: readonly string[]) {
  return buildTopology(stack("order", (s) => {
    const lab = s.host("lab", { uri: "qemu:///system" });
    const net = lab.network("net", { nat: "10.30.0.0/26", dhcp: false });
    for (const name of order) lab.vm(name, { memory: "1GiB", nics: [{ network: net }] });
  }));
}

Deno.test("the order of declaration changes no identity and no address", () => {
  fc.assert(
    fc.property(
      names.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
      ),
      ([all, shuffled]) => {
        const [a, b] = [machines(all), machines(shuffled)];
        assert.deepEqual(a.reservations, b.reservations);
        const sorted = (topology: typeof a) =>
          topology.resources.map(({ declaredAt: _, ...rest }) => rest)
            .sort((x, y) => (x.address < y.address ? -1 : 1));
        assert.deepEqual(sorted(a), sorted(b));
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("no two machines of a stack share a UUID, a MAC or an address", () => {
  fc.assert(
    fc.property(names, (all) => {
      const { resources, reservations } = machines(all);
      const vms = resources.filter((one) => one.kind === "machine");
      const macs = vms.flatMap((one) => (one.spec.nics as JsonObject[]).map((nic) => nic.mac));
      for (const list of [vms.map((one) => one.uuid), macs, Object.values(reservations)]) {
        assert.equal(new Set(list).size, all.length);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("an address that was reserved stays when machines come and go", () => {
  fc.assert(
    fc.property(names, names, (before, after) => {
      const prior = machines(before).reservations;
      const { reservations } = buildTopology(
        stack("order", (s) => {
          const lab = s.host("lab", { uri: "qemu:///system" });
          const net = lab.network("net", { nat: "10.30.0.0/26", dhcp: false });
          for (const name of after) lab.vm(name, { memory: "1GiB", nics: [{ network: net }] });
        }),
        { reservations: prior },
      );
      for (const [key, ip] of Object.entries(reservations)) assert.equal(ip, prior[key] ?? ip);
    }),
    { numRuns: 30 },
  );
});

/** Text without what no YAML document can hold: halves of a character. */
const text = fc.string({ unit: "grapheme", maxLength: 30 });

Deno.test("YAML that is written is read as it was meant", () => {
  const leaf: fc.Arbitrary<Json> = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
  const list = { minLength: 1, maxLength: 4 };
  const key = fc.stringMatching(/^[a-z][a-z_-]{0,8}$/);
  const mapping = (depth: number): fc.Arbitrary<JsonObject> =>
    fc.dictionary(key, value(depth), { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  const value = (depth: number): fc.Arbitrary<Json> =>
    depth === 0 ? leaf : fc.oneof(leaf, fc.array(value(depth - 1), list), mapping(depth - 1));
  fc.assert(fc.property(mapping(3), (given) => {
    // Lists that are empty are left out, so there are none here.
    assert.deepEqual(parse(toYaml(given), { version: "1.2" }), given);
  }));
});

Deno.test("lines of text survive YAML", () => {
  const lines = fc.array(fc.stringMatching(/^[ -~]{0,12}$/), { minLength: 1, maxLength: 6 })
    .map((all) => all.join("\n"));
  fc.assert(
    fc.property(lines, (content) => {
      for (const version of ["1.1", "1.2"] as const) {
        assert.equal(parse(toYaml({ list: [{ content }] }), { version }).list[0].content, content);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("equal values have no difference, and a changed leaf is found where it is", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(differences(value as Json, structuredClone(value) as Json), []);
  }));
  assert.deepEqual(
    differences(
      { resources: [{ address: "a/b.c", spec: { memory: 1 } }], outputs: { x: [1, 2] } },
      { resources: [{ address: "a/b.c", spec: { memory: 2 } }], outputs: { x: [1] } },
    ),
    [
      { path: "resources[a/b.c].spec.memory", first: 1, second: 2 },
      { path: "outputs.x[1]", first: 2, second: undefined },
    ],
  );
});

Deno.test("edit distance is a distance, and the nearest word is within a third", () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(fc.property(word, word, (a, b) => {
    assert.equal(editDistance(a, b), editDistance(b, a));
    assert.equal(editDistance(a, b) === 0, a === b);
    assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
  }));
  assert.equal(nearest("memroy", ["memory", "nics"]), "memory");
  assert.equal(nearest("x", ["memory", "nics"]), undefined);
});

Deno.test("comments and trailing commas are taken out of JSON, and nothing else", () => {
  fc.assert(fc.property(fc.json(), (json) => {
    assert.deepEqual(JSON.parse(withoutComments(json)), JSON.parse(json));
  }));
  const text = '{ // one\n "a": "// no /* comment */", /* two */ "b": [1, 2,], }';
  assert.deepEqual(JSON.parse(withoutComments(text)), { a: "// no /* comment */", b: [1, 2] });
});
