/** Passwords of displays: named in a stack, compared by verdict, and never there themselves. */

import assert from "node:assert/strict";
import { withSecretNotes } from "../../../applier/mod.ts";
import { planText } from "../../../cli/render/plan_text.ts";
import {
  machineKind,
  patchMachine,
  withSecretValues,
} from "../../../providers/kvm/kinds/machine/mod.ts";
import { StaddleError } from "../../../providers/error.ts";
import { kinds } from "../../../providers/kvm/kinds/mod.ts";
import type { JsonObject } from "../../../providers/provider.ts";
import type { SecretVerdict } from "../../../providers/secret.ts";
import { makeRefreshPlan, planDocument, summarize } from "../../../planner/mod.ts";
import type { Plan } from "../../../planner/plan.ts";
import { type HostScope, type MachineOptions, secret } from "../../../stacks/mod.ts";
import { golden } from "../../support/golden.ts";
import { machine, MARK, observed } from "./fixtures.ts";
import { type Made, make, plan, planned, shop } from "./stack_world.ts";

const PATH = "displays[desk].password";

type Display = NonNullable<MachineOptions["displays"]>[number];

const desk = (display: Partial<Display> = {}, more: Partial<MachineOptions> = {}) =>
  shop((lab) =>
    void lab.vm("web", {
      memory: "1GiB",
      displays: [{ name: "desk", type: "vnc", password: secret("desk-vnc"), ...display }],
      ...more,
    })
  );

/** What a host has, with what a reader found out about the password. */
function found(made: Made, verdict: SecretVerdict): Made {
  const secrets = { [PATH]: verdict };
  return { ...made, observed: made.observed.map((object) => ({ ...object, secrets })) };
}

const text = (plan: Plan): string => planText(plan, { summary: summarize(plan) });

const changes = (plan: Plan) =>
  plan.resources.flatMap(({ changes }) =>
    changes.map(({ path, disruption }) => `${path} ${disruption}`)
  );

const WHY = 'secret "desk-vnc" has no value here';

Deno.test("a verdict makes the plan: what is the same changes nothing", () => {
  const made = make(desk());
  const cases: readonly [SecretVerdict, readonly string[]][] = [
    [{ config: "same", live: "same" }, []],
    [{ config: "same" }, []],
    [{ config: "other", live: "other" }, [`${PATH} live`]],
    [{ config: "other", live: "same" }, [`${PATH} live`]],
    [{ config: "same", live: "other" }, [`${PATH} live`]],
    // A display that was started without a password cannot be given one.
    [{ config: "absent", live: "absent" }, [`${PATH} next-boot`]],
    [{ config: "other", live: "absent" }, [`${PATH} next-boot`]],
    [{ config: "same", live: "absent" }, []],
    // The value is not to be had here: the name is what was applied last.
    [{ config: "unknown", live: "unknown", why: WHY }, []],
    [{ config: "absent", live: "unknown", why: WHY }, [`${PATH} live`]],
  ];
  for (const [verdict, expected] of cases) {
    const plan = planned(desk(), found(made, verdict));
    assert.deepEqual(changes(plan), expected, JSON.stringify(verdict));
  }
});

Deno.test("where no value can be had, another name is a change", () => {
  const other = desk({ password: secret("other") });
  const unknown = found(make(desk()), { config: "unknown", live: "unknown", why: WHY });
  assert.deepEqual(changes(planned(other, unknown)), [`${PATH} live`]);
  // Nor is one assumed where nothing was ever applied.
  const without = make(
    shop((lab) =>
      void lab.vm("web", { memory: "1GiB", displays: [{ name: "desk", type: "vnc" }] })
    ),
  );
  const first = found(without, { config: "unknown", live: "unknown", why: WHY });
  assert.deepEqual(changes(planned(desk(), first)), [`${PATH} live`]);
});

