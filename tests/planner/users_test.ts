/** What a plan takes away, and somebody on the host uses. */

import assert from "node:assert/strict";
import type { Use } from "../../providers/provider.ts";
import type { MadePlan } from "../../planner/make_plan.ts";
import { golden } from "../support/golden.ts";
import { small } from "./small_stack.ts";
import { resource, topology, World } from "./world.ts";

const POOL = "lab/pool.data";
const VOLUME = "lab/volume.data";
const MACHINE = "lab/machine.web";
const IMAGE = "lab/image.debian";

/** The small stack with one more volume that nothing in it uses. */
const whole = [
  ...small(),
  resource(POOL, { name: "data" }),
  resource(VOLUME, { pool: POOL, name: "data.raw", capacity: 1 }),
];

const object = { kind: "volume", key: "data/data.raw" };

function applied(): World {
  const world = new World();
  world.apply(topology(whole));
  return world;
}

/** Someone else's machine, or one of the stack. */
function used(by?: string, key = "db"): Use {
  return { object, user: { kind: "machine", key }, ...(by === undefined ? {} : { by }) };
}

function planned(uses: readonly Use[], mode: "apply" | "destroy" = "apply"): MadePlan {
  const wanted = mode === "apply" ? topology(small()) : undefined;
  return applied().plan(wanted, { mode, users: { lab: uses } });
}

const ids = ({ plan }: MadePlan) => plan.steps.map(({ id }) => id);
const of = ({ plan }: MadePlan, address: string) =>
  plan.resources.find((item) => item.address === address)!;

Deno.test("a plan names what goes, so that it can be asked who uses it", () => {
  const { going } = applied().plan(topology(small()));
  assert.deepEqual(going.lab!.map(({ key }) => key).toSorted(), ["data", "data/data.raw"]);
  assert.deepEqual(applied().plan(topology(whole)).going, {});
});

Deno.test("golden: what somebody else uses is not taken away", () => {
  const texts = [
    planned([used()]),
    planned([used(), used('snapshot "clean"'), used("the saved state", "mail")], "destroy"),
  ].map((made) => {
    assert.deepEqual(made.plan.steps, []);
    return made.errors.map((error) => error.render()).join("\n");
  });
  golden(import.meta.url, "used_by_others.txt", texts.join("\n\n"));
});

Deno.test("what nobody uses goes", () => {
  const made = planned([]);
  assert.deepEqual(made.errors, []);
  assert.deepEqual(ids(made), [`delete:${VOLUME}`, `delete:${POOL}`]);
});

Deno.test("a snapshot of the stack's own machine keeps what it names, and the plan says so", () => {
  const made = planned([used('snapshot "clean"', "web")]);
  assert.deepEqual(made.errors, []);
  assert.deepEqual(ids(made), []);
  assert.deepEqual(of(made, VOLUME).notes, [
    `it stays with snapshot "clean" of ${MACHINE}, which names it; a plan after that is gone takes ` +
    "it away",
  ]);
  assert.deepEqual(of(made, POOL).notes, [`it stays with ${VOLUME}, which needs it`]);
  assert.ok(of(made, MACHINE).needs?.includes(VOLUME));
});

Deno.test("a destruction takes the machine, and its snapshots with it", () => {
  const made = planned([used('snapshot "clean"', "web"), used(undefined, "web")], "destroy");
  assert.deepEqual(made.errors, []);
  assert.ok(ids(made).includes(`delete:${VOLUME}`));
});

Deno.test("an own machine that has it by other hands keeps it from going", () => {
  const made = planned([used(undefined, "web")]);
  assert.deepEqual(made.errors.map(({ code }) => code), ["plan.used-by-others"]);
});

Deno.test("what is shared among stacks stays for the others, and is this one's no longer", () => {
  const world = applied();
  const { key } = world.record!.resources.find(({ address }) => address === IMAGE)!;
  const user = { kind: "volume", key: "other/root" };
  const users = { lab: [{ object: { kind: "image", key }, user }] };
  const made = world.plan(undefined, { mode: "destroy", users });
  assert.deepEqual(made.errors, []);
  const { action, notes } = of(made, IMAGE);
  assert.equal(action, "forget");
  assert.deepEqual(notes, ['it stays, for volume "other/root" of the host needs it']);
});
