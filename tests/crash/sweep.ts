/**
 * Kills a process at point after point of creating, updating, replacing and destroying, and looks each time
 * whether the next apply puts everything right.
 *
 * One cycle is all four operations one after the other, each of them killed once: so the host is as it
 * should be before each, and destroying makes it empty again.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Topology } from "../../planner/mod.ts";
import { Fleet } from "../fleet/mod.ts";
import { listing, socketUri } from "./listing.ts";
import { type Goal, openWorkshop } from "./run.ts";
import { STACK, topologyOf, type Version, writeImages } from "./stacks.ts";

/** What a stack goes through, in this order. */
export const OPERATIONS = ["create", "update", "replace", "destroy"] as const;
/** One of {@linkcode OPERATIONS}. */
export type Operation = typeof OPERATIONS[number];

/** A number for each operation. */
export type PerOperation = Readonly<Record<Operation, number>>;

/** What the points of each operation are, in their order: the first one has the number 1. */
export type Points = Readonly<Record<Operation, readonly string[]>>;

/** The point of each operation at which a cycle kills it. */
export type Cycle = Partial<PerOperation>;

/** A point after which the host was not put right. */
export interface Failure {
  readonly operation: Operation;
  /** What the process was doing. */
  readonly point: string;
  readonly why: string;
}

/** What a sweep found. */
export interface Found {
  /** Points at which a process was killed. */
  readonly killed: PerOperation;
  readonly failures: readonly Failure[];
}

const VERSION: Readonly<Record<Operation, Version>> = {
  create: 1,
  update: 2,
  replace: 3,
  destroy: 3,
};

const program = new URL("./killed.ts", import.meta.url).pathname;
const config = new URL("../../deno.json", import.meta.url).pathname;

/** A fleet host with the stack's record and images beside it. */
export class Sweep implements AsyncDisposable {
  readonly #fleet: Fleet;
  readonly #folder: string;
  readonly #topologies: ReadonlyMap<Version, Topology>;
  /** Of the host's first process. */
  readonly #pid: number;
  readonly #victim: Victim;
  /** What the host holds after each operation when nothing was killed. */
  readonly #expected = new Map<Operation, readonly string[]>();

  private constructor(
    fleet: Fleet,
    folder: string,
    topologies: ReadonlyMap<Version, Topology>,
    pid: number,
    victim: Victim,
  ) {
    this.#fleet = fleet;
    this.#folder = folder;
    this.#topologies = topologies;
    this.#pid = pid;
    this.#victim = victim;
  }

  /** Makes a host. */
  static async open(victim: Victim): Promise<Sweep> {
    const fleet = await Fleet.up({ hosts: 1 });
    let folder: string | undefined;
    try {
      folder = await Deno.makeTempDir({ prefix: "staddle-crash-" });
      await writeImages(folder);
      const pid = await fleet.host(1).pid();
      assert.ok(pid !== undefined);
      const topologies = new Map<Version, Topology>();
      for (const version of [1, 2, 3] as const) {
        const topology = await topologyOf(version, socketUri(pid), folder);
        topologies.set(version, topology);
        await Deno.writeTextFile(`${folder}/${version}.json`, JSON.stringify(topology));
      }
      return new Sweep(fleet, folder, topologies, pid, victim);
    } catch (error) {
      if (folder !== undefined) await Deno.remove(folder, { recursive: true });
      await fleet.down();
      throw error;
    }
  }

  /** Removes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet.down();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Goes through all operations without a kill, and tells what the points of each are. */
  async points(parallelism: number): Promise<Points> {
    const points: Record<string, readonly string[]> = {};
    for (const operation of OPERATIONS) {
      const { output } = await this.#run(operation, 0, parallelism);
      assert.match(output, /^ended done$/m);
      points[operation] = [...output.matchAll(/^point \d+: (.*)$/gm)].map(([, what]) => what!);
      // A harness that sees no calls would pass without killing at any.
      const calls = points[operation].filter((point) => /^(before|after) vir/.test(point));
      if (calls.length < 20) {
        throw new Error(`${operation}: only ${calls.length} libvirt calls seen`);
      }
      this.#expected.set(operation, await listing(this.#pid));
      await this.#nothingLeft(operation);
    }
    return points as Points;
  }

