import assert from "node:assert/strict";
import fc from "fast-check";
import type { FieldChange, Json, JsonObject } from "../../providers/provider.ts";
import { canonicalJson, digest, sameJson } from "../../planner/digest.ts";
import { nearest } from "../../planner/nearest.ts";
import {
  masked,
  parsePath,
  pathText,
  placesOf,
  valueAt,
  withChanges,
} from "../../planner/paths.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;

Deno.test("two values are the same when their digests are", () => {
  fc.assert(fc.property(json, json, (a, b) => {
    assert.equal(sameJson(a, b), canonicalJson(a) === canonicalJson(b));
    assert.equal(digest(a) === digest(b), sameJson(a, b));
    assert.ok(sameJson(a, structuredClone(a) as Json));
  }));
});

Deno.test("the order of keys and keys without a value make no difference", () => {
  assert.ok(sameJson({ a: 1, b: undefined, c: [{ d: 2 }] }, { c: [{ d: 2 }], a: 1 }));
  assert.equal(digest({ a: 1, b: undefined }), digest({ a: 1 }));
  assert.ok(!sameJson({ a: undefined }, { b: 1 }));
  assert.ok(!sameJson({ a: 1 }, { a: 1, b: null }));
  assert.ok(!sameJson([], {}));
  assert.ok(!sameJson([1], [1, 2]));
});

const spec: JsonObject = {
  vcpus: 2,
  disks: [{ name: "root", size: 1 }, { name: "data", size: 2 }],
  dhcp: { hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.2" }] },
  forwarders: ["1.1.1.1", "9.9.9.9"],
};

Deno.test("paths name entries of lists by what names them", () => {
  const table: [PropertyKey[], string][] = [
    [["vcpus"], "vcpus"],
    [["disks", 1, "size"], "disks[data].size"],
    [["dhcp", "hosts", 0, "ip"], "dhcp.hosts[52:54:00:00:00:01].ip"],
    [["forwarders", 1], "forwarders[9.9.9.9]"],
    [["disks", 5, "size"], "disks[5].size"],
  ];
  for (const [places, path] of table) assert.equal(pathText(spec, places), path);
  for (const [places, path] of table.slice(0, 4)) {
    assert.deepEqual(placesOf(spec, path), places);
    assert.notEqual(valueAt(spec, parsePath(path)), undefined);
  }
});

Deno.test("changes are made at their paths and nowhere else", () => {
  const change = (path: string, after?: Json): FieldChange => ({ path, after, disruption: "live" });
  const before = structuredClone(spec);
  assert.deepEqual(withChanges(spec, [change("disks[data].size", 3), change("vcpus", 4)]), {
    ...spec,
    vcpus: 4,
    disks: [{ name: "root", size: 1 }, { name: "data", size: 3 }],
  });
  assert.deepEqual(withChanges(spec, [change("disks[root]")]).disks, [{ name: "data", size: 2 }]);
  assert.deepEqual(
    withChanges(spec, [change("disks[more]", { name: "more", size: 4 })]).disks,
    [{ name: "root", size: 1 }, { name: "data", size: 2 }, { name: "more", size: 4 }],
  );
  assert.deepEqual(withChanges({}, [change("disks[root].size", 1)]), {
    disks: [{ name: "root", size: 1 }],
  });
  assert.deepEqual(spec, before);
});

Deno.test("masking hides what is there and adds nothing", () => {
  assert.deepEqual(masked({ a: 1, b: 2 }, ["b", "c"], "-"), { a: 1, b: "-" });
  assert.equal(masked(undefined, ["a"], "-"), undefined);
});

Deno.test("a slip of the finger finds the name that was meant, a stranger none", () => {
  const names = ["memory", "vcpus", "disks"];
  assert.equal(nearest("memmory", names), "memory");
  assert.equal(nearest("vcpsu", names), "vcpus");
  assert.equal(nearest("colour", names), undefined);
});
