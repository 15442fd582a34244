import assert from "node:assert/strict";
import { factsForeseen, factsNeeded } from "../../planner/requests.ts";
import { select } from "../../planner/select.ts";
import { fakeKinds } from "./fake_kinds.ts";
import { resource, topology, World } from "./world.ts";

const pool = (host: string, tenure: "managed" | "existing" = "managed") =>
  resource(`${host}/pool.store`, { name: "store" }, { tenure });

Deno.test("a host that gets something new is asked for its facts while it is read, no other", () => {
  const world = new World();
  const before = topology([pool("a"), pool("b")]);
  assert.deepEqual(factsForeseen(before, undefined), ["a", "b"]);
  world.apply(before);
  assert.deepEqual(factsForeseen(before, world.record), []);

  const network = resource("b/network.front", { name: "front", subnet: "10.0.0.0/24" });
  const after = topology([...before.resources, network, pool("c", "existing")]);
  assert.deepEqual(factsForeseen(after, world.record), ["b"]);
  const onlyA = select(after, world.record, fakeKinds, { mode: "apply", target: ["a/*"] });
  assert.deepEqual(factsForeseen(after, world.record, onlyA), []);

  // What was changed by hand is seen only once it is read.
  world.remove("a", "pool", "store");
  const observed = world.read(after, {});
  assert.deepEqual(factsForeseen(before, world.record), []);
  assert.deepEqual(factsNeeded(before, world.record, fakeKinds, { observed }), ["a"]);
});