  /**
   * One cycle. Each operation is killed at its point, if it has one; an operation that ends before it
   * reaches the point is none the worse. {@linkcode points} comes first.
   */
  async cycle(
    points: Cycle,
    parallelism: number,
    onKill: (operation: Operation, point: string) => void,
  ): Promise<Failure | undefined> {
    for (const operation of OPERATIONS) {
      const point = points[operation];
      let where = "nothing was killed";
      try {
        if (point !== undefined) {
          const { killed, output } = await this.#run(operation, point, parallelism);
          where = output.trim().split("\n")[0]!;
          if (killed) onKill(operation, where);
          else assert.match(output, /^ended done$/m);
        }
        await this.#putRight(operation);
      } catch (error) {
        return { operation, point: where, why: reasonOf(error) };
      }
    }
    return undefined;
  }

  #goal(operation: Operation): Goal {
    const topology = this.#topologies.get(VERSION[operation])!;
    return { mode: operation === "destroy" ? "destroy" : "apply", topology };
  }

  /** The next apply converges, the plan after it is empty, and the host holds what it should. */
  async #putRight(operation: Operation): Promise<void> {
    const goal = this.#goal(operation);
    {
      await using workshop = await openWorkshop(this.#folder, goal.topology);
      const { result, failed } = await workshop.apply(goal);
      assert.equal(result, "done", failed.map(({ error }) => error.render()).join("\n"));
    }
    await this.#nothingLeft(operation);
    const found = await listing(this.#pid);
    assert.deepEqual(difference(this.#expected.get(operation)!, found), []);
  }

  async #nothingLeft(operation: Operation): Promise<void> {
    const goal = this.#goal(operation);
    await using workshop = await openWorkshop(this.#folder, goal.topology);
    const { plan, errors } = await workshop.plan(goal);
    assert.deepEqual(errors.map((error) => error.render()), []);
    const left = plan.resources.filter(({ action }) => action !== "no-op");
    assert.deepEqual(left.map(({ action, address, reason }) => [action, address, reason]), []);
    assert.deepEqual([plan.steps, plan.drift], [[], []]);
    assert.deepEqual(await workshop.store.unfinished(STACK), []);
    const record = await workshop.store.load(STACK);
    const rows = (record?.resources ?? []).map(({ address, status }) => `${status} ${address}`);
    const wanted = goal.mode === "destroy"
      ? []
      : goal.topology.resources.map(({ address }) => `present ${address}`);
    assert.deepEqual(rows.sort(), wanted.sort());
  }

  async #run(operation: Operation, point: number, parallelism: number): Promise<Ended> {
    const { mode } = this.#goal(operation);
    const file = `${this.#folder}/${VERSION[operation]}.json`;
    const script = DAMAGE[this.#victim];
    const instead = script === undefined
      ? []
      : await this.#fleet.host(1).execArgs(["sh", "-c", script]);
    return await runKilled({ folder: this.#folder, file, mode, point, parallelism, instead });
  }
}

/** Who is killed: the process that applies, or what it works with on the host. */
export type Victim = "self" | "libvirtd" | "qemu";

/** What is done to the host at the point, where the process itself goes on. */
const DAMAGE: Readonly<Record<Victim, string | undefined>> = {
  self: undefined,
  libvirtd: "for act in kill start wait; do fleet-service libvirtd $act || exit; done",
  qemu: "for file in /run/libvirt/qemu/*.pid; do case $file in */driver.pid) ;; " +
    '*) [ ! -e "$file" ] || kill -KILL "$(cat "$file")" || true ;; esac; done',
};

/** How the process ended that kills itself. */
export interface Ended {
  readonly killed: boolean;
  readonly output: string;
}

/**
 * Runs `killed.ts`. It fails if the process neither killed itself nor came to its end. `instead` is run
 * at the point in place of the kill: after that the process may end well or with failed steps.
 */
export async function runKilled(
  { folder, file, mode, point, parallelism = 1, instead = [] }: {
    readonly folder: string;
    readonly file: string;
    readonly mode: "apply" | "destroy";
    readonly point: number | string;
    readonly parallelism?: number;
    readonly instead?: readonly string[];
  },
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check", "--cached-only", "-A", "--config", config, program],
      ...[folder, file, mode, `${point}`, `${parallelism}`, ...instead],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { signal, success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  const reached = point !== 0 && /^point \d/m.test(output);
  const killed = instead.length > 0 ? reached : signal === "SIGKILL";
  assert.ok(killed || success, `it ended by itself: ${output}${decoder.decode(stderr)}`);
  return { killed, output };
}

function difference(expected: readonly string[], found: readonly string[]): string[] {
  const left = new Set(expected);
  const more = found.filter((line) => !left.delete(line));
  return [
    ...[...left].map((line) => `missing: ${line}`),
    ...more.map((line) => `too much: ${line}`),
  ];
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is killed where, and by how many hosts at once. */
export interface SweepOptions {
  /** Cycles of points, in any order: they are shared out among the hosts. */
  readonly cycles: (points: Points) => readonly Cycle[];
  readonly hosts: number;
  readonly victim?: Victim;
  /** Steps in flight at once in the process that is killed. */
  readonly parallelism: number;
  /** No cycle but the first begins after so many milliseconds. */
  readonly limit?: number;
  readonly say: (line: string) => void;
}

/** Runs cycles on some hosts. After a failure its host is made anew. */
export async function sweep(options: SweepOptions): Promise<Found> {
  const { say, parallelism, victim = "self" } = options;
  const killed: Record<Operation, number> = { create: 0, update: 0, replace: 0, destroy: 0 };
  const failures: Failure[] = [];
  let cycles: Cycle[] | undefined;
  const began = performance.now();
  let begun = 0;
  const isOver = () =>
    options.limit !== undefined && begun > 0 && performance.now() - began > options.limit;

  const lane = async (): Promise<void> => {
    let remade = false;
    do {
      await using host = await Sweep.open(victim);
      const points = await host.points(parallelism);
      if (cycles === undefined) {
        cycles = [...options.cycles(points)].reverse();
        const kills = cycles.reduce((sum, cycle) => sum + Object.keys(cycle).length, 0);
        say(
          `points: ${OPERATIONS.map((name) => `${name} ${points[name].length}`).join(", ")}; ` +
            `${kills} kills in ${cycles.length} cycles`,
        );
      }
      remade = false;
      while (!isOver()) {
        const cycle = cycles.pop();
        if (cycle === undefined) break;
        begun++;
        const failure = await host.cycle(cycle, parallelism, (operation, point) => {
          killed[operation]++;
          say(`${operation}, killed at ${point}`);
        });
        if (failure === undefined) continue;
        failures.push(failure);
        say(`FAILED ${failure.operation}, killed at ${failure.point}\n${failure.why}`);
        remade = true;
        break;
      }
    } while (remade);
  };
  await Promise.all(Array.from({ length: options.hosts }, lane));
  return { killed, failures };
}

/** Which of the points are worth a kill. */
export type Choice = "every" | "moments" | "changes";

/** A write of the record, or a call that may change something on the host. */
function changes(point: string): boolean {
  if (/^(before|after) writing /.test(point)) return true;
  return !/ vir(Connect|Node)|Lookup|Get|List|NumOf|Is(Active|Persistent)|Refresh|Ref$|Free$/
    .test(point);
}

/**
 * Numbers of points:
 *
 * - `every`: all of them;
 * - `moments`: without those that are the same moment as the one before them: after a call, and before
 *   the call that follows it at once;
 * - `changes`: one for each state in which the host and the record can be left, that is the first point
 *   and those after a write or after a call that may change something.
 *
 * What `changes` has comes first in the others too.
 */
export function choose(points: readonly string[], choice: Choice): readonly number[] {
  const first: number[] = [];
  const rest: number[] = [];
  for (const [at, point] of points.entries()) {
    const same = points[at - 1]?.startsWith("after ") === true && point.startsWith("before ");
    if (at === 0 || (point.startsWith("after ") && changes(point))) first.push(at + 1);
    else if (choice === "every" || (choice === "moments" && !same)) rest.push(at + 1);
  }
  return [...first, ...rest];
}

/** Cycles that have every chosen point of every operation once. */
export function allOf(points: Points, choice: Choice): readonly Cycle[] {
  const chosen = OPERATIONS.map((name) => [name, choose(points[name], choice)] as const);
  const most = Math.max(...chosen.map(([, list]) => list.length));
  return Array.from({ length: most }, (_, at) => {
    const due = chosen.filter(([, list]) => at < list.length);
    return Object.fromEntries(due.map(([name, list]) => [name, list[at]]));
  });
}

/** Cycles of points of chance, the same ones for the same seed. */
export function someOf(points: Points, cycles: number, seed: number): readonly Cycle[] {
  const random = generator(seed);
  const one = (name: Operation) => 1 + Math.floor(random() * points[name].length);
  return Array.from(
    { length: cycles },
    () => Object.fromEntries(OPERATIONS.map((name) => [name, one(name)])),
  );
}

/** Mulberry32: numbers from 0 to 1, the same ones for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
