/** Golden texts: another name for a machine, and how a guest is stopped before it goes. */

import { planText } from "../../../cli/render/plan_text.ts";
import { checkDisruption } from "../../../cli/run_plan.ts";
import { summarize } from "../../../planner/mod.ts";
import { fingerprints } from "../../../providers/kvm/kinds/mod.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { JsonObject, Observed } from "../../../providers/provider.ts";
import type { MachineOptions } from "../../../stacks/mod.ts";
import { golden } from "../../support/golden.ts";
import { type Made, make, plan, planned, shop } from "./stack_world.ts";

const WEB: MachineOptions = { memory: "1GiB", nics: [{ bridge: "br0" }] };

function web(options: Partial<MachineOptions>) {
  return shop((lab) => void lab.vm("web", { ...WEB, ...options }));
}

/** The texts that a person sees: the plan, or why there is none. */
function shown(definition: ReturnType<typeof shop>, made: Made): string {
  const { plan: found, errors } = plan(definition, made);
  if (errors.length > 0) {
    // Where the declaration stands is this file.
    return errors.map((error) => error.render().replace(/^ +at \/.*\n/gm, "")).join("\n");
  }
  return planText(found, { summary: summarize(found) }).trim();
}

/** What is there, with something of its source otherwise. */
function changed(made: Made, source: JsonObject): Made {
  const observed = made.observed.map((object): Observed => {
    const all = { ...object.source, ...source };
    return { ...object, source: all, fingerprint: fingerprints.get(object.kind)!(all) };
  });
  return { ...made, observed };
}

function refusal(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StaddleError) return error.render();
    throw error;
  }
  return "accepted";
}

Deno.test("golden: another name for a machine", () => {
  const running = make(web({ name: "old" }));
  const off = make(web({ name: "old", power: "off" }));
  const now = web({ name: "new", whenRestartNeeded: "now" });
  const pair = (a: string, b: string) =>
    shop((lab) => {
      lab.vm("a", { ...WEB, name: a, power: "off" });
      lab.vm("b", { ...WEB, name: b, power: "off" });
    });
  const texts = {
    "it is off": shown(web({ name: "new", power: "off" }), off),
    "it runs, and may be restarted now": shown(now, running),
    "…with --max-disruption next-boot": refusal(() =>
      checkDisruption(planned(now, running), "next-boot")
    ),
    "it runs, and is restarted when someone does that": shown(web({ name: "new" }), running),
    "it runs, and is never to be restarted": shown(
      web({ name: "new", whenRestartNeeded: "never" }),
      running,
    ),
    "it runs, and is to be off": shown(web({ name: "new", power: "off" }), running),
    "it is off, with its memory saved": shown(
      web({ name: "new" }),
      changed(make(web({ name: "old", power: "off" })), { saved: true }),
    ),
    "names are handed on": shown(pair("two", "three"), make(pair("one", "two"))),
    "names are exchanged": shown(pair("two", "one"), make(pair("one", "two"))),
  };
  golden(import.meta.url, "rename.txt", sections(texts));
});

Deno.test("golden: how a guest is stopped before it goes", () => {
  const declared = (options: Partial<MachineOptions>, machine = true) =>
    shop((lab) => {
      const store = lab.pool("store", { path: "/srv/store" });
      const own = lab.volume("own", { pool: store, size: "1GiB" });
      const kept = lab.volume("kept", { pool: store, size: "1GiB" });
      if (!machine) return;
      lab.vm("web", {
        ...WEB,
        disks: [{ volume: own }, { name: "kept", volume: kept }],
        ...options,
      });
    });
  const nothing = shop((lab) => void lab.pool("store", { path: "/srv/store" }));
  const host = (options: Partial<MachineOptions>) =>
    web({ disks: [{ file: "/srv/root.img" }], ...options });
  const texts = {
    "its disks stay": shown(declared({}, false), make(declared({}))),
    "…and it may be powered off": shown(
      declared({}, false),
      make(declared({ shutdown: { timeout: "5min", force: true } })),
    ),
    "all that it writes to goes with it": shown(nothing, make(declared({}))),
    "it has a file of the host's own": shown(
      shop(() => {}),
      make(host({})),
    ),
    "…which it only reads": shown(
      shop(() => {}),
      make(host({ disks: [{ file: "/srv/root.img", readonly: true }] })),
    ),
    "a folder of the host is shared with it": shown(
      shop(() => {}),
      make(host({
        disks: [],
        filesystems: [{ name: "home", driver: "9p", source: "/srv/home", target: "home" }],
      })),
    ),
    "it is off": shown(declared({}, false), make(declared({ power: "off" }))),
  };
  golden(import.meta.url, "ends.txt", sections(texts));
});

function sections(texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts).map(([title, text]) => `## ${title}\n\n${text}\n`).join("\n");
}
