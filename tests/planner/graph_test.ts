import assert from "node:assert/strict";
import fc from "fast-check";
import { closure, levels, reversed, topologicalOrder } from "../../planner/graph.ts";

const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges));

/** Graphs without cycles: each node needs nodes with smaller numbers only. */
const acyclic = fc.array(fc.array(fc.nat(30), { maxLength: 5 }), { maxLength: 30 }).map((lists) =>
  new Map(lists.map((needs, index) => [
    `n${index}`,
    needs.filter((need) => need < index).map((need) => `n${need}`),
  ]))
);

Deno.test("every node stands behind what it needs", () => {
  fc.assert(fc.property(acyclic, (made) => {
    const { order, cycles } = topologicalOrder(made);
    assert.deepEqual(cycles, []);
    assert.equal(order.length, made.size);
    const place = new Map(order.map((node, index) => [node, index]));
    for (const [node, needs] of made) {
      for (const need of needs) assert.ok(place.get(need)! < place.get(node)!);
    }
  }));
});

Deno.test("the order in which nodes were put in makes no difference", () => {
  fc.assert(fc.property(acyclic, (made) => {
    const turned = new Map(
      [...made].reverse().map(([node, needs]) => [node, [...needs].reverse()]),
    );
    assert.deepEqual(topologicalOrder(turned), topologicalOrder(made));
  }));
});

Deno.test("a cycle is named in full, once, from its least name", () => {
  const cycles = (edges: Record<string, string[]>) => topologicalOrder(graph(edges)).cycles;
  assert.deepEqual(cycles({ a: ["b"], b: ["a"] }), [["a", "b", "a"]]);
  assert.deepEqual(cycles({ c: ["a"], a: ["b"], b: ["c"], d: ["a"] }), [["a", "b", "c", "a"]]);
  assert.deepEqual(cycles({ a: ["a"] }), [["a", "a"]]);
  assert.deepEqual(cycles({ a: ["b"], b: ["a"], x: ["y"], y: ["x"] }), [
    ["a", "b", "a"],
    ["x", "y", "x"],
  ]);
});

Deno.test("a chain of a hundred thousand is no matter of the stack's depth", () => {
  const long = new Map(
    Array.from({ length: 100_000 }, (_, i) => [`n${i}`, i === 0 ? [] : [`n${i - 1}`]]),
  );
  assert.equal(topologicalOrder(long).order[0], "n0");
});

Deno.test("levels, the way back, and what is reached", () => {
  const diamond = graph({ top: ["left", "right"], left: ["base"], right: ["base"], base: ["?"] });
  assert.deepEqual(
    Object.fromEntries(levels(diamond)),
    { base: 0, left: 1, right: 1, top: 2 },
  );
  assert.deepEqual(reversed(diamond).get("base"), ["left", "right"]);
  assert.deepEqual([...closure(diamond, ["left"])].sort(), ["?", "base", "left"]);
});
