/**
 * Small devices by which host and guest help each other: entropy, TPM, watchdog, balloon, panic
 * notifier, sockets, IOMMU.
 *
 * @module
 */

import { z } from "zod";
import type { JsonObject } from "../../../../provider.ts";
import {
  custom,
  depends,
  field,
  group,
  integer,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  children,
  element,
  getElement,
  getPath,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { ON_OFF, since, toggle, unsaid, whole, word, words, YES_NO } from "./bits.ts";
import { uuid } from "./common.ts";
import { devices, elementsOf, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";
import { carrying } from "./single.ts";
import { VIRTIO_MODELS, virtioOptions } from "./virtio.ts";

const rngFields = {
  name: nameField("RNG"),
  ...deviceXml,
  model: word(
    "./@model",
    ["virtio", "virtio-transitional", "virtio-non-transitional"],
    "Model that the guest sees; virtio unless declared.",
  ),
  device: field({
    schema: () =>
      z.string().regex(/^\/dev\//, "must be a device of the host, for example /dev/urandom")
        .optional().describe("Device of the host that gives the entropy; /dev/urandom."),
    binding: custom(
      "./backend",
      (rng) =>
        getPath(rng, "./backend/@model") === "random" ? getPath(rng, "./backend") : undefined,
      (rng, value) => {
        setPath(rng, "./backend/@model", "random");
        setPath(rng, "./backend", String(value));
      },
    ),
    change: "restart",
  }),
  builtin: field({
    schema: () => z.literal(true).optional().describe("Entropy by QEMU's own use of getrandom."),
    binding: custom(
      "./backend/@model",
      (rng) => getPath(rng, "./backend/@model") === "builtin" ? true : undefined,
      (rng) => {
        setPath(rng, "./backend", "");
        setPath(rng, "./backend/@model", "builtin");
      },
    ),
    change: "restart",
  }),
  virtio: virtioOptions(),
  bytes: whole("./rate/@bytes", [1, 2 ** 31], "Bytes that the guest may take in a period."),
  period: whole("./rate/@period", [1, 2 ** 31], "Length of the period, ms; 1000 unless declared."),
} satisfies Table;

const rngEntry = () =>
  z.strictObject(shapeOf(rngFields)).refine(
    ({ device, builtin }) => device === undefined || builtin === undefined,
    { error: "does not go with device: entropy comes from one of them", path: ["builtin"] },
  ).refine(({ bytes, period }) => period === undefined || bytes !== undefined, {
    error: "is required with a period",
    path: ["bytes"],
  });

const rngs = devices({
  tag: "rng",
  prefix: "rng",
  doc: "Random number generators; a new machine has one, rng0.",
  entry: rngEntry,
  fields: rngFields,
  change: "live",
  make: (declared) =>
    element(
      "rng",
      { model: String(declared.model ?? "virtio") },
      declared.builtin === true
        ? element("backend", { model: "builtin" })
        : element("backend", { model: "random" }, String(declared.device ?? "/dev/urandom")),
    ),
});

const WATCHDOGS = ["i6300esb", "itco", "ib700", "diag288"] as const;

const watchdogFields = {
  name: nameField("watchdog"),
  ...deviceXml,
  model: field({
    schema: () => z.enum(WATCHDOGS).describe("Model that the guest sees."),
    binding: text("./@model"),
    change: "restart",
  }),
  action: word(
    "./@action",
    ["reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi"],
    "What is done when the guest does not answer; reset unless declared.",
  ),
} satisfies Table;

interface Watchdog {
  readonly model?: unknown;
  readonly action?: unknown;
}

const DEFAULT_ACTION = "reset";

/** Whether one that is there lets another come to the running guest: of the chipset's own, if both do the same. */
function isJoined(there: XmlElement, declared: Watchdog): boolean {
  return there.attributes.get("model") === "itco" &&
    (there.attributes.get("action") ?? DEFAULT_ACTION) === (declared.action ?? DEFAULT_ACTION);
}

const watchdogs = devices({
  tag: "watchdog",
  prefix: "watchdog",
  doc:
    "Watchdogs. Before libvirt 9.1 a machine has one at most; since then each q35 has the one of its " +
    "chipset (itco), declared or not. All of a machine's do the same.",
  entry: z.strictObject(shapeOf(watchdogFields)),
  fields: watchdogFields,
  // A machine has one of the chipset's at most, and libvirt may have given it one.
  matches: (device, declared) =>
    declared.model === "itco" && device.attributes.get("model") === "itco",
  // Only the one on PCI is plugged; one that is there is not joined by another, but for the chipset's.
  change: depends(
    "live with model i6300esb, where there is none like it yet; else restart",
    (context) => {
      const { config, live, before, after } = context;
      if (((after ?? before) as JsonObject).model !== "i6300esb") return "restart";
      const there = elementsOf(live ?? config, "watchdog");
      if (after === undefined) return "live";
      return there.every((device) => isJoined(device, after as Watchdog)) ? "live" : "restart";
    },
  ),
  make: (declared) => element("watchdog", { model: String(declared.model) }),
});

/** QEMU knows one action for all watchdogs: those that nobody declared do what is declared. */
export function settleWatchdogs(domain: XmlElement, declared: readonly Watchdog[] = []): void {
  const action = declared.find((watchdog) => watchdog.action !== undefined)?.action;
  if (action === undefined) return;
  for (const device of elementsOf(domain, "watchdog")) {
    device.attributes.set("action", String(action));
  }
}

const panicFields = {
  name: nameField("panic device"),
  ...deviceXml,
  model: field({
    schema: () =>
      z.enum(["isa", "pseries", "hyperv", "s390", "pvpanic"])
        .describe("How the guest tells that it crashed."),
    binding: text("./@model"),
    change: "restart",
  }),
} satisfies Table;

const panics = devices({
  tag: "panic",
  prefix: "panic",
  doc: "Devices by which the guest tells that it crashed.",
  entry: z.strictObject(shapeOf(panicFields)),
  fields: panicFields,
  change: "restart",
  make: (declared) => element("panic", { model: String(declared.model) }),
});

const BALLOON = "./devices/memballoon";

const balloon = {
  model: field({
    schema: () =>
      z.enum(["virtio", "virtio-transitional", "virtio-non-transitional", "none"]).optional()
        .describe("Model that the guest sees; none: memory cannot change while it runs."),
    binding: text(`${BALLOON}/@model`),
    change: "restart",
  }),
  statsPeriod: field({
    schema: () =>
      z.int().min(0).max(2 ** 31 - 1).optional()
        .describe("Seconds between the guest's reports on its memory; 0: none."),
    binding: custom(
      `${BALLOON}/stats/@period`,
      (domain) => {
        const found = getPath(domain, `${BALLOON}/stats/@period`);
        return found === undefined ? undefined : Number(found);
      },
      (domain, value) => {
        if (!value) return setPath(domain, `${BALLOON}/stats`, undefined);
        setPath(domain, `${BALLOON}/stats/@period`, `${value}`);
        // A balloon that libvirt would add by itself has to be said to carry the period.
        if (getPath(domain, `${BALLOON}/@model`) === undefined) {
          setPath(domain, `${BALLOON}/@model`, "virtio");
        }
      },
    ),
    change: depends(
      "live where there is a balloon, else restart",
      ({ config, live }) =>
        getPath(live ?? config, `${BALLOON}/@model`) === "none" ? "restart" : "live",
    ),
    equal: (declared, actual) => declared === (actual ?? 0),
  }),
  virtio: virtioOptions(BALLOON),
  autodeflate: toggle(
    `${BALLOON}/@autodeflate`,
    ON_OFF,
    "Give memory back to a guest that would run out of it.",
  ),
  freePageReporting: toggle(
    `${BALLOON}/@freePageReporting`,
    ON_OFF,
    "The guest reports pages that it does not use, and the host takes them.",
  ),
} satisfies Table;

const TPM = "./devices/tpm";

const tpm = {
  backend: field({
    schema: () =>
      z.enum(["emulator", "passthrough", "external"])
        .describe("swtpm on the host, the host's own TPM, or one behind a socket."),
    binding: carrying("devices", "tpm", text(`${TPM}/backend/@type`)),
    change: "restart",
    withdrawn: true,
  }),
  model: word(
    `${TPM}/@model`,
    ["tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"],
    "Model that the guest sees; the platform's own unless declared.",
  ),
  version: word(
    `${TPM}/backend/@version`,
    ["1.2", "2.0"],
    "Version of the emulated TPM; 2.0 on new platforms.",
  ),
  device: words(`${TPM}/backend/device/@path`, "The host's TPM, for example /dev/tpm0."),
  socket: since(
    "9.0.0",
    field({
      schema: () => z.string().min(1).optional().describe("Unix socket of an external TPM."),
      binding: custom(
        `${TPM}/backend/source/@path`,
        (domain) => getPath(domain, `${TPM}/backend/source/@path`),
        (domain, value) => {
          setPath(domain, `${TPM}/backend/source`, undefined);
          if (value === undefined) return;
          setPath(domain, `${TPM}/backend/source/@type`, "unix");
          setPath(domain, `${TPM}/backend/source/@mode`, "connect");
          setPath(domain, `${TPM}/backend/source/@path`, String(value));
        },
      ),
      change: "restart",
    }),
  ),
  encryptionSecret: field({
    schema: () =>
      uuid.optional().describe(
        "UUID of the host's libvirt secret by which the emulated TPM's state is encrypted.",
      ),
    binding: text(`${TPM}/backend/encryption/@secret`),
    change: "restart",
  }),
  pcrBanks: since(
    "7.10.0",
    field({
      schema: () =>
        z.array(z.enum(["sha1", "sha256", "sha384", "sha512"])).min(1).optional()
          .describe("Banks of registers that the emulated TPM has on."),
      binding: custom(`${TPM}/backend/active_pcr_banks`, (domain) => {
        const found = getElement(domain, `${TPM}/backend/active_pcr_banks`);
        return found && children(found).map(({ name }) => name);
      }, (domain, value) => {
        setPath(domain, `${TPM}/backend/active_pcr_banks`, undefined);
        for (const name of (value ?? []) as readonly string[]) {
          setPath(domain, `${TPM}/backend/active_pcr_banks/${name}`, "");
        }
      }),
      change: "restart",
      equal: (declared, actual) =>
        [...declared as string[]].sort().join() === [...(actual ?? []) as string[]].sort().join(),
    }),
  ),
  persistentState: unsaid(
    false,
    toggle(
      `${TPM}/backend/@persistent_state`,
      YES_NO,
      "Keep the emulated TPM's state when the machine is undefined.",
    ),
  ),
} satisfies Table;

const tpmSchema = () =>
  z.strictObject(shapeOf(tpm)).superRefine((device, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const of = {
      version: "emulator",
      encryptionSecret: "emulator",
      pcrBanks: "emulator",
      persistentState: "emulator",
      device: "passthrough",
    } as const;
    for (const [name, backend] of Object.entries(of)) {
      if (device[name as keyof typeof of] === undefined || device.backend === backend) continue;
      refuse(name, `goes with backend "${backend}", and this TPM has "${device.backend}"`);
    }
    if ((device.backend === "external") !== (device.socket !== undefined)) {
      refuse("socket", 'goes with backend "external", and is required there');
    }
  });

const VSOCK = "./devices/vsock";

const vsock = {
  cid: field({
    schema: () =>
      z.union([z.literal("auto"), z.int().min(3).max(2 ** 32 - 2)], {
        error: 'must be a whole number from 3 to 4294967294, or "auto"',
      })
        .describe('The guest\'s context ID, or "auto": libvirt chooses one.'),
    binding: carrying(
      "devices",
      "vsock",
      custom(`${VSOCK}/cid`, (domain) => {
        if (getPath(domain, `${VSOCK}/cid/@auto`) === "yes") return "auto";
        return integer(`${VSOCK}/cid/@address`).read(domain);
      }, (domain, value) => {
        if (getPath(domain, `${VSOCK}/@model`) === undefined) {
          setPath(domain, `${VSOCK}/@model`, "virtio");
        }
        setPath(domain, `${VSOCK}/cid/@auto`, value === "auto" ? "yes" : "no");
        setPath(domain, `${VSOCK}/cid/@address`, value === "auto" ? undefined : `${value}`);
      }),
    ),
    change: "restart",
    withdrawn: true,
  }),
  model: word(
    `${VSOCK}/@model`,
    VIRTIO_MODELS,
    "Model that the guest sees; virtio unless declared.",
  ),
  virtio: virtioOptions(VSOCK),
} satisfies Table;

const IOMMU = "./devices/iommu";

const iommu = {
  model: field({
    schema: () => z.enum(["intel", "virtio", "smmuv3"]).describe("Model that the guest sees."),
    binding: carrying("devices", "iommu", text(`${IOMMU}/@model`)),
    change: "restart",
    withdrawn: true,
  }),
  interruptRemapping: toggle(`${IOMMU}/driver/@intremap`, ON_OFF, "Remap interrupts, with intel."),
  cachingMode: toggle(
    `${IOMMU}/driver/@caching_mode`,
    ON_OFF,
    "Tell of new mappings, with intel: host devices behind it need that.",
  ),
  eim: toggle(`${IOMMU}/driver/@eim`, ON_OFF, "Extended interrupt mode, with intel."),
  iotlb: toggle(`${IOMMU}/driver/@iotlb`, ON_OFF, "Serve devices' own translation caches."),
  addressWidth: whole(
    `${IOMMU}/driver/@aw_bits`,
    [39, 57],
    "Bits of an address, 39, 48 or 57, with intel.",
  ),
} satisfies Table;

/** Entropy, TPM, watchdog, balloon, panic, sockets, IOMMU. */
export const guestAids = {
  balloon: group({
    schema: () => z.strictObject(shapeOf(balloon)).optional().describe("The memory balloon."),
    fields: balloon,
  }),
  rngs,
  tpm: group({
    schema: () => tpmSchema().optional().describe("Trusted platform module."),
    fields: tpm,
  }),
  watchdogs,
  panics,
  vsock: group({
    schema: () =>
      z.strictObject(shapeOf(vsock)).optional()
        .describe("Sockets between host and guest (AF_VSOCK)."),
    fields: vsock,
  }),
  iommu: group({
    schema: () =>
      z.strictObject(shapeOf(iommu)).refine(
        ({ model, interruptRemapping, cachingMode, eim, addressWidth }) =>
          model === "intel" ||
          [interruptRemapping, cachingMode, eim, addressWidth].every((one) => one === undefined),
        { error: 'interruptRemapping, cachingMode, eim and addressWidth go with model "intel"' },
      ).optional().describe("IOMMU that the guest sees."),
    fields: iommu,
  }),
} satisfies Table;
