/**
 * Memory beside that of the machine itself: modules, memory that the host gives and takes while the
 * guest runs (virtio-mem), memory that lasts.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, JsonObject } from "../../../../provider.ts";
import { depends, field, kibibytes, shapeOf, type Table, text } from "../../../table/mod.ts";
import { element, getPath } from "../../../xml/mod.ts";
import { size } from "../../size.ts";
import { cpuSet, sameCpuSet } from "../cpu_set.ts";
import { flag, toggle, whole, word, YES_NO } from "./bits.ts";
import { uuid } from "./common.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";

const MODELS = ["dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc"] as const;

function sameKibibytes(declared: unknown, actual: unknown): boolean {
  return Math.ceil(Number(declared) / 1024) === Number(actual) / 1024;
}

function amount(path: string, doc: string, change: Disruption = "restart") {
  return field({
    schema: () => size({ min: 1024 }).optional().describe(doc),
    binding: kibibytes(path),
    change,
    format: "bytes",
    equal: sameKibibytes,
  });
}

const fields = {
  name: nameField("memory device"),
  ...deviceXml,
  model: field({
    schema: () =>
      z.enum(MODELS).describe(
        "dimm: a module; virtio-mem: as much of it as is requested; nvdimm and virtio-pmem: memory " +
          "on a file, which lasts; sgx-epc: memory that the host cannot read.",
      ),
    binding: text("./@model"),
    change: "restart",
  }),
  size: field({
    schema: () =>
      size({ min: 1024 }).describe("Size, for example `1GiB`; the most of it, with virtio-mem."),
    binding: kibibytes("./target/size"),
    change: "restart",
    format: "bytes",
    equal: sameKibibytes,
  }),
  requested: amount(
    "./target/requested",
    "How much of it the guest shall have, in blocks; with virtio-mem.",
    "live",
  ),
  block: amount("./target/block", "Size of a block, a power of two; with virtio-mem."),
  cell: whole("./target/node", [0, 1023], "NUMA cell of the guest that it belongs to."),
  label: amount("./target/label/size", "Room for labels at its end; with nvdimm."),
  readonly: flag("./target/readonly", "The guest cannot write; with nvdimm."),
  file: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe("File or device of the host behind it; with nvdimm and virtio-pmem."),
    binding: text("./source/path"),
    change: "restart",
  }),
  align: amount("./source/alignsize", "What it is aligned to on the host; with nvdimm."),
  pmem: flag("./source/pmem", "What is behind it lasts in itself; with nvdimm."),
  pages: amount("./source/pagesize", "Size of the host's pages; with dimm and virtio-mem."),
  nodes: field({
    schema: () => cpuSet.optional().describe("Nodes of the host from which it comes."),
    binding: text("./source/nodemask"),
    change: "restart",
    equal: sameCpuSet,
  }),
  access: word(
    "./@access",
    ["shared", "private"],
    "Whether other processes on the host may map it.",
  ),
  discard: toggle("./@discard", YES_NO, "Given up, not written out, when QEMU ends."),
  uuid: field({
    schema: () =>
      uuid.optional()
        .describe("Identity that the guest sees, on PowerPC; with nvdimm."),
    binding: text("./uuid"),
    change: "restart",
  }),
} satisfies Table;

/** Members, and the models that have them. */
const GOES_WITH: Readonly<Record<string, readonly string[]>> = {
  requested: ["virtio-mem"],
  block: ["virtio-mem"],
  label: ["nvdimm"],
  readonly: ["nvdimm"],
  file: ["nvdimm", "virtio-pmem"],
  align: ["nvdimm"],
  pmem: ["nvdimm"],
  pages: ["dimm", "virtio-mem"],
  nodes: ["dimm", "virtio-mem", "sgx-epc"],
  cell: ["dimm", "nvdimm", "virtio-mem", "sgx-epc"],
  uuid: ["nvdimm"],
};

const entry = () =>
  z.strictObject(shapeOf(fields)).superRefine((device, context) => {
    const { model } = device;
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    for (const [name, models] of Object.entries(GOES_WITH)) {
      if (device[name as keyof typeof device] === undefined || models.includes(model)) continue;
      refuse(name, `goes with model ${models.map((one) => `"${one}"`).join(" or ")}`);
    }
    if (GOES_WITH.file!.includes(model) && device.file === undefined) {
      refuse("file", `is required with model "${model}"`);
    }
    if (model !== "virtio-mem") return;
    if (device.requested === undefined) refuse("requested", 'is required with model "virtio-mem"');
    else if (device.requested > device.size) refuse("requested", "is above the size");
    // The block of x86's huge pages is what libvirt and QEMU take on that platform.
    const block = device.block ?? 2 * 1024 ** 2;
    for (const name of ["size", "requested"] as const) {
      if ((device[name] ?? 0) % block === 0) continue;
      refuse(name, `must be a multiple of the block, ${block / 1024 ** 2} MiB`);
    }
  });

/** Modules are plugged while the guest runs, where it has slots for them. */
const change = depends(
  "live where the guest has slots (memoryHotplug), else restart",
  ({ config, live }): Disruption =>
    getPath(live ?? config, "./maxMemory") === undefined ? "restart" : "live",
);

/** Memory devices. */
export const memoryDevices = {
  memoryDevices: devices({
    tag: "memory",
    prefix: "memory",
    doc: "Memory modules and their likes; the machine needs memoryHotplug and NUMA cells.",
    entry,
    fields,
    change,
    make: (declared: JsonObject) => {
      const { model } = declared;
      const sized = [element("size", { unit: "KiB" }, Math.ceil(Number(declared.size) / 1024))];
      if (model !== "virtio-pmem") sized.push(element("node", {}, Number(declared.cell ?? 0)));
      if (model === "virtio-mem") {
        const block = Number(declared.block ?? 2 * 1024 ** 2) / 1024;
        sized.push(element("block", { unit: "KiB" }, block));
        sized.push(element("requested", { unit: "KiB" }, Number(declared.requested) / 1024));
      }
      return element("memory", { model: String(model) }, element("target", {}, ...sized));
    },
  }),
} satisfies Table;
