/** Hooks and times that a stack declares, in runs on hosts in memory. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { DeclaredOptions, Hook } from "../../providers/provider.ts";
import { StaddleError } from "../../providers/error.ts";
import { golden } from "../support/golden.ts";
import { fakeHosts, planned, planOf, resource, step } from "./fake_host.ts";
import { place } from "./run.ts";

const sh = (line: string, timeout = 30): Hook => ({ command: ["/bin/sh", "-c", line], timeout });

const machine = "a/machine.web";

function withOptions(options: DeclaredOptions) {
  return { ...resource(machine, { nics: [{ ip: "10.0.0.9" }] }), options };
}

/** A plan that makes one machine, and waits for it if that is wanted. */
function making(options: DeclaredOptions, ...more: string[]) {
  const wanted = withOptions(options);
  const create = step(`create:${machine}`, [], { resource: wanted });
  const others = more.map((id) => step(id, [create.id], { resource: wanted }));
  return planOf([create, ...others], { resources: [planned("create", wanted)] });
}

Deno.test("nothing runs that was not allowed, and nothing is touched", async () => {
  await using here = place();
  const hosts = fakeHosts();
  const plan = making({ hooks: { beforeCreate: sh("touch was-here"), afterCreate: sh("true") } });
  await assert.rejects(here.apply(plan, hosts), (error) => {
    assert.ok(error instanceof StaddleError && error.exitCode === 3);
    golden(import.meta.url, "hooks_not_allowed.txt", error.render());
    return true;
  });
  assert.deepEqual(hosts.log, []);
  assert.equal(await here.store.load("shop"), undefined);
});

Deno.test("hooks run in order, in the stack's folder, with what the plan knows", async () => {
  await using here = place();
  await using _ = await folder(async (path) => {
    const hosts = fakeHosts({
      fault: () => Deno.writeTextFile(join(path, "log"), "step\n", { append: true }),
    });
    const note =
      "env | grep -c . >/dev/null; echo $STADDLE_HOOK $STADDLE_ADDRESS $STADDLE_OPERATION " +
      "$STADDLE_STACK $STADDLE_KIND $STADDLE_NAME $STADDLE_HOST $STADDLE_HOST_URI $STADDLE_IP >> log";
    const plan = making(
      {
        hooks: {
          beforeCreate: sh(note),
          afterCreate: { command: ["sh", "-c", note], timeout: 30 },
        },
      },
      `wait:${machine}`,
    );
    const { result, row } = await here.apply(plan, hosts, {
      allowHooks: true,
      baseDirectory: path,
    });
    assert.equal(result.result, "done");
    assert.equal(row(machine)?.status, "present");
    const tail = "shop machine web a test:///a 10.0.0.9";
    assert.deepEqual((await Deno.readTextFile(join(path, "log"))).trimEnd().split("\n"), [
      `beforeCreate ${machine} create ${tail}`,
      "step",
      "step",
      `afterCreate ${machine} wait ${tail}`,
    ]);
  });
});

Deno.test("a hook that fails before a step keeps it from touching the host", async () => {
  await using here = place();
  const hosts = fakeHosts();
  const plan = making(
    { hooks: { beforeCreate: sh("echo one; echo two >&2; exit 7") } },
    `wait:${machine}`,
  );
  const { result, unfinished } = await here.apply(plan, hosts, { allowHooks: true });
  assert.deepEqual(hosts.log, []);
  assert.equal(result.failed.length, 1);
  assert.deepEqual(result.skipped.map(({ step }) => step.id), [`wait:${machine}`]);
  assert.deepEqual(unfinished, []);
  const { error } = result.failed[0]!;
  assert.equal(error.code, "hook.failed");
  assert.deepEqual([...error.details].sort(), ["echo one; echo two >&2; exit 7", "one", "two"]);
  golden(import.meta.url, "hook_failed.txt", error.render().replaceAll(/^ {2}(one|two)\n/gm, ""));
});

