/**
 * Features of the hypervisor: what the guest's firmware and kernel find beside the CPU.
 *
 * @module
 */

import { z } from "zod";
import { field, group, kibibytes, shapeOf, type Table } from "../../../table/mod.ts";
import { getPath, setPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { flag, ON_OFF, toggle, word } from "./bits.ts";

const hyperv = (name: string, doc: string) =>
  toggle(`./features/hyperv/${name}/@state`, ON_OFF, doc);

const hypervMembers = {
  mode: word(
    "./features/hyperv/@mode",
    ["custom", "passthrough"],
    "custom: those declared; passthrough: every one that the host has.",
  ),
  relaxed: hyperv("relaxed", "Relaxed timer checks."),
  vapic: hyperv("vapic", "Virtual APIC."),
  spinlocks: field({
    schema: () =>
      z.union([z.int().min(4095), z.literal(false)], {
        error: "must be a whole number from 4095 up, or false",
      }).optional().describe(
        "Tries before a spinning vCPU tells the hypervisor; at least 4095.",
      ),
    binding: {
      path: "./features/hyperv/spinlocks/@retries",
      read: (domain) => {
        const state = getPath(domain, "./features/hyperv/spinlocks/@state");
        if (state !== "on") return state === undefined ? undefined : false;
        return Number(getPath(domain, "./features/hyperv/spinlocks/@retries") ?? 4095);
      },
      write: (domain, value) => {
        const off = value === false || value === undefined;
        setPath(domain, "./features/hyperv/spinlocks/@state", off ? "off" : "on");
        const retries = off ? undefined : `${value}`;
        setPath(domain, "./features/hyperv/spinlocks/@retries", retries);
      },
    },
    change: "restart",
  }),
  vpindex: hyperv("vpindex", "Index of virtual processors."),
  runtime: hyperv("runtime", "Time that a vCPU ran."),
  synic: hyperv("synic", "Synthetic interrupt controller."),
  stimer: hyperv("stimer", "Synthetic timers; they need synic, and the timer hypervclock."),
  stimerDirect: toggle(
    "./features/hyperv/stimer/direct/@state",
    ON_OFF,
    "Synthetic timers in direct mode.",
  ),
  reset: hyperv("reset", "Reset by the hypervisor."),
  vendorId: field({
    schema: () =>
      z.string().regex(/^[^,]{1,12}$/, "must be 1 to 12 characters without comma")
        .optional().describe("Vendor that the guest finds, at most 12 characters."),
    binding: {
      path: "./features/hyperv/vendor_id/@value",
      read: (domain) => getPath(domain, "./features/hyperv/vendor_id/@value"),
      write: (domain, value) => {
        setPath(domain, "./features/hyperv/vendor_id/@state", "on");
        setPath(domain, "./features/hyperv/vendor_id/@value", `${value}`);
      },
    },
    change: "restart",
  }),
  frequencies: hyperv("frequencies", "Frequencies of TSC and APIC."),
  reenlightenment: hyperv("reenlightenment", "Notice of a migration to another frequency."),
  tlbflush: hyperv("tlbflush", "TLB flushes by the hypervisor."),
  ipi: hyperv("ipi", "Interrupts between vCPUs by the hypervisor."),
  evmcs: hyperv("evmcs", "Enlightened VMCS, on Intel."),
  avic: hyperv("avic", "APIC virtualisation by the CPU beside synic."),
} satisfies Table;

const kvmMembers = {
  hidden: toggle("./features/kvm/hidden/@state", ON_OFF, "The guest does not find KVM."),
  hintDedicated: toggle(
    "./features/kvm/hint-dedicated/@state",
    ON_OFF,
    "Tells the guest that its vCPUs have host CPUs of their own.",
  ),
  pollControl: toggle(
    "./features/kvm/poll-control/@state",
    ON_OFF,
    "The guest decides on polling.",
  ),
  pvIpi: toggle("./features/kvm/pv-ipi/@state", ON_OFF, "Paravirtual interrupts between vCPUs."),
  dirtyRing: field({
    schema: () =>
      z.union([z.int().min(1024).max(65_536), z.literal(false)], {
        error: "must be a power of two from 1024 to 65536, or false",
      }).refine(
        (size) => size === false || Math.log2(size) % 1 === 0,
        { error: "must be a power of two from 1024 to 65536, or false" },
      ).optional().describe(
        "Entries of the ring in which KVM notes written pages for a migration, a power of two.",
      ),
    binding: {
      path: "./features/kvm/dirty-ring/@size",
      read: (domain) => {
        const state = getPath(domain, "./features/kvm/dirty-ring/@state");
        if (state !== "on") return state === undefined ? undefined : false;
        return Number(getPath(domain, "./features/kvm/dirty-ring/@size"));
      },
      write: (domain, value) => {
        const off = value === false || value === undefined;
        setPath(domain, "./features/kvm/dirty-ring/@state", off ? "off" : "on");
        setPath(domain, "./features/kvm/dirty-ring/@size", off ? undefined : `${value}`);
      },
    },
    change: "restart",
    since: "8.0.0",
  }),
} satisfies Table;

/** Memory that libvirt counts in KiB. */
const wholeKiB = (min: number) =>
  size({ min }).refine((bytes) => bytes % 1024 === 0, {
    error: ({ input }) =>
      `must be a whole number of KiB: libvirt would make it ${Math.ceil(Number(input) / 1024)}KiB`,
  });

const papr = (name: string, doc: string) => toggle(`./features/${name}/@state`, ON_OFF, doc);
const safeguard = (name: string, words: readonly string[], doc: string) =>
  word(`./features/${name}/@value`, words, doc);

const pseriesMembers = {
  hptResizing: word(
    "./features/hpt/@resizing",
    ["enabled", "disabled", "required"],
    "Whether the guest may resize its hash page table.",
  ),
  hptMaxPageSize: field({
    schema: () =>
      wholeKiB(2 ** 12).optional()
        .describe("Largest page that the guest may use, for example `16MiB`."),
    binding: kibibytes("./features/hpt/maxpagesize"),
    change: "restart",
    format: "bytes",
  }),
  htm: papr("htm", "Hardware transactional memory."),
  nestedHv: papr("nested-hv", "Guests of the guest, with the hypervisor's help."),
  ccfAssist: papr("ccf-assist", "Count cache flush with the CPU's help."),
  cacheFlush: safeguard(
    "cfpc",
    ["broken", "workaround", "fixed"],
    "Cache flush on a privilege change.",
  ),
  boundsCheck: safeguard("sbbc", ["broken", "workaround", "fixed"], "Barrier of bounds checks."),
  indirectBranch: safeguard(
    "ibs",
    ["broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"],
    "Speculation of indirect branches.",
  ),
} satisfies Table;

const members = {
  acpi: flag("./features/acpi", "ACPI; a new PC has it."),
  apic: flag("./features/apic", "APIC; a new PC has it."),
  pae: flag("./features/pae", "More than 4 GiB for 32-bit guests."),
  hap: toggle("./features/hap/@state", ON_OFF, "Paging with the CPU's help."),
  pmu: toggle("./features/pmu/@state", ON_OFF, "The CPU's performance counters."),
  vmport: toggle("./features/vmport/@state", ON_OFF, "VMware's I/O port, for its mouse."),
  vmcoreinfo: toggle("./features/vmcoreinfo/@state", ON_OFF, "Lets crash dumps name the kernel."),
  smm: toggle(
    "./features/smm/@state",
    ON_OFF,
    "System management mode; secure boot needs it, and brings it along.",
  ),
  smmTseg: field({
    schema: () =>
      wholeKiB(2 ** 20).optional()
        .describe("Memory for system management mode, for example `48MiB`."),
    binding: kibibytes("./features/smm/tseg"),
    change: "restart",
    format: "bytes",
  }),
  apicEoi: toggle("./features/apic/@eoi", ON_OFF, "Paravirtual end of interrupt."),
  pvSpinlock: toggle("./features/pvspinlock/@state", ON_OFF, "Paravirtual spinlocks, under KVM."),
  ioapic: word("./features/ioapic/@driver", ["kvm", "qemu"], "Who emulates the I/O APIC."),
  gic: word("./features/gic/@version", ["2", "3", "host"], "Interrupt controller of ARM guests."),
  unknownMsrs: word(
    "./features/msrs/@unknown",
    ["ignore", "fault"],
    "What happens when the guest reads a model-specific register that is not there.",
  ),
  hyperv: group({
    schema: () =>
      z.strictObject(shapeOf(hypervMembers)).optional().describe(
        "What Windows finds of Hyper-V; KVM only.",
      ),
    fields: hypervMembers,
  }),
  kvm: group({
    schema: () =>
      z.strictObject(shapeOf(kvmMembers)).optional().describe("What the guest finds of KVM."),
    fields: kvmMembers,
  }),
  pseries: group({
    schema: () =>
      z.strictObject(shapeOf(pseriesMembers)).optional().describe(
        "What is PowerPC's own (pseries).",
      ),
    fields: pseriesMembers,
  }),
  tcgCache: field({
    schema: () => wholeKiB(2 ** 20).optional().describe("Cache for translated code, under TCG."),
    binding: kibibytes("./features/tcg/tb-cache"),
    change: "restart",
    format: "bytes",
  }),
} satisfies Table;

/** Features. */
export const features = {
  features: group({
    schema: () =>
      z.strictObject(shapeOf(members)).superRefine((declared, context) => {
        const refuse = (path: string, message: string) =>
          context.addIssue({ code: "custom", path: [path], message });
        if (declared.apic === false && declared.apicEoi !== undefined) {
          refuse("apicEoi", "is a matter of the APIC, and apic: false leaves it out");
        }
        if (declared.smm === false && declared.smmTseg !== undefined) {
          refuse("smmTseg", "goes with smm: libvirt drops it where smm is false");
        }
      }).optional().describe("Features of the hypervisor."),
    fields: members,
  }),
} satisfies Table;
