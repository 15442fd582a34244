/**
 * A real process, applying, is killed with SIGKILL again and again: at chosen moments of its own, and
 * at moments that the clock chooses. After each kill the record must be true of the hosts, and in the
 * end everything must be as wanted.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { digest, sameJson } from "../../planner/digest.ts";
import { SqliteStore } from "../../state/mod.ts";
import { fingerprintOf, HALF, readObjects } from "./file_hosts.ts";
import type { Wanted } from "./small_planner.ts";

const program = new URL("./killed_process.ts", import.meta.url).pathname;

/** Twelve resources on two hosts: pools, volumes, content-addressed seeds, machines that wait. */
function stack(version: number): readonly Wanted[] {
  return ["a", "b"].flatMap((host) => {
    const pool = `${host}/pool.store`;
    return [
      { address: pool, key: "store", spec: { autostart: version === 1 }, needs: [] },
      ...["web", "db"].flatMap((name): readonly Wanted[] => {
        const volume = `${host}/volume.${name}`;
        const seed = `${host}/seed.${name}`;
        // In the second version: one kind of change each, and b's db goes.
        if (version === 2 && host === "b" && name === "db") return [];
        const content = { user: name === "web" ? `v${version}` : "same" };
        return [
          {
            address: volume,
            key: name,
            spec: {
              format: version === 2 && name === "web" && host === "a" ? "raw" : "qcow2",
              size: version === 2 && name === "db" ? 2 : 1,
            },
            needs: [pool],
          },
          {
            address: seed,
            key: `${name}-${digest(content).slice(0, 8)}`,
            spec: content,
            needs: [pool],
          },
          ...(name === "web"
            ? [{
              address: `${host}/machine.${name}`,
              key: name,
              spec: { vcpus: version },
              needs: [volume, seed],
              waits: true,
            }]
            : []),
        ];
      }),
    ];
  });
}

interface Ended {
  readonly killed: boolean;
  readonly output: string;
}

/** Runs the program, and kills it after some milliseconds if it is told to and it still lives. */
async function run(
  folder: string,
  wanted: readonly Wanted[],
  point: number,
  killAfter?: number,
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", program, folder, JSON.stringify(wanted), String(point)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (output === "" && killAfter !== undefined) {
      timer = setTimeout(() => {
        try {
          child.kill("SIGKILL");
        } catch {
          // It was done already.
        }
      }, killAfter);
    }
    output += text;
  }
  const { signal, success } = await child.status;
  clearTimeout(timer);
  assert(signal === "SIGKILL" || success, `ended by itself: ${output}`);
  return { killed: signal === "SIGKILL", output };
}

/** What must hold at every moment, also right after a kill. */
async function checkRecord(store: SqliteStore, folder: string, when: string): Promise<void> {
  const record = await store.load("shop");
  const objects = await readObjects(join(folder, "objects"));
  const rows = new Map(
    (record?.resources ?? []).map((row) => [`${row.host}~${row.kind}~${row.key}`, row]),
  );
  // No orphan: every object, also a half-made one, has a row that leads to it.
  for (const [name, spec] of objects) {
    const row = rows.get(name);
    assert(row !== undefined, `${when}: ${name} is on the host and not in the record`);
    if (sameJson(spec, HALF)) {
      assert(
        ["creating", "updating", "deleting"].includes(row.status),
        `${when}: ${name} is half done, its row says ${row.status}`,
      );
    }
  }
  // No false claim: what is called present or waiting is there as it was read back.
  for (const [name, row] of rows) {
    if (row.status !== "present" && row.status !== "waiting") continue;
    const spec = objects.get(name);
    assert(spec !== undefined, `${when}: ${name} is ${row.status} in the record, not on the host`);
    assert.equal(row.fingerprint, fingerprintOf(spec), `${when}: ${name}`);
  }
  // Whatever was made can be reached by the record alone.
  for (const row of rows.values()) assert(record?.hosts[row.host] !== undefined, when);
}

Deno.test("a run that is killed at any moment leaves a true record, and the next one goes on", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-killed-" });
  const seed = Number(
    Deno.env.get("STADDLE_TEST_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  let state = seed;
  // xorshift32: repeatable by the seed that a failure prints.
  const random = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  let kills = 0;
  try {
    await Deno.mkdir(join(folder, "objects"));
    for (const [phase, wanted] of [stack(1), stack(2), stack(1), []].entries()) {
      for (let attempt = 1;; attempt++) {
        // At most ten kills a phase, half by count and half by clock; then it may finish.
        const last = attempt > 10;
        const byCount = attempt % 2 === 1;
        // Every phase has more points than the first attempt counts: that one is always killed.
        const point = last || !byCount ? 0 : 1 + random(attempt === 1 ? 6 : 40);
        const { killed, output } = await run(
          folder,
          wanted,
          point,
          last || byCount ? undefined : random(120),
        );
        const when = `seed ${seed}, phase ${phase}, attempt ${attempt}, point ${point}`;
        await using store = new SqliteStore(join(folder, ".staddle", "state.db"));
        await checkRecord(store, folder, when);
        if (killed) {
          kills++;
          continue;
        }
        assert.match(output, /points \d+ done/, when);
        const objects = await readObjects(join(folder, "objects"));
        const names = wanted.map(({ address, key }) => {
          const [host, rest = ""] = address.split("/");
          return `${host}~${rest.split(".")[0]}~${key}`;
        });
        assert.deepEqual([...objects.keys()].sort(), [...names].sort(), when);
        const record = await store.load("shop");
        assert.deepEqual(
          record?.resources.map(({ address, status }) => `${status} ${address}`),
          wanted.map(({ address }) => `present ${address}`).sort(),
          when,
        );
        assert.deepEqual(record.outputs, { count: { value: wanted.length, sensitive: false } });
        // And there is nothing left to do.
        const again = await run(folder, wanted, 0);
        assert.match(again.output, /points 0 done 0/, when);
        break;
      }
    }
    assert(kills >= 4, `only ${kills} kills: a phase ran through its first points`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
