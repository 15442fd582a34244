/** What a plan makes of what stopped runs may have left on a host. */

import assert from "node:assert/strict";
import { makePlan } from "../../planner/make_plan.ts";
import type { JsonObject, Kind } from "../../providers/provider.ts";
import type { ResourceRecord, ResourceStatus, StackRecord } from "../../state/store.ts";
import { fakeKinds } from "./fake_kinds.ts";
import { resource, topology, World } from "./world.ts";
import { small } from "./small_stack.ts";

const IMAGE = "lab/image.debian";
const WEB = "lab/machine.web";

/** Images as they are on real hosts: a torn one is not seen. */
const kinds: ReadonlyMap<string, Kind> = new Map(
  [...fakeKinds].map(([name, kind]) => [name, name === "image" ? { ...kind, hides: true } : kind]),
);

/** The small stack, applied, with the row of an address changed. */
function applied(address: string, change: (row: ResourceRecord) => ResourceRecord): World {
  const world = new World();
  world.apply(topology(small()));
  const record: StackRecord = world.record!;
  world.record = {
    ...record,
    resources: record.resources.map((row) => row.address === address ? change(row) : row),
  };
  return world;
}

function withStatus(status: ResourceStatus): World {
  const world = applied(IMAGE, (row) => ({ ...row, status }));
  const row = world.record!.resources.find(({ address }) => address === IMAGE)!;
  world.remove("lab", "image", row.key);
  return world;
}

/** Steps of a plan that destroys everything. */
function destruction(world: World): readonly string[] {
  const { plan } = makePlan({
    kinds,
    observed: world.read(undefined, { mode: "destroy" }),
    facts: {},
    record: world.record!,
    mode: "destroy",
  });
  return plan.steps.map(({ id }) => id);
}

Deno.test("what is not seen of a stopped run is deleted, where its kind leaves such things", () => {
  for (const status of ["creating", "updating", "deleting"] as const) {
    assert.ok(destruction(withStatus(status)).includes(`delete:${IMAGE}`), status);
  }
});

Deno.test("what is gone and was whole is forgotten", () => {
  assert.ok(!destruction(withStatus("present")).includes(`delete:${IMAGE}`));
});

Deno.test("an update is told every declaration of which the object may have something", () => {
  const spec = (more: JsonObject) => ({ ...resource(WEB, {}).spec, ...more });
  const world = applied(WEB, (row) => ({
    ...row,
    status: "updating",
    target: { ...row.resource, spec: { ...row.resource.spec, ...spec({ vcpus: 3 }) } },
    stopped: [{ ...row.resource, spec: { ...row.resource.spec, ...spec({ vcpus: 5 }) } }],
  }));
  const plan = world.planned(topology(small({ machine: { vcpus: 4 } })));
  const step = plan.steps.find(({ id }) => id === `update:${WEB}`)!;
  assert.equal(step.previous?.vcpus, 1);
  assert.deepEqual(step.unsettled?.map(({ vcpus }) => vcpus), [3, 5]);
  assert.deepEqual(step.changes.map(({ path, after }) => [path, after]), [["vcpus", 4]]);
});

Deno.test("a creation that goes on is told what was being made", () => {
  const world = applied(WEB, (row) => ({
    ...row,
    status: "creating",
    stopped: [{ ...row.resource, spec: { ...row.resource.spec, vcpus: 5 } }],
  }));
  const plan = world.planned(topology(small({ machine: { vcpus: 4 } })));
  const step = plan.steps.find(({ id }) => id === `create:${WEB}`)!;
  assert.equal(step.previous?.vcpus, 1);
  assert.deepEqual(step.unsettled?.map(({ vcpus }) => vcpus), [5]);
});
