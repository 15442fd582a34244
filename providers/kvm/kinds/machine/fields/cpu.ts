/**
 * The CPU that the guest sees.
 *
 * A running guest's XML shows the CPU that was worked out for it at its start: the mode has become
 * `custom`, the check `full`. That is no difference.
 *
 * @module
 */

import { z } from "zod";
import type { Json } from "../../../../provider.ts";
import { type Binding, field, group, shapeOf, type Table, text } from "../../../table/mod.ts";
import {
  element,
  getElement,
  getElements,
  getPath,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { ON_OFF, toggle, whole, word } from "./bits.ts";
import { always } from "./common.ts";
import { distinctBy, entries } from "./entries.ts";

/** What stands in the XML of a running guest in the place of the declared word. */
const WORKED_OUT = "worked out at the start";

function isWorkedOut(domain: XmlElement): boolean {
  return domain.attributes.has("id") && getPath(domain, "./cpu/@mode") === "custom" &&
    getPath(domain, "./cpu/@check") === "full";
}

/** A word that libvirt replaces in the XML of a running guest. */
function declaredWord(path: string): Binding {
  const plain = text(path);
  return {
    ...plain,
    read: (domain) => isWorkedOut(domain) ? WORKED_OUT : plain.read(domain),
  };
}

function sameWord(declared: Json, actual: Json | undefined): boolean {
  return actual === declared || actual === WORKED_OUT;
}

/** A mode that is worked out at the start; the others stay as they are. */
function sameMode(declared: Json, actual: Json | undefined): boolean {
  if (actual === WORKED_OUT) return declared === "host-model" || declared === "custom";
  return declared === actual;
}

const topologyMembers = {
  sockets: whole("./cpu/topology/@sockets", [1, 4096], "Sockets."),
  dies: field({
    schema: () =>
      z.int().min(1).max(4096).optional().describe("Dies in a socket; 1 unless declared."),
    binding: {
      path: "./cpu/topology/@dies",
      read: (domain) =>
        getElement(domain, "./cpu/topology") === undefined
          ? undefined
          : Number(getPath(domain, "./cpu/topology/@dies") ?? 1),
      write: (domain, value) => setPath(domain, "./cpu/topology/@dies", `${value}`),
    },
    change: "restart",
  }),
  cores: whole("./cpu/topology/@cores", [1, 4096], "Cores in a die."),
  threads: whole("./cpu/topology/@threads", [1, 4096], "Threads in a core."),
} satisfies Table;

const topologyShape = shapeOf(topologyMembers);

const cacheMembers = {
  mode: word(
    "./cpu/cache/@mode",
    ["emulate", "passthrough", "disable"],
    "emulate: QEMU's own cache; passthrough: the host's, with mode host-passthrough; disable: none.",
  ),
  level: whole("./cpu/cache/@level", [1, 3], "Level of the cache, with mode emulate: 3."),
} satisfies Table;

/** What a running guest was given, by the policies that may have led to it. */
const GIVEN: Readonly<Record<string, ReadonlySet<Json>>> = {
  "require (running)": new Set(["require", "force", "optional"]),
  "disable (running)": new Set(["disable", "forbid", "optional"]),
};

/** Features of a running guest's CPU, marked as what it was given. */
function selectFeatures(domain: XmlElement): XmlElement[] {
  const found = getElements(domain, "./cpu/feature");
  if (!isWorkedOut(domain)) return found;
  return found.map((feature) =>
    element("feature", {
      name: feature.attributes.get("name"),
      policy: `${feature.attributes.get("policy")} (running)`,
    })
  );
}

const featureMembers = {
  name: field({
    schema: () =>
      z.string().regex(/^[a-z0-9._-]+$/, "must be a CPU feature, for example vmx")
        .describe("libvirt's name of the feature, for example `vmx`."),
    binding: text("./@name"),
    change: "restart",
    equal: always,
  }),
  policy: field({
    schema: () =>
      z.enum(["require", "disable", "force", "optional", "forbid"]).describe(
        "require: there, or the guest does not start; disable: hidden; force: shown even if the " +
          "host lacks it; optional: there if the host has it; forbid: refused on a host that has it.",
      ),
    binding: text("./@policy"),
    change: "restart",
    equal: (declared, actual) =>
      declared === actual || GIVEN[String(actual)]?.has(declared) === true,
  }),
} satisfies Table;

const members = {
  mode: field({
    schema: () =>
      z.enum(["host-passthrough", "host-model", "maximum", "custom"]).optional()
        .describe("How the guest's CPU relates to the host's."),
    binding: declaredWord("./cpu/@mode"),
    change: "restart",
    equal: sameMode,
  }),
  model: field({
    schema: () =>
      z.string().min(1).optional().describe(
        "A named model, for example `EPYC`, with mode custom.",
      ),
    binding: text("./cpu/model"),
    change: "restart",
  }),
  vendor: word(
    "./cpu/vendor",
    ["Intel", "AMD", "Hygon"],
    "Vendor that the host's CPU must have, with mode custom.",
  ),
  vendorId: field({
    schema: () =>
      z.string().regex(/^[^,]{12}$/, "must be 12 characters without comma").optional()
        .describe("Vendor that the guest finds, 12 characters, with mode custom or host-model."),
    binding: text("./cpu/model/@vendor_id"),
    change: "restart",
  }),
  fallback: field({
    schema: () =>
      z.enum(["allow", "forbid"]).optional().describe(
        "Whether a model that the host cannot give is replaced by the nearest one.",
      ),
    binding: declaredWord("./cpu/model/@fallback"),
    change: "restart",
    equal: sameWord,
  }),
  match: field({
    schema: () =>
      z.enum(["minimum", "exact", "strict"]).optional().describe(
        "How far the host may be above the model: minimum: all that it has is given to the guest; " +
          "exact: just the model; strict: the host must be just the model.",
      ),
    binding: declaredWord("./cpu/@match"),
    change: "restart",
    equal: sameWord,
  }),
  check: field({
    schema: () =>
      z.enum(["none", "partial", "full"]).optional().describe(
        "What is checked before the guest starts: nothing, what libvirt knows, or what QEMU gives.",
      ),
    binding: declaredWord("./cpu/@check"),
    change: "restart",
    equal: sameWord,
  }),
  migratable: toggle(
    "./cpu/@migratable",
    ON_OFF,
    "Leaves out features that stand in the way of a live migration; with mode host-passthrough " +
      "or maximum.",
  ),
  topology: group({
    schema: () =>
      z.strictObject({
        ...topologyShape,
        sockets: topologyShape.sockets.unwrap(),
        cores: topologyShape.cores.unwrap(),
        threads: topologyShape.threads.unwrap(),
      }).optional().describe("How vCPUs are laid out; the product is maxVcpus."),
    fields: topologyMembers,
  }),
  cache: group({
    schema: () =>
      z.strictObject(shapeOf(cacheMembers)).refine(
        ({ mode, level }) => level === undefined || mode === "emulate",
        { error: 'a level goes with mode "emulate"', path: ["level"] },
      ).optional().describe("Cache that the guest sees."),
    fields: cacheMembers,
  }),
  physicalAddressBits: whole(
    "./cpu/maxphysaddr/@bits",
    [32, 64],
    "Bits of physical addresses that the guest sees.",
  ),
  features: {
    ...entries({
      grows: true,
      schema: () =>
        z.array(z.strictObject(shapeOf(featureMembers))).superRefine(distinctBy("name"))
          .optional().describe("CPU features that are added or taken away; others are left alone."),
      parent: "./cpu",
      element: "feature",
      attribute: "name",
      key: "name",
      fields: featureMembers,
    }),
    select: selectFeatures,
  },
} satisfies Table;

/** The CPU. */
export const cpu = group({
  schema: () =>
    z.strictObject(shapeOf(members)).refine(
      ({ mode, model }) => model === undefined || (mode ?? "custom") === "custom",
      { error: 'a model goes with mode "custom"', path: ["model"] },
    ).refine(
      ({ mode, migratable }) =>
        migratable === undefined || mode === "host-passthrough" || mode === "maximum",
      { error: 'goes with mode "host-passthrough" or "maximum"', path: ["migratable"] },
    ).optional().describe("CPU of the guest."),
  fields: {
    ...members,
    // libvirt wants the mode beside the bits: emulate gives the guest just as many.
    physicalAddressBits: {
      ...members.physicalAddressBits,
      binding: {
        ...members.physicalAddressBits.binding,
        write: (domain, value) => {
          setPath(domain, "./cpu/maxphysaddr/@mode", value === undefined ? undefined : "emulate");
          members.physicalAddressBits.binding.write(domain, value);
        },
      },
    },
  },
});
