/**
 * What a person reads who asks for something that a record does not have, or that its state forbids. No host
 * is touched: all of it is said by the record, or by an empty host in memory.
 */

import assert from "node:assert/strict";
import { SqliteStore } from "../../state/mod.ts";
import type { RunRecord } from "../../state/store.ts";
import { row } from "../state/contract.ts";
import { stateServer } from "../state/servers/managed_state.ts";
import { golden } from "../support/golden.ts";
import { begin, ended } from "./staddle.ts";

function run(id: string, day: number, more: Partial<RunRecord> = {}): RunRecord {
  return {
    id,
    stack: "shop",
    command: "apply",
    who: "ann@desk (7)",
    startedAt: `2026-01-0${day}T03:04:05.678Z`,
    endedAt: `2026-01-0${day}T03:05:05.678Z`,
    result: "done",
    add: 1,
    change: 0,
    destroy: 0,
    parameters: {},
    ...more,
  };
}

/** The record of stack "shop": three runs, of which one is kept, in a form that nobody knows. */
async function fill(file: string, uri = "test:///default"): Promise<void> {
  await using store = new SqliteStore(file);
  await using lease = await store.lock("shop", "ann@desk (7)");
  const hosts = { lab: { name: "lab", uri } };
  await lease.write({ put: [row("lab/machine.web")], hosts, run: run("aaaa1111-0000", 1) });
  await lease.write({ run: run("aaaa2222-0000", 2, { command: "refresh" }) });
  const kept = { topology: { format: "of old" }, plan: {} };
  const last = run("bbbb3333-0000", 3);
  await lease.write({ run: last, revision: { run: last.id, ...kept } });
}

/** More runs than are kept, and the last ones declared nothing. */
async function fillLong(file: string): Promise<void> {
  await using store = new SqliteStore(file);
  await using lease = await store.lock("shop", "ann@desk (7)");
  for (let number = 1; number <= 105; number++) {
    const id = `cccc${String(number).padStart(4, "0")}-0000`;
    const command = number < 104 ? "apply" : number === 104 ? "destroy" : "rebuild";
    const revision = command === "apply" ? { run: id, topology: {} } : undefined;
    await lease.write({ put: [row("lab/machine.web")], run: run(id, 1, { command }), revision });
  }
}

Deno.test("what a record does not have, or forbids, is said with what to do instead", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-record-errors-" });
  try {
    const good = { STADDLE_STATE: `${folder}/good.db` };
    await fill(good.STADDLE_STATE);
    const held = { STADDLE_STATE: `${folder}/held.db` };
    await fill(held.STADDLE_STATE);
    {
      await using store = new SqliteStore(held.STADDLE_STATE);
      await store.hold("shop", "eve@den (9)", 3600);
    }
    const away = { STADDLE_STATE: `${folder}/away.db` };
    await fill(away.STADDLE_STATE, `qemu+unix:///system?socket=${folder}/none`);
    for (const name of ["one", "two"]) await fill(`${folder}/${name}.db`);
    const old = { STADDLE_STATE: `${folder}/old.db` };
    await fillLong(old.STADDLE_STATE);
    const broken = { STADDLE_STATE: `${folder}/broken.db` };
    await Deno.writeTextFile(broken.STADDLE_STATE, "no database any more");

    // A host with marks of two hosts of one stack.
    const domains = ["lab", "den"].map((host) =>
      `<domain type='test'><name>${host}</name><memory>65536</memory><os><type>hvm</type></os>` +
      "<metadata><staddle:resource xmlns:staddle='https://staddle.dev/xmlns/1' stack='torn' " +
      `address='${host}/machine.web' digest='d'/></metadata></domain>`
    );
    await Deno.writeTextFile(`${folder}/node.xml`, `<node>${domains.join("")}</node>`);
    await using stale = stateServer("verbs, stale");
    const credentials = {
      STADDLE_STATE: "",
      TF_HTTP_USERNAME: stale.user,
      TF_HTTP_PASSWORD: stale.password,
    };

    const asked: [Record<string, string>, ...string[]][] = [
      [good, "state", "show", "shop", "lab/machine.wbe"],
      [good, "state", "show", "shop", "web"],
      [good, "outputs", "shpo"],
      [good, "outputs", "elsewhere"],
      [good, "state", "check", "shpo"],
      [good, "state", "lock", "shpo", "--for", "1m"],
      [good, "state", "unlock", "shpo"],
      [good, "destroy", "shop"],
      [good, "destroy", "shop", "--from-host", "test:///default"],
      [good, "apply", "shop", "--refresh-only"],
      [good, "history", "shop", "ffff"],
      [good, "history", "shop", "aaaa"],
      [good, "plan", "shop", "--to", "aaaa2"],
      [good, "plan", "shop", "--to", "bbbb"],
      [old, "plan", "shop", "--to", "cccc0001"],
      [old, "plan", "shop", "--to", "cccc0104"],
      [old, "plan", "shop", "--to", "cccc0105"],
      [good, "state", "rebuild", "shop"],
      [good, "state", "rebuild", "lost"],
      [good, "state", "rebuild", "lost", "test:///default"],
      [good, "state", "rebuild", "torn", `test://${folder}/node.xml`],
      [broken, "state", "rebuild", "shop"],
      [held, "state", "unlock", "shop"],
      [held, "state", "rm", "shop", "lab/machine.web"],
      [away, "state", "rm", "shop", "lab/machine.web"],
      [good, "state", "lock", "shop", "--for", "9z"],
      [good, "state", "push", "shop", "none.json"],
      [good, "state", "migrate", "none.db", "other.db"],
      [good, "state", "migrate", "good.db", "./good.db"],
      [credentials, "state", "migrate", "good.db", stale.address],
      [good, "state", "migrate", "one.db", "two.db"],
      [good, "state", "rotate", "shop", "--plain", "--to", "age1x"],
      [good, "history", "shop", "--limit", "none"],
    ];
    const texts = await Promise.all(asked.map(async ([env, ...args]) => {
      const { code, stdout, stderr } = await ended(begin(args, env, folder));
      assert.equal(stdout, "", `staddle ${args.join(" ")}`);
      assert.notEqual(code, 0);
      const status = code === 1 ? "" : `status ${code}\n`;
      return `$ staddle ${args.join(" ")}\n${stderr}${status}`;
    }));
    const shown = texts.join("\n").replaceAll(folder, "<folder>")
      .replaceAll(stale.address, "http://<server>")
      .replaceAll(/since \d{4}-[\dT:.-]+Z/g, "since <time>")
      .replaceAll(/reaches to \d{4}-[\dT:.-]+Z/g, "reaches to <time>");
    golden(import.meta.url, "record_errors.txt", shown);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    const made = names.filter((name) => !/-(wal|shm)$/.test(name)).sort();
    assert.deepEqual(
      made,
      ["away.db", "broken.db", "good.db", "held.db", "node.xml", "old.db", "one.db", "two.db"],
      "nothing was made on the way",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
