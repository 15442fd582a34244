/**
 * Plans and applies once, and kills itself with SIGKILL at a given point:
 * `killed.ts FOLDER TOPOLOGY_FILE apply|destroy POINT [PARALLELISM [COMMAND…]]`. With a command it runs that
 * at the point instead, and goes on when the command has ended.
 *
 * A point is the moment before or after a write of the record or a call of libvirt: the first one of that
 * name (`after virNetworkCreate`), or that number, counted from the beginning of the apply. Point 0 is never reached: the run goes to its end, and every point that it
 * passed is printed.
 *
 * @module
 */

import { Lane } from "../../providers/kvm/libvirt/lane.ts";
import { openWorkshop } from "./run.ts";

const [folder = "", file = "", mode = "apply", point = "0", parallelism = "1", ...instead] =
  Deno.args;

let counting = false;
let points = 0;

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function reached(what: string): void {
  if (!counting) return;
  points++;
  if (point === "0") say(`point ${points}: ${what}`);
  if (what !== point && points !== Number(point)) return;
  say(`point ${points}: ${what}`);
  if (instead.length === 0) Deno.kill(Deno.pid, "SIGKILL");
  counting = false;
  const command = new Deno.Command(instead[0]!, { args: instead.slice(1), stdin: "null" });
  const { success, stderr } = command.outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

// Every call of libvirt passes here, whatever object it is made on.
const callWith = Lane.prototype.callWith as (...args: unknown[]) => Promise<unknown>;
Lane.prototype.callWith = async function (this: Lane, ...args: unknown[]) {
  reached(`before ${args[0]}`);
  try {
    return await callWith.apply(this, args);
  } finally {
    reached(`after ${args[0]}`);
  }
} as unknown as Lane["callWith"];

const topology = JSON.parse(await Deno.readTextFile(file));
await using workshop = await openWorkshop(folder, topology);
const result = await workshop.apply({ mode: mode === "destroy" ? "destroy" : "apply", topology }, {
  parallelism: Number(parallelism),
  ready: () => counting = true,
  lease: (lease) => ({
    stack: lease.stack,
    token: lease.token,
    lost: lease.lost,
    async write(change) {
      const lines = (change.journal ?? []).map(({ phase, step }) => `${phase} ${step}`).join(", ");
      const what = lines === "" ? "the run" : lines;
      reached(`before writing ${what}`);
      const serial = await lease.write(change);
      reached(`after writing ${what}`);
      return serial;
    },
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  }),
});
counting = false;
for (const { error } of result.failed) say(error.render());
say(`ended ${result.result}`);
