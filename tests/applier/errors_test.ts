/** What a person reads when a run, or a step of it, cannot be carried out: `golden/run_errors.txt`. */

import assert from "node:assert/strict";
import { applyPlan } from "../../applier/mod.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Step, StepContext } from "../../providers/provider.ts";
import type { Lease } from "../../state/store.ts";
import { golden } from "../support/golden.ts";
import { fakeHosts, type Fault, planOf, resource, step } from "./fake_host.ts";
import { type Place, place } from "./run.ts";

const pool = step("create:lab/pool.store");
const volume = step("create:lab/volume.web", [pool.id]);

/** Ends when it is told to, and not before. */
const hangs = (_step: Step, { signal }: StepContext): Promise<void> =>
  new Promise((_, reject) => {
    const stop = () => reject(new Error("stopped in the middle"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });

/** The text of whatever a run came to: of its steps, and of the run itself. */
async function textOf(applied: ReturnType<Place["apply"]>): Promise<string> {
  try {
    const { result } = await applied;
    const errors = [...result.failed.map(({ error }) => error), result.fatal];
    return errors.flatMap((error) => error?.render() ?? []).join("\n\n");
  } catch (error) {
    assert.ok(error instanceof StaddleError, String(error));
    return error.render();
  }
}

/** What has to be said, by what happened. */
const cases: Readonly<Record<string, (here: Place) => Promise<string>>> = {
  "a step fails without a word that a person could use": (here) =>
    textOf(here.apply(
      planOf([pool]),
      fakeHosts({
        fault: () => {
          throw new TypeError("undefined is not a function");
        },
      }),
    )),
  "a step takes too long": (here) =>
    textOf(here.apply(planOf([pool]), fakeHosts({ fault: hangs }), { timeouts: { create: 0.05 } })),
  "a step takes too long, and does not stop when it is told to": async (here) => {
    const deaf = Promise.withResolvers<void>();
    const hosts = fakeHosts({ fault: () => deaf.promise });
    const text = await textOf(
      here.apply(planOf([pool]), hosts, { timeouts: { create: 0.05 }, grace: 20 }),
    );
    deaf.resolve();
    return text;
  },
  "the second Ctrl-C, in mid-step": (here) => {
    const abort = new AbortController();
    const fault: Fault = async (step, context) => {
      abort.abort();
      await hangs(step, context);
    };
    const stop = { signal: abort.signal, abort: abort.signal };
    return textOf(here.apply(planOf([pool]), fakeHosts({ fault }), stop));
  },
  "another run has taken the lock over": async (here) => {
    let other: Lease | undefined;
    const fault = async () => {
      await here.store.unlock("shop");
      other = await here.store.lock("shop", "eve@den (9)");
    };
    const text = await textOf(here.apply(planOf([pool]), fakeHosts({ fault })));
    await other?.[Symbol.asyncDispose]();
    return text;
  },
  "the disk is full when a step has ended": (here) => {
    const full = (lease: Lease): Lease => ({
      ...lease,
      write: (change) =>
        change.journal?.some(({ phase }) => phase === "end")
          ? Promise.reject(new Error("no space"))
          : lease.write(change),
    });
    return textOf(here.apply(planOf([pool, volume]), fakeHosts(), { wrap: full }));
  },
  "the plan names a host that it does not have": (here) =>
    textOf(here.apply(planOf([pool], { hosts: {} }), fakeHosts())),
  "the record has moved since": async (here) => {
    await using lease = await here.store.lock("shop", "ann");
    await lease.write({ reservations: { "lab/machine.web#nic0": "10.0.0.2" } });
    const rest = { sessions: fakeHosts().sessions, baseDirectory: ".", who: "ann" };
    const record = await here.store.load("shop");
    return await applyPlan(planOf([volume]), { lease, record, ...rest }).then(
      () => "",
      (error: StaddleError) => `${error.render()}\nstatus ${error.exitCode}`,
    );
  },
  "a hook takes too long": (here) => {
    const command = ["/bin/sh", "-c", "echo waiting for the load balancer; sleep 600"];
    const options = { hooks: { beforeCreate: { command, timeout: 0.5 } } };
    const create = step("create:lab/machine.web", [], {
      resource: { ...resource("lab/machine.web"), declaredAt: "stack.ts:4:3", options },
    });
    return textOf(here.apply(planOf([create]), fakeHosts(), { allowHooks: true }));
  },
  "a hook cannot be started": (here) => {
    const options = { hooks: { beforeCreate: { command: ["true"], timeout: 30 } } };
    const create = step("create:lab/machine.web", [], {
      resource: { ...resource("lab/machine.web"), declaredAt: "stack.ts:4:3", options },
    });
    const gone = { allowHooks: true, baseDirectory: "/nowhere" };
    return textOf(here.apply(planOf([create]), fakeHosts(), gone));
  },
};

Deno.test("what stops a run, or a step of it, is said with what to do next", async () => {
  const texts = await Promise.all(
    Object.entries(cases).map(async ([what, run]) => {
      await using here = place();
      const text = (await run(here)).replaceAll(/\/\S+\/state\.db/g, "<store>")
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");
      assert.notEqual(text, "", what);
      return `# ${what}\n${text}`;
    }),
  );
  golden(import.meta.url, "run_errors.txt", texts.join("\n\n"));
});
