/**
 * A test bed for machines that run: a host of its own with a real libvirt, a stack that is declared
 * anew for each step and applied, and small guests that tell what they see.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { planText } from "../../cli/render/plan_text.ts";
import { stateShow } from "../../cli/render/state_text.ts";
import { type Plan, summarize, validateTopology } from "../../planner/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { StaddleError } from "../../providers/error.ts";
import type { SecretSource } from "../../providers/secret.ts";
import { buildTopology } from "../../stacks/build.ts";
import { type HostScope, type Image, stack } from "../../stacks/mod.ts";
import { openWorkshop, type Workshop } from "../crash/run.ts";
import { STACK } from "../crash/stacks.ts";
import { Fleet, type FleetHost, fleetObstacle, poll } from "../fleet/mod.ts";
import { consoleText, guestObstacle } from "../fleet/test_guest.ts";
import { requirement } from "../support/skip.ts";

const GUEST = new URL("../../.cache/guest/", import.meta.url).pathname;

/** What these tests need. */
export const needs = await requirement(
  "fleet",
  async () => await fleetObstacle() ?? await guestObstacle(),
);

/** Kernel and RAM disk of the guest. */
export interface Boot {
  readonly kernel: Image;
  readonly initrd: Image;
  readonly cmdline: string;
}

/** What a stack holds beside its host and the guest's images. */
export type Declare = (lab: HostScope, boot: Boot) => void;

/** How an apply ended. */
export interface Applied {
  readonly plan: Plan;
  /** The plan as people read it. */
  readonly text: string;
  /** Changed fields of all resources: `vcpus live`. */
  readonly changes: readonly string[];
  /** What the run said beside. */
  readonly notes: readonly string[];
  /** The error of the step that failed, if one did. */
  readonly error?: StaddleError;
}

/** The bed. */
export interface Bed extends AsyncDisposable {
  readonly host: FleetHost;
  /** Plans the stack. */
  plan(declare: Declare): Promise<Applied>;
  /** Plans and applies the stack, which must succeed. */
  apply(declare: Declare): Promise<Applied>;
  /** Plans and applies the stack; a step of it must fail with the code. */
  fails(declare: Declare, code: string): Promise<Applied & { readonly error: StaddleError }>;
  /** What is recorded of a resource, as people read it. */
  state(address: string): Promise<string>;
  /** The process of a machine's QEMU, and when it began. */
  processOf(machine: string): Promise<string>;
  /** Runs a command in a guest, once it listens. */
  inGuest(address: string, command: string): Promise<string>;
  /** Waits until a command in a guest prints what is expected; gives all that it printed. */
  guestSees(address: string, command: string, expected: RegExp): Promise<string>;
  /** The guest's own seconds since it started. */
  uptime(address: string): Promise<number>;
  /** What the machine's serial console has shown, at all its starts. */
  console(machine: string): Promise<string>;
}

/** What a bed may be given. */
export interface BedOptions {
  /** Values of secrets. */
  readonly secrets?: SecretSource;
}

/** Makes the bed. Its folder on the host is `/srv`. */
export async function makeBed({ secrets }: BedOptions = {}): Promise<Bed> {
  const fleet = await Fleet.up({ hosts: 1 });
  try {
    const images = {
      kernel: { from: `${GUEST}kernel`, sha256: await sha256("kernel") },
      initrd: { from: `${GUEST}initrd`, sha256: await sha256("initrd") },
    };
    const uri = fleet.host(1).plainUri;
    const topologyOf = (declare: Declare) => {
      const definition = stack(STACK, (s) => {
        const ssh = { configFile: fleet.ssh.config };
        const lab = s.host("lab", { uri, ssh, connectTimeout: 60 });
        const kernel = lab.image("kernel", images.kernel);
        const initrd = lab.image("initrd", images.initrd);
        declare(lab, { kernel, initrd, cmdline: "console=ttyS0 quiet" });
      });
      const { topology, errors } = validateTopology(buildTopology(definition), kinds);
      if (errors.length > 0) throw errors[0];
      return topology;
    };
    const workshop = await openWorkshop(fleet.dir, topologyOf(() => {}), secrets);
    return bedOn(fleet, workshop, topologyOf);
  } catch (error) {
    await fleet.down();
    throw error;
  }
}

async function sha256(file: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(`${GUEST}${file}`)).digest("hex");
}

function bedOn(
  fleet: Fleet,
  workshop: Workshop,
  topologyOf: (declare: Declare) => Parameters<Workshop["plan"]>[0]["topology"],
): Bed {
  const host = fleet.host(1);

  const planned = async (declare: Declare): Promise<Applied> => {
    const goal = { mode: "apply", topology: topologyOf(declare) } as const;
    const { plan, errors } = await workshop.plan(goal);
    if (errors.length > 0) throw errors[0];
    return {
      plan,
      text: planText(plan, { summary: summarize(plan) }),
      changes: plan.resources.flatMap(({ changes }) =>
        changes.map(({ path, disruption }) => `${path} ${disruption}`)
      ),
      notes: [],
    };
  };

  const carriedOut = async (declare: Declare): Promise<Applied> => {
    const before = await planned(declare);
    const result = await workshop.apply({ mode: "apply", topology: topologyOf(declare) });
    const notes = result.notes.map(({ text }) => text);
    return { ...before, notes, error: result.failed[0]?.error ?? result.fatal };
  };

  const bed: Bed = {
    host,
    plan: planned,
    async apply(declare) {
      const applied = await carriedOut(declare);
      if (applied.error !== undefined) {
        throw new Error(`${applied.text}\n${applied.error.render()}`, { cause: applied.error });
      }
      return applied;
    },
    async fails(declare, code) {
      const applied = await carriedOut(declare);
      const { error } = applied;
      assert.ok(error !== undefined, `it was applied:\n${applied.text}`);
      assert.equal(error.code, code, error.render());
      return { ...applied, error };
    },
    async state(address) {
      const record = await workshop.store.load(STACK);
      return stateShow(record!.resources.find((row) => row.address === address)!);
    },
    processOf: (machine) =>
      // Field 22 is when it began: a number that was given out again is told apart.
      host.must(
        `pid=$(cat /run/libvirt/qemu/${machine}.pid) && echo $pid $(cut -d' ' -f22 /proc/$pid/stat)`,
      ),
    inGuest: (address, command) =>
      // A guest that boots, or that is under load, may let a connection lapse.
      poll(`guest at ${address} runs ${command}`, async () => {
        const url = `http://${address}/cgi-bin/sh?${encodeURIComponent(command)}`;
        const { code, stdout } = await host.exec(["curl", "-sS", "--max-time", "20", url]);
        return code === 0 ? stdout : undefined;
      }, { timeoutMs: 300_000, intervalMs: 500 }),
    async guestSees(address, command, expected) {
      let text = "";
      try {
        return await poll(`${command} prints ${expected}`, async () => {
          text = await bed.inGuest(address, command);
          return expected.test(text) ? text : undefined;
        }, { timeoutMs: 300_000, intervalMs: 500 });
      } catch (error) {
        throw new Error(`${(error as Error).message}; it prints:\n${text}`);
      }
    },
    async uptime(address) {
      return Number((await bed.inGuest(address, "cat /proc/uptime")).split(" ")[0]);
    },
    console: (machine) => consoleText(host, machine),
    async [Symbol.asyncDispose]() {
      try {
        await workshop[Symbol.asyncDispose]();
      } finally {
        await fleet.down();
      }
    },
  };
  return bed;
}
