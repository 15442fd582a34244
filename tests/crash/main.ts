/**
 * Crash at every point: `deno task crash [--points every|moments|changes] [--skip CYCLES] [--hosts N]
 * [--parallelism N] [--victim self|libvirtd|qemu]`, a sample: `deno task crash --sample CYCLES [--seed N]`, or
 * points by their numbers or names: `deno task crash --at destroy=308 --at 'update=before writing end'`.
 *
 * Creates, updates, replaces and destroys a stack with resources of every kind on a real libvirt, and kills
 * the process with SIGKILL before and after each write of the record and each call of libvirt. After each
 * kill the next apply must converge, the plan after it be empty, and the host hold what it should and
 * nothing else. The last lines are the number of points and of those that failed.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { fleetObstacle } from "../fleet/mod.ts";
import {
  allOf,
  type Choice,
  type Cycle,
  type Operation,
  OPERATIONS,
  type Points,
  someOf,
  sweep,
  type Victim,
} from "./sweep.ts";

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** `destroy=308`, or the first point of a name: `replace=writing end create:lab/volume.passed`. */
function pointAt(text: string, points: Points): Cycle {
  const [operation, point = ""] = text.split("=") as [Operation, string?];
  if (/^\d+$/.test(point)) return { [operation]: Number(point) };
  const place = points[operation].findIndex((name) => name.includes(point));
  if (place < 0) throw new Error(`${operation} has no point "${point}"`);
  return { [operation]: place + 1 };
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      points: { type: "string", default: "moments" },
      skip: { type: "string", default: "0" },
      hosts: { type: "string", default: "1" },
      parallelism: { type: "string", default: "1" },
      sample: { type: "string" },
      seed: { type: "string" },
      victim: { type: "string", default: "self" },
      at: { type: "string", multiple: true },
    },
  });
  const obstacle = await fleetObstacle();
  if (obstacle !== undefined) {
    say(obstacle);
    return 1;
  }
  const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  const sample = values.sample === undefined ? undefined : Number(values.sample);
  if (sample !== undefined) say(`seed ${seed}`);
  const began = performance.now();
  const { killed, failures } = await sweep({
    cycles: (points) => {
      if (values.at !== undefined) return values.at.map((text) => pointAt(text, points));
      return sample === undefined
        ? allOf(points, values.points as Choice).slice(Number(values.skip))
        : someOf(points, sample, seed);
    },
    victim: values.victim as Victim,
    hosts: Number(values.hosts),
    parallelism: Number(values.parallelism),
    say,
  });
  const total = OPERATIONS.reduce((sum, name) => sum + killed[name], 0);
  for (const { operation, point, why } of failures) say(`\n${operation}, ${point}\n${why}`);
  say(OPERATIONS.map((name) => `${name} ${killed[name]}`).join(", "));
  const minutes = (performance.now() - began) / 60_000;
  say(`${total} points, ${failures.length} failed, ${minutes.toFixed(1)} min`);
  return failures.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