Deno.test("what waits for a start is said, and done when the stack wants it now", () => {
  const waiting = found(make(desk()), { config: "same", live: "absent" });
  const [{ notes }] = planned(desk(), waiting).resources as [Plan["resources"][number]];
  assert.deepEqual(notes, [], "it runs with what it was started with");
  const changed = { ...waiting, observed: waiting.observed.map(savedSince) };
  const pending = planned(desk(), changed).resources[0]!.notes;
  assert.deepEqual(pending, [`pending restart: ${PATH}`]);
  const now = planned(desk({}, { whenRestartNeeded: "now" }), changed);
  assert.deepEqual(changes(now), [`${PATH} restart`]);
  const { errors } = plan(
    desk({}, { whenRestartNeeded: "never" }),
    found(make(desk()), { config: "absent", live: "absent" }),
  );
  assert.deepEqual(errors.map(({ code }) => code), ["machine.restart-needed"]);
});

/** As after something was saved for the next start. */
function savedSince(object: Made["observed"][number]): Made["observed"][number] {
  const xml = String(object.source.xml).replace(/digest=(['"]\w+['"])/, "digest=$1 generation='1'");
  return { ...object, source: { ...object.source, xml } };
}

Deno.test("a display that comes brings its password; one that becomes another keeps none back", () => {
  const without = make(shop((lab) => void lab.vm("web", { memory: "1GiB" })));
  const none = found(without, { config: "absent", live: "absent" });
  assert.deepEqual(changes(planned(desk(), none)), ["displays[desk] next-boot"]);
  // Found by its place, as one that was imported, and of another type by now.
  const display = { name: "display0", password: secret("desk-vnc") } as const;
  const as = (type: "vnc" | "spice") =>
    shop((lab) => void lab.vm("web", { memory: "1GiB", displays: [{ ...display, type }] }));
  const made = make(as("vnc"));
  const path = "displays[display0].password";
  const secrets = { [path]: { config: "absent", live: "absent" } } as const;
  const other = { ...made, observed: made.observed.map((object) => ({ ...object, secrets })) };
  assert.deepEqual(changes(planned(as("spice"), other)), [
    "displays[display0].type next-boot",
    `${path} next-boot`,
  ]);
});

Deno.test("a time limit is live where the display has a password", () => {
  const limited = desk({ passwordValidTo: "2030-01-31T12:00:00Z" });
  const made = make(desk());
  const live = found(made, { config: "same", live: "same" });
  assert.deepEqual(changes(planned(limited, live)), ["displays[desk].passwordValidTo live"]);
  const without = found(made, { config: "same", live: "absent" });
  assert.deepEqual(changes(planned(limited, without)), [
    "displays[desk].passwordValidTo next-boot",
  ]);
});

Deno.test("golden: how a password that changes, or could not be compared, is shown", () => {
  const made = make(desk());
  const verdicts: readonly [title: string, verdict: SecretVerdict][] = [
    ["another one on the host", { config: "other", live: "other" }],
    ["none on the host", { config: "absent", live: "absent" }],
    ["not compared", { config: "unknown", live: "unknown", why: WHY }],
  ];
  const plans = verdicts.map(([title, verdict]) =>
    `# ${title}\n${text(planned(desk(), found(made, verdict)))}\n`
  );
  const fresh = `# a new machine\n${text(planned(desk()))}\n`;
  golden(import.meta.url, "plan_secret.txt", [...plans, fresh].join("\n"));
});

Deno.test("another value is no drift, for it may be the secret's own; one that is gone is", () => {
  const drift = (verdict: SecretVerdict) =>
    planned(desk(), found(make(desk()), verdict)).drift
      .map(({ changes }) => changes.map(({ path, after }) => [path, after]));
  assert.deepEqual(drift({ config: "other", live: "other" }), []);
  assert.deepEqual(drift({ config: "unknown", live: "unknown", why: WHY }), []);
  assert.deepEqual(drift({ config: "absent", live: "absent" }), [[[PATH, undefined]]]);
});

Deno.test("plan JSON masks it, and a refresh takes nothing over", () => {
  const made = found(make(desk()), { config: "other", live: "other" });
  const plan = planned(desk(), made);
  const document = planDocument(plan, { provider: "kvm", timestamp: "2026-01-01T00:00:00Z" });
  const { after, after_sensitive } = document.resource_changes[0]!.change as unknown as {
    after: { displays: JsonObject[] };
    after_sensitive: JsonObject;
  };
  const at = after.displays.findIndex(({ name }) => name === "desk");
  assert.equal(after.displays[at]!.password, "(sensitive value)");
  assert.deepEqual(after_sensitive, { displays: { [at]: { password: true } } });
  const { plan: refresh } = makeRefreshPlan({
    kinds: new Map([["machine", machineKind]]),
    observed: { lab: made.observed },
    facts: {},
    record: made.record,
  });
  assert.deepEqual(refresh.resources, []);
});

Deno.test("the fingerprint knows nothing of it", () => {
  const resource = machine({ displays: [{ name: "desk", type: "vnc", password: secret("a") }] });
  const state = observed(resource);
  for (const word of ["same", "other"] as const) {
    const judged = { ...state, secrets: { [PATH]: { config: word } } };
    assert.equal(judged.fingerprint, observed(resource).fingerprint);
  }
});

Deno.test("a value is written from a spec made for a step, and a name writes nothing", () => {
  const display = { name: "desk", type: "vnc", password: secret("desk-vnc") };
  const resource = machine({ displays: [{ ...display }] });
  const theirs = String(observed(resource).source.xml).replace(
    "<graphics type='vnc'",
    "<graphics type='vnc' passwd='theirs'",
  );
  assert.match(theirs, /passwd='theirs'/);
  const kept = patchMachine(theirs, resource, MARK, undefined);
  assert.match(kept, /passwd='theirs'/, "another field's update keeps the one that is there");
  const spec = withSecretValues(resource.spec, new Map([[PATH, "a&'b"]]));
  const written = patchMachine(theirs, { ...resource, spec }, MARK, undefined);
  assert.match(written, /passwd=("a&amp;'b"|'a&amp;&apos;b')/);
  assert.deepEqual((resource.spec.displays as JsonObject[])[0]!.password, { secret: "desk-vnc" });
});

Deno.test("what the host has is no part of a view, of a display that goes either", () => {
  const resource = machine({ displays: [{ name: "desk", type: "vnc" }] });
  const xml = String(observed(resource).source.xml).replace(
    "<graphics type='vnc'",
    "<graphics type='vnc' passwd='theirs'",
  );
  const state = observed(resource, { xml });
  assert.doesNotMatch(JSON.stringify(machineKind.view(state)), /theirs/);
  const gone = { ...resource, spec: { ...resource.spec, displays: [] } };
  const lookup = { stack: "shop", resource: () => undefined, observed: () => undefined } as const;
  const before = machineKind.diff(gone, state, {
    previous: resource.spec,
    lookup: { ...lookup, facts: () => undefined },
  });
  assert.deepEqual(before.map(({ path }) => path), ["displays[desk]"]);
  assert.doesNotMatch(JSON.stringify(before), /theirs/);
});

const shown = (display: JsonObject) => (lab: HostScope) =>
  lab.vm("web", { memory: "1GiB", displays: [{ name: "desk", type: "vnc", ...display }] } as never);

/** What is declared, as an author may, whatever the types say. */
const REFUSED: readonly [name: string, declare: (lab: HostScope) => unknown][] = [
  ["a password itself", shown({ password: "CANARY" })],
  ["a number", shown({ password: 7654321 })],
  ["a value in an object", shown({ password: { value: "CANARY" } })],
  ["a value beside the name", shown({ password: { secret: "desk-vnc", value: "CANARY" } })],
  ["a name that is a path", shown({ password: { secret: "../../etc/shadow" } })],
  ["a name that is none, in the language", () => secret("Desk VNC")],
  ["a name that is too long", () => secret("a".repeat(64))],
  [
    "a name in a text",
    (lab) =>
      lab.vm("web", { memory: "1GiB", description: `the password is ${secret("desk-vnc")}` }),
  ],
  [
    "a secret where none is taken",
    (lab) => lab.vm("web", { memory: "1GiB", title: secret("desk-vnc") as never }),
  ],
  ["a display that takes none", shown({ type: "egl-headless", password: secret("desk-vnc") })],
  ["a time limit without a password", shown({ passwordValidTo: "2030-01-31T12:00:00Z" })],
  [
    "a time limit without a zone",
    shown({
      password: secret("desk-vnc"),
      passwordValidTo: "2030-01-31T12:00:00",
    }),
  ],
  ["clients of VNC cut off", shown({ password: secret("desk-vnc"), connected: "disconnect" })],
  [
    "through the display's escape hatch",
    shown({
      xml: [{ path: "./@passwd", value: "CANARY" }],
    }),
  ],
  ["through the machine's escape hatch", (lab) =>
    lab.vm("web", {
      memory: "1GiB",
      xml: [{ path: "./devices/graphics[@type='vnc']/@passwd", value: "CANARY" }],
    })],
  ["through the machine's escape hatch, with an element", (lab) =>
    lab.vm("web", {
      memory: "1GiB",
      xml: [{
        path: "./devices/graphics[@type='vnc']",
        element: "<graphics type='vnc' passwd='CANARY'/>",
      }],
    })],
];

/** Where a declaration stands in this file says nothing of the refusal. */
function withoutPlaces(text: string): string {
  return text.replaceAll(/\S*secrets_test\.ts:\d+:\d+/g, "stack.ts:5:7");
}

function refusal(declare: (lab: HostScope) => unknown): string {
  try {
    const { errors } = plan(shop((lab) => void declare(lab)));
    return errors.map((error) => error.render()).join("\n");
  } catch (error) {
    if (error instanceof StaddleError) return error.render();
    throw error;
  }
}

Deno.test("golden: what is no secret's name is refused, and not repeated", () => {
  const texts = REFUSED.map(([name, declare]) => {
    const text = withoutPlaces(refusal(declare));
    assert.match(text, /^error\[/, `${name} was accepted`);
    assert.doesNotMatch(text, /CANARY|7654321/, name);
    return `# ${name}\n${text}\n`;
  });
  golden(import.meta.url, "secret_refusals.txt", texts.join("\n"));
});

Deno.test("golden: a new machine whose secret cannot be had is planned, and says what will be needed", async () => {
  const nowhere = {
    resolve: (name: string) =>
      Promise.reject(
        new StaddleError({
          code: "secret.unavailable",
          summary: `the value of secret "${name}" could not be had`,
          details: ["STADDLE_SECRETS_COMMAND: it ended with status 3"],
        }),
      ),
  };
  const first = planned(desk());
  const noted = await withSecretNotes(first, kinds, { source: nowhere, observed: {} });
  golden(import.meta.url, "plan_secret_missing.txt", `${text(noted)}\n`);
  const same = { resolve: () => Promise.resolve("Kanari71") };
  const there = await withSecretNotes(first, kinds, { source: same, observed: {} });
  assert.equal(there, first, "it is as it was where it is had");
  const tooLong = { resolve: () => Promise.resolve("Kanari-71") };
  const long = await withSecretNotes(first, kinds, { source: tooLong, observed: {} });
  assert.match(text(long), /password will be needed: .*longer than the 8 bytes/);
  assert.doesNotMatch(text(long), /Kanari/);
});

Deno.test("what is needed is said of what a step sets, and once", async () => {
  const source = {
    resolve: () => Promise.reject(new StaddleError({ code: "secret.x", summary: WHY })),
  };
  const notes = async (wanted: ReturnType<typeof desk>, host: Made) => {
    const observed = { lab: host.observed };
    const plan = await withSecretNotes(planned(wanted, host), kinds, { source, observed });
    return plan.resources.flatMap(({ notes }) => notes);
  };
  const verdict = { config: "unknown", live: "unknown", why: WHY } as const;
  const uncompared = `${PATH} was not compared with what the host has: ${WHY}`;
  const there = found(make(desk()), verdict);
  assert.deepEqual(await notes(desk({}, { title: "two" }), there), [uncompared]);
  assert.deepEqual(await notes(desk({ password: secret("other") }), there), [uncompared]);
  // Whatever else it says of the same field.
  const denied = found(make(desk()), { ...verdict, why: "the host does not show it" });
  assert.deepEqual(await notes(desk({ password: secret("other") }), denied), [
    `${PATH} was not compared with what the host has: the host does not show it`,
    `${PATH} will be needed: ${WHY}`,
  ]);
  const without = make(shop((lab) => void lab.vm("web", { memory: "1GiB" })));
  const coming = found(without, { config: "absent", live: "absent" });
  assert.deepEqual(await notes(desk(), coming), [`${PATH} will be needed: ${WHY}`]);
});
