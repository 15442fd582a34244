import assert from "node:assert/strict";
import fc from "fast-check";
import { StaddleError } from "../../providers/error.ts";
import {
  MASK,
  parsePlanJson,
  planDocument,
  planJsonSchema,
  renderPlanJson,
} from "../../planner/plan_json.ts";
import type { Plan } from "../../planner/plan.ts";
import { golden } from "../support/golden.ts";
import { small } from "./small_stack.ts";
import { resource, topology, World } from "./world.ts";

const timestamp = "2026-01-02T03:04:05Z";

/** Every action at once: create, update, both orders of replace, delete, no-op, drift, outputs. */
function various(): Plan {
  const world = new World();
  const extra = resource("lab/machine.old", { name: "old" });
  world.apply(topology([...small(), extra], {
    outputs: { address: { value: "10.0.0.5", sensitive: false } },
  }));
  world.change("lab", "machine", "web", { vcpus: 4 });
  return world.planned(topology([
    ...small({
      userData: "other",
      machine: { password: "hunter2", vcpus: 2 },
      volume: { capacity: 200 },
    }),
    resource("lab/pool.more", { name: "more" }),
    resource("lab/volume.raw", { pool: "lab/pool.store", name: "raw", format: "raw" }),
  ], {
    outputs: {
      address: { value: "10.0.0.6", sensitive: false },
      token: { value: "s3cret", sensitive: true },
    },
    parameters: { replicas: 2 },
  }));
}

/** The text of the refusal. */
function refused(text: string, code: string): string {
  let rendered = "";
  assert.throws(() => parsePlanJson(text, "plan.json"), (error) => {
    if (error instanceof StaddleError) rendered = error.render();
    return error instanceof StaddleError && error.code === code && error.help !== undefined;
  });
  return rendered;
}

Deno.test("the document is what Terraform's tools read, with the plan under one key", () => {
  const document = planDocument(various(), { timestamp });
  golden(import.meta.url, "plan.json", JSON.stringify(document, null, 2));
});

Deno.test("a plan comes back as it was written, byte for byte", () => {
  const plan = various();
  const text = renderPlanJson(plan, { timestamp });
  const document = parsePlanJson(text);
  assert.deepEqual(document.staddle.plan, JSON.parse(JSON.stringify(plan)));
  assert.equal(renderPlanJson(document.staddle.plan, { timestamp }), text);
});

Deno.test("sensitive values stand nowhere but in the plan itself", () => {
  const { staddle: _, ...document } = planDocument(various(), { timestamp });
  const text = JSON.stringify(document);
  assert.ok(!text.includes("hunter2") && !text.includes("s3cret"));
  const machine = document.resource_changes.find((item) => item.address === "lab/machine.web")!;
  assert.equal((machine.change.after as { password?: string }).password, MASK);
  assert.deepEqual(machine.change.after_sensitive, { password: true });
});

Deno.test("what is no plan of this version is refused, saying what to do", () => {
  const text = renderPlanJson(various(), { timestamp });
  const document = JSON.parse(text);
  const edited = (change: Record<string, unknown>) => JSON.stringify({ ...document, ...change });
  const texts = [
    refused("", "plan.unreadable"),
    refused(text.slice(0, 500), "plan.unreadable"),
    refused("[]", "plan.format"),
    refused('{"format_version":"1.2"}', "plan.format"),
    refused(edited({ format_version: "2.0" }), "plan.format"),
    refused(edited({ more: 1 }), "plan.invalid"),
    refused(edited({ timestamp: "2027-01-01T00:00:00Z" }), "plan.altered"),
    refused(renderPlanJson(various(), { timestamp, errored: true }), "plan.errored"),
  ];
  golden(import.meta.url, "plan_file_errors.txt", texts.join("\n\n"));
});

Deno.test("a plan that was edited anywhere is refused", () => {
  const text = renderPlanJson(various(), { timestamp });
  const before = JSON.stringify(JSON.parse(text));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, char) => {
      const edited = text.slice(0, at) + char + text.slice(at + 1);
      let same = false;
      try {
        same = JSON.stringify(JSON.parse(edited)) === before;
      } catch {
        // No JSON any more: to be refused like the rest.
      }
      if (same) parsePlanJson(edited);
      else assert.throws(() => parsePlanJson(edited), StaddleError);
    }),
    { numRuns: Number(Deno.env.get("STADDLE_PLAN_EDITS") ?? 300) },
  );
});

Deno.test("steps that contradict each other are refused, though the digest fits", () => {
  const plan = various();
  const [first, ...rest] = plan.steps;
  const forged = (steps: Plan["steps"]) => renderPlanJson({ ...plan, steps }, { timestamp });
  refused(forged([first!, ...plan.steps]), "plan.invalid");
  refused(forged([{ ...first!, needs: [rest[0]!.id] }, ...rest]), "plan.invalid");
  refused(forged([{ ...first!, id: "update:lab/pool.more" }, ...rest]), "plan.invalid");
  refused(forged([{ ...first!, host: "elsewhere" }, ...rest]), "plan.invalid");
});

Deno.test("the JSON schema names every key of the document", () => {
  const schema = planJsonSchema() as { properties: Record<string, unknown>; required: string[] };
  const document = planDocument(various(), { timestamp });
  assert.deepEqual(Object.keys(schema.properties).sort(), Object.keys(document).sort());
  assert.deepEqual([...schema.required].sort(), Object.keys(document).sort());
});
