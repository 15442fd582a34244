/**
 * Whole runs of the command line that meet on one stack, on SQLite and on a real PostgreSQL: one applies,
 * the others say who does. The run that applies is kept in the middle of its work by an image that the
 * test's own web server does not hand out before it is told to.
 */

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../state/mod.ts";
import { type Ended, ended, libvirtObstacle, run } from "../cli/staddle.ts";
import { makeProject, type Project } from "../refusals/project.ts";
import { golden } from "../support/golden.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { requirement } from "../support/skip.ts";

const needs = await requirement("libvirt", libvirtObstacle);

/** One name for the stack and its pool: nobody else on this host has it. */
const NAME = `con${Deno.pid.toString(36)}`;

/** How long anything here may take on a machine that is busy with other things, in ms. */
const PATIENCE = 300_000;

const CONTENT = "not a system\n".repeat(1000);

/** A web server whose first answers wait. */
interface Gate extends AsyncDisposable {
  readonly url: string;
  /** Downloads that were begun. */
  readonly asked: number;
  /** Resolves when a download was begun. */
  readonly reached: Promise<void>;
  /** Lets every download go on, those to come as well. */
  open(): void;
}

function gate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    asked++;
    reached.resolve();
    await opened.promise;
    return new Response(CONTENT);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/image.raw`,
    get asked() {
      return asked;
    },
    reached: reached.promise,
    open: opened.resolve,
    async [Symbol.asyncDispose]() {
      opened.resolve();
      await server.shutdown();
    },
  };
}

function stackText(folder: string, url: string): string {
  return `import { stack } from "staddle";

