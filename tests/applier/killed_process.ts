/**
 * Plans and applies once, and kills itself with SIGKILL when it reaches a given point:
 * `killed_process.ts FOLDER WANTED_JSON POINT`. Point 0 is never reached. Prints `ready` before it
 * applies and `points N done` after, if it lives to.
 *
 * @module
 */

import { join } from "node:path";
import { applyPlan } from "../../applier/mod.ts";
import { SqliteStore } from "../../state/mod.ts";
import { fileSessions, readObjects } from "./file_hosts.ts";
import { smallPlan } from "./small_planner.ts";

const [folder = "", wanted = "[]", point = "0"] = Deno.args;
const objects = join(folder, "objects");

let points = 0;
function reached(): void {
  points++;
  if (points === Number(point)) Deno.kill(Deno.pid, "SIGKILL");
}

function say(text: string): Promise<number> {
  return Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

await using store = new SqliteStore(join(folder, ".staddle", "state.db"));
await using lease = await store.lock("shop", `ann@desk (pid ${Deno.pid})`);
const record = await store.load("shop");
const plan = smallPlan(JSON.parse(wanted), record, await readObjects(objects));
await say("ready");
const result = await applyPlan(plan, {
  lease: {
    stack: lease.stack,
    token: lease.token,
    lost: lease.lost,
    write: async (change) => {
      reached();
      const serial = await lease.write(change);
      reached();
      return serial;
    },
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  },
  record,
  sessions: fileSessions(objects, 8, reached),
  baseDirectory: folder,
  who: `ann@desk (pid ${Deno.pid})`,
});
for (const { error } of result.failed) await say(error.render());
await say(
  `points ${points} ${result.result} ${
    result.counts.add + result.counts.change + result.counts.destroy
  }`,
);