Deno.test("a hook that fails after a step marks it as failed, and runs again with the next run", async () => {
  await using here = place();
  const hosts = fakeHosts();
  const first = await here.apply(
    making({ hooks: { afterCreate: sh("exit 1") } }),
    hosts,
    { allowHooks: true },
  );
  assert.deepEqual(hosts.log, [`begin create:${machine}`, `end create:${machine}`]);
  assert.equal(first.result.failed[0]?.error.code, "hook.failed");
  // The object is there, and the record says that this is not all.
  assert.equal(first.row(machine)?.status, "creating");
  const failed = first.writes.flatMap(({ journal }) => journal ?? [])
    .filter(({ phase }) => phase === "failed");
  assert.match(failed[0]?.detail ?? "", /^hook\.failed: /);
  const second = await here.apply(
    making({ hooks: { afterCreate: sh("exit 0") } }),
    hosts,
    { allowHooks: true },
  );
  assert.equal(second.row(machine)?.status, "present");
});

Deno.test("a hook that does not end in its time is ended", async () => {
  await using here = place();
  const plan = making({ hooks: { beforeCreate: sh("sleep 600", 0.5) } });
  const { result } = await here.apply(plan, fakeHosts(), { allowHooks: true });
  assert.equal(result.failed[0]?.error.code, "hook.timeout");
});

Deno.test("a run that is aborted ends its hooks, with all that they have started", async () => {
  await using here = place();
  await using _ = await folder(async (path) => {
    const line = "sh -c 'echo $$ > begun; mv begun child; while :; do sleep 1; done' & wait";
    const plan = making({ hooks: { beforeCreate: sh(line, 700) } });
    const abort = new AbortController();
    const running = here.apply(plan, fakeHosts(), {
      allowHooks: true,
      baseDirectory: path,
      abort: abort.signal,
    });
    let child = "";
    while (child === "") {
      child = (await Deno.readTextFile(join(path, "child")).catch(() => "")).trim();
      await new Promise((done) => setTimeout(done, 50));
    }
    assert.equal(await runs(child), true);
    abort.abort();
    const { result } = await running;
    assert.equal(result.stopped, "aborted");
    assert.equal(result.failed[0]?.error.code, "apply.aborted");
    // Killed with its group; it is gone as soon as somebody has waited for it.
    while (await runs(child)) await new Promise((done) => setTimeout(done, 50));
  });
});

/** Whether a process does anything yet: a zombie does not. */
async function runs(pid: string): Promise<boolean> {
  const state = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => undefined);
  return state !== undefined && !/\) Z /.test(state);
}

Deno.test("a step has the time that its stack gives it", async () => {
  await using here = place();
  const hosts = fakeHosts({
    fault: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const { result } = await here.apply(making({ timeouts: { create: 0.2 } }), hosts, { grace: 100 });
  assert.equal(result.failed[0]?.error.code, "apply.timeout");
  assert.match(result.failed[0]!.error.message, /it took more than 0\.2 s$/);
});

Deno.test("rows under former addresses go when all is done, not before", async () => {
  await using here = place();
  const former = resource("a/machine.old", { size: 1 });
  const user = resource("a/volume.user", { size: 2 });
  const rowOf = (one: typeof former, needs: readonly string[]) => ({
    address: one.address,
    kind: one.kind,
    host: one.host,
    key: "web",
    status: "present" as const,
    resource: one,
    specDigest: "before",
    needs,
  });
  await here.given({ put: [rowOf(former, []), { ...rowOf(user, [former.address]), key: "user" }] });
  const now = resource(machine, { size: 1 });
  const plan = (ok: boolean) =>
    planOf([step(`update:${machine}`, [], { resource: now })], {
      resources: [
        planned("update", now, { previousAddress: former.address }),
        ...(ok ? [planned("no-op", user, { needs: [machine], key: "user" })] : []),
      ],
    });
  // While another row still says that it needs the former address, that stays.
  const first = await here.apply(plan(false), fakeHosts());
  assert.ok(first.row(former.address) !== undefined && first.row(machine) !== undefined);
  const second = await here.apply(plan(true), fakeHosts());
  assert.equal(second.row(former.address), undefined);
  assert.deepEqual(second.row(user.address)?.needs, [machine]);
});

/** Something done in a folder that goes afterwards. */
async function folder(work: (path: string) => Promise<void>): Promise<AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "staddle-hooks-" });
  const end = () => Deno.remove(path, { recursive: true });
  try {
    await work(path);
  } catch (error) {
    await end();
    throw error;
  }
  return { [Symbol.asyncDispose]: end };
}