export default stack("${NAME}", (s) => {
  const lab = s.host("lab", { uri: "qemu:///system" });
  const store = lab.pool("${NAME}", { path: "${folder}/pool" });
  lab.image("system", {
    pool: store,
    from: "${url}",
    sha256: "${hash("sha256", CONTENT)}",
    format: "raw",
  });
  lab.volume("data", { pool: store, size: "1MiB", format: "raw" });
});
`;
}

/** Takes away what a failed test has left. */
async function sweep(): Promise<void> {
  for (const command of ["pool-destroy", "pool-undefine"]) {
    await run("virsh", command, NAME).catch(() => {});
  }
}

function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What the tests need of a kind of store. */
interface Place extends AsyncDisposable {
  readonly location: string;
  /** Makes the lease that is held end now. */
  expire(): Promise<void>;
  /** Puts the store through what it must bear while a run goes on. */
  disturb(): Promise<void>;
}

function sqlitePlace(project: Project): Place {
  const location = project.path("records.db");
  return {
    location,
    expire() {
      using db = new DatabaseSync(location, { timeout: 30_000 });
      db.exec("UPDATE locks SET expires = 1");
      return Promise.resolve();
    },
    disturb: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function postgresPlace(): Promise<Place> {
  const server: PostgresServer = await postgresServer();
  return {
    location: server.location("staddle"),
    async expire() {
      await server.query("UPDATE staddle.locks SET expires = 'epoch'");
    },
    async disturb() {
      // Once as an administrator does it, once as a crash would.
      await server.stop();
      await server.start();
      await server.kill();
      await server.start();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const places: Readonly<Record<string, (project: Project) => Place | Promise<Place>>> = {
  SQLite: sqlitePlace,
  PostgreSQL: () => postgresPlace(),
};

for (const [name, makePlace] of Object.entries(places)) {
  Deno.test({
    name: `${name}: of eight applies at once one runs, and the others say who and since when`,
    ...needs,
    async fn() {
      await using web = gate();
      await using project = await makeProject({});
      await project.write("stack.ts", stackText(project.folder, web.url));
      await using place = await makePlace(project);
      const env = { STADDLE_STATE: place.location, XDG_CACHE_HOME: project.path("cache") };
      const running = new Map<number, Promise<Ended>>();
      try {
        // A saved plan, so that eight do not evaluate the stack at once, which a busy machine takes long for.
        const plan = await project.run(["plan", "stack.ts", "--out", "plan.json"], env);
        assert.equal(plan.code, 0, plan.stdout + plan.stderr);
        for (let i = 0; i < 8; i++) {
          const child = project.begin(["apply", "plan.json"], { ...env, USER: `user${i}` });
          running.set(i, ended(child));
        }
        const refused = new Map<number, string>();
        while (running.size > 1) {
          const waiting = [...running].map(async ([i, end]) => ({ i, ...await end }));
          const { i, ...end } = await within("the end of a run", Promise.race(waiting));
          running.delete(i);
          assert.equal(end.code, 5, end.stdout + end.stderr);
          refused.set(i, end.stderr);
        }
        const [winner, end] = [...running][0]!;
        const early = end.then(({ stdout, stderr }) =>
          assert.fail(`it ended:\n${stdout}${stderr}`)
        );
        await within("the download", Promise.race([web.reached, early]));
        early.catch(() => {});
        const holder = `user${winner}@${Deno.hostname()}`;
        for (const text of refused.values()) {
          assert.match(text, new RegExp(`held by ${RegExp.escape(holder)} \\(\\d+\\) since 20`));
          golden(
            import.meta.url,
            "contended.txt",
            text.replaceAll(place.location, "<store>")
              .replaceAll(/postgres:\/\/\S+/g, "<store>")
              .replaceAll(/, schema \w+/g, "")
              .replaceAll(NAME, "<stack>")
              .replaceAll(/\S+@\S+ \(\d+\)/g, "<who>")
              .replaceAll(/20\d\d-\d\d-\d\dT\S+Z/g, "<time>"),
          );
        }
        await place.disturb();
        web.open();
        const done = await within("the apply", end);
        assert.equal(done.code, 0, done.stdout + done.stderr);
        assert.match(
          done.stdout,
          /^Apply complete! Resources: 3 added, 0 changed, 0 destroyed\.$/m,
        );
        assert.equal(web.asked, 1, "only one run may do anything");

        await using store = openStore(place.location);
        assert.deepEqual(await store.check(), []);
        const [only, ...others] = await store.runs(NAME, 10);
        assert.deepEqual([only?.result, only?.add, others], ["done", 3, []]);
        const lines = (await store.journal(NAME, only!.id)).map(({ step, phase }) =>
          `${phase} ${step}`
        );
        assert.equal(new Set(lines).size, lines.length, lines.join("\n"));
        assert.equal(lines.length, 6);
        assert.equal(await store.holder(NAME), undefined);
      } finally {
        web.open();
        await Promise.allSettled(running.values());
        await sweep();
      }
    },
  });

  Deno.test({
    name: `${name}: an apply that was stopped past its lease and wakes up cannot write`,
    ...needs,
    async fn() {
      await using web = gate();
      await using project = await makeProject({});
      await project.write("stack.ts", stackText(project.folder, web.url));
      await using place = await makePlace(project);
      const env = { STADDLE_STATE: place.location, XDG_CACHE_HOME: project.path("cache") };
      const apply = ["apply", "stack.ts", "--yes"];
      const paused = project.begin(apply, { ...env, USER: "paused" });
      const end = ended(paused);
      try {
        await within("the download", web.reached);
        paused.kill("SIGSTOP");
        await place.expire();

        // The other takes over what the first has begun, and brings it to its end.
        web.open();
        const other = await project.run(apply, { ...env, USER: "other" });
        assert.equal(other.code, 0, other.stdout + other.stderr);
        const record = async () => {
          await using store = openStore(place.location);
          return { all: await store.export(NAME), problems: await store.check() };
        };
        const before = await record();
        assert.deepEqual(before.problems, []);
        assert.equal(before.all?.resources.length, 3);

        paused.kill("SIGCONT");
        const woken = await within("the end of the run that woke up", end);
        assert.equal(woken.code, 1, woken.stdout + woken.stderr);
        assert.match(woken.stderr, /state\.lease-lost/);
        assert.deepEqual(await record(), before);

        const plan = await project.run(["plan", "stack.ts", "--detailed-exitcode"], env);
        assert.equal(plan.code, 0, plan.stdout + plan.stderr);
      } finally {
        web.open();
        try {
          paused.kill("SIGCONT");
          paused.kill("SIGTERM");
        } catch {
          // It has ended.
        }
        await end;
        await sweep();
      }
    },
  });
}
