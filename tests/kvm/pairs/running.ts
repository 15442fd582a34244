/**
 * The way of a running guest through declarations that follow each other: what a plan calls live is done in
 * the same QEMU, what it calls next-boot is pending and told so, and nothing is after a restart.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Plan } from "../../../planner/mod.ts";
import { type FieldChange, type JsonObject, PENDING_RESTART } from "../../../providers/provider.ts";
import type { FleetHost } from "../../fleet/mod.ts";
import { consoleText } from "../../fleet/test_guest.ts";
import type { Edit } from "./any_machine.ts";
import { type Bench, benchOn, type PairHost } from "./pair.ts";

/** The machine as every declaration has it: a guest that boots from a kernel of the host's. */
export const RUNNING: JsonObject = {
  name: "any",
  accel: "tcg",
  memory: "256MiB",
  consoleLog: "/var/log/libvirt/qemu/any-console.log",
  boot: {
    kernel: "/var/lib/libvirt/images/kernel",
    initrd: "/var/lib/libvirt/images/initrd",
    cmdline: "console=ttyS0 quiet",
  },
  disks: [],
  nics: [],
};

/**
 * Lists to which libvirt adds entries of its own while a guest runs. One that is declared no longer cannot be
 * told from those.
 */
const UNTOLD = /^(cpu\.features|vcpuStates|ioThreadPools|securityLabels)\[/;

/** Milliseconds that a guest may take to boot. */
const BOOT = 60_000;

/** How an edit of a running guest ended. */
export interface Changed {
  /** Why it was refused, or why the guest did not start with it. */
  readonly refused?: string;
  readonly unstartable?: string;
  /** It was to let go of something, and a busy host had not booted it yet: nothing was tried. */
  readonly late?: boolean;
  /** Paths that changed, and how. */
  readonly changed: readonly string[];
}

/** A guest that runs, with what is declared of it. */
export class Running {
  spec: JsonObject = RUNNING;
  readonly #host: FleetHost;
  readonly #bench: Bench;

  constructor(host: FleetHost, pairs: PairHost) {
    this.#host = host;
    this.#bench = benchOn(pairs);
  }

  /** Makes the guest, or makes it anew. */
  async begin(): Promise<void> {
    this.spec = RUNNING;
    await this.#forgetConsole();
    assert.equal(await this.#bench.apply(RUNNING), undefined);
  }

  /** Edits what is declared, and starts the guest anew with it. */
  async edit(edit: Edit): Promise<Changed> {
    const { apply, plan, settled } = this.#bench;
    const before = this.spec;
    const after = edit(before);
    const process = await this.#process();
    const foreseen: Plan | undefined = await plan(after).catch(() => undefined);
    const changes =
      foreseen?.resources.flatMap(({ kind, changes }) => kind === "machine" ? changes : []) ?? [];
    if (changes.some(asksGuest) && !(await this.#isUp())) return { late: true, changed: [] };
    const refused = await apply(after);
    if (refused !== undefined) {
      assert.equal(
        await this.#process(),
        process,
        `refused, and it is another QEMU: ${refused.why}`,
      );
      // What was plugged in by then goes again.
      const asks = (await plan(before)).resources.some(({ changes }) => changes.some(asksGuest));
      if (asks && !(await this.#isUp())) {
        await this.#takeAway();
        await this.begin();
        return { refused: refused.why, changed: [] };
      }
      const back = await apply(before);
      assert.equal(back, undefined, `no way back from a refusal: ${back?.why}\n${refused.why}`);
      const left = `the way back from a refusal has changes left: ${refused.why}`;
      await settled(before, left);
      // Pins and the like stay with what runs, and nobody declares them.
      assert.equal(await this.#startAnew(), undefined);
      return { refused: refused.why, changed: [] };
    }
    const changed = changes.map(({ path, disruption }) => `${path} ${disruption}`);
    assert.ok(
      changes.every(({ disruption }) => /^(live|next-boot)$/.test(disruption)),
      `${changed}`,
    );
    assert.equal(await this.#process(), process, `another QEMU after ${changed}`);
    const then = pendingIn(await settled(after, `changes left after ${changed}`));
    for (const { path, after, disruption } of changes) {
      const told = then.some((one) => related(one, path));
      const untold = after === undefined && UNTOLD.test(path);
      if (disruption === "next-boot") {
        assert.ok(told || untold, `${path} is not told as pending: ${then}`);
      } else assert.ok(!then.includes(path), `${path} was live, and is pending`);
    }
    const later = changes.filter(({ disruption }) => disruption === "next-boot");
    const idle = then.filter((one) => !later.some(({ path }) => related(one, path)));
    assert.deepEqual(idle, [], `pending, and nothing of it was changed by ${changed}`);
    if (later.length > 0 && later.length === changes.length) await this.#takeBack(before, after);
    this.spec = after;
    const unstartable = await this.#startAnew();
    if (unstartable !== undefined) {
      await this.#takeAway();
      await this.begin();
      return { unstartable, changed };
    }
    const last = pendingIn(await settled(after, `changes left after a start with ${changed}`));
    assert.deepEqual(last, [], `pending after a start with ${changed}`);
    return { changed };
  }

  /** What waits for a start and is taken back before it comes was never there: the guest runs as declared. */
  async #takeBack(before: JsonObject, after: JsonObject): Promise<void> {
    const { apply, plan, settled } = this.#bench;
    const process = await this.#process();
    const waiting = (await plan(before)).resources.flatMap(({ changes }) => changes)
      // A running guest has some of libvirt's own, which may be those.
      .filter(({ path, disruption }) =>
        disruption !== "live" && !NAMELESS.test(path) && !UNTOLD.test(path)
      ).map(({ path }) => path);
    assert.deepEqual(waiting, [], "taken back, and it is to wait for a start");
    // What is no longer declared stays, and may not go with what is.
    if (await apply(before) !== undefined) return;
    const pending = pendingIn(await settled(before, "taken back, and it has changes left"));
    const late = pending.filter((one) => !NAMELESS.test(one));
    assert.deepEqual(late, [], "taken back, and pending");
    assert.equal((await apply(after))?.why, undefined, "it cannot be declared again");
    assert.equal(await this.#process(), process, "another QEMU after it was taken back");
  }

  /** QEMU's process, and when it began. */
  #process(): Promise<string> {
    return this.#host.must(
      "pid=$(cat /run/libvirt/qemu/any.pid) && echo $pid $(cut -d' ' -f22 /proc/$pid/stat)",
    );
  }

  /** Whether the guest comes up in some time: only then it lets go of devices when asked. */
  async #isUp(): Promise<boolean> {
    const deadline = performance.now() + BOOT;
    for (;;) {
      if ((await consoleText(this.#host, "any")).includes("STADDLE-GUEST ready")) return true;
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Why it does not start, if it does not. */
  async #startAnew(): Promise<string | undefined> {
    await this.#host.virsh("destroy", "any");
    await this.#forgetConsole();
    const start = await this.#host.exec(["virsh", "-q", "-c", "qemu:///system", "start", "any"]);
    return start.code === 0 ? undefined : start.stderr.trim();
  }

  /** What the guest says from here on is of its next boot. */
  async #forgetConsole(): Promise<void> {
    await this.#host.exec(["rm", "-f", RUNNING.consoleLog as string]);
  }

  async #takeAway(): Promise<void> {
    await this.#host.exec(["virsh", "-q", "-c", "qemu:///system", "destroy", "any"]);
    const flags = ["--nvram", "--managed-save", "--snapshots-metadata"];
    await this.#host.virsh("undefine", "any", ...flags);
  }
}

/** Whether a running guest has to let go of something. */
function asksGuest({ path, before, after, disruption }: FieldChange): boolean {
  if (disruption !== "live") return false;
  return path === "vcpus" ? Number(after) < Number(before) : after === undefined;
}

function pendingIn(plan: Plan): readonly string[] {
  return plan.resources.flatMap(({ notes }) => notes)
    .filter((note) => note.startsWith(PENDING_RESTART))
    .flatMap((note) => note.slice(PENDING_RESTART.length).split(", "));
}

/** Devices that libvirt knows by no name: what is told of one that goes is its type. */
const NAMELESS = /^(displays|audios|smartcards)\[/;

/** Whether one path is the other's, or part of it. */
function related(one: string, other: string): boolean {
  const list = NAMELESS.exec(other)?.[0];
  if (list !== undefined && one.startsWith(list)) return true;
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  return within(one, other) || within(other, one);
}
