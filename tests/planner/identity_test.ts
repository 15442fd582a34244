import assert from "node:assert/strict";
import fc from "fast-check";
import { v5, validate, version } from "uuid";
import { nicMac, resourceUuid, STADDLE_NAMESPACE, uuidName } from "../../planner/identity.ts";

Deno.test("the namespace is a UUID, and stays what it is", () => {
  assert.ok(validate(STADDLE_NAMESPACE));
  assert.equal(version(STADDLE_NAMESPACE), 5);
  assert.equal(
    resourceUuid("shop", "lab/machine.web-0"),
    v5(uuidName("shop", "lab/machine.web-0"), STADDLE_NAMESPACE),
  );
  // Written out: a change here would lose every machine that was ever made.
  assert.equal(resourceUuid("shop", "lab/machine.web"), "2992c3ec-9f4b-5ce5-92cb-8acd876368e5");
  assert.equal(nicMac("8a6e0804-2bd0-4672-b79d-d97027f9071a", 0), "52:54:05:4f:c2:e7");
});

Deno.test("a UUID is version 5 as the uuid package computes it, for any name", () => {
  fc.assert(fc.property(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "grapheme" }),
    (stack, address) => {
      const uuid = resourceUuid(stack, address);
      assert.equal(uuid, v5(uuidName(stack, address), STADDLE_NAMESPACE));
    },
  ));
});

Deno.test("a name longer than the buffer is digested whole", () => {
  const long = "ü".repeat(5000);
  assert.equal(
    resourceUuid("shop", long),
    v5(uuidName("shop", long), STADDLE_NAMESPACE),
  );
});

Deno.test("a MAC address is unicast, locally administered, and follows from machine and place", () => {
  fc.assert(fc.property(fc.uuid(), fc.nat(64), (uuid, index) => {
    const mac = nicMac(uuid, index);
    assert.match(mac, /^52:54(:[0-9a-f]{2}){4}$/);
    const first = Number.parseInt(mac.slice(0, 2), 16);
    assert.equal(first & 1, 0, "multicast");
    assert.equal(first & 2, 2, "globally administered");
    assert.equal(mac, nicMac(uuid.toUpperCase(), index));
    assert.notEqual(mac, nicMac(uuid, index + 1));
  }));
});

Deno.test("no two of a thousand machines share a UUID or a MAC address", () => {
  const uuids = Array.from({ length: 1000 }, (_, i) => resourceUuid("shop", `lab/machine.m-${i}`));
  assert.equal(new Set(uuids).size, 1000);
  assert.equal(new Set(uuids.map((uuid) => nicMac(uuid, 0))).size, 1000);
});
