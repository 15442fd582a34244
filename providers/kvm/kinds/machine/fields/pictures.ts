/**
 * What the guest shows, plays and is steered by: video, sound, input devices.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, JsonObject } from "../../../../provider.ts";
import {
  type ChangeContext,
  depends,
  field,
  integer,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import { element, getPath } from "../../../xml/mod.ts";
import { ON_OFF, toggle, unsaid, whole, word, words, YES_NO } from "./bits.ts";
import { audios } from "./audio.ts";
import { devices, ensureUsb, nameField, usbChange } from "./device.ts";
import { deviceXml } from "./escape.ts";
import { virtioOptions } from "./virtio.ts";

const KIB = 2 ** 32;

/** KiB that libvirt would make the next power of two in silence. */
function powerOfTwo(path: string, doc: string) {
  return field({
    schema: () =>
      z.int().min(1).max(KIB).refine((amount) => amount < 1 || Math.log2(amount) % 1 === 0, {
        error: ({ input }) =>
          `must be a power of two: libvirt would make it ${
            2 ** Math.ceil(Math.log2(Number(input)))
          }`,
      }).optional().describe(`${doc} A power of two.`),
    binding: integer(path),
    change: "restart",
  });
}

const videoFields = {
  name: nameField("video device"),
  ...deviceXml,
  model: field({
    schema: () =>
      z.enum(["virtio", "vga", "cirrus", "qxl", "bochs", "ramfb", "vmvga", "none"])
        .describe("Model that the guest sees; none: no video device."),
    binding: text("./model/@type"),
    change: "restart",
  }),
  heads: whole("./model/@heads", [1, 16], "Screens."),
  vram: powerOfTwo("./model/@vram", "Video memory, KiB, with vga, cirrus, qxl and vmvga."),
  ram: powerOfTwo("./model/@ram", "Primary memory, KiB, with qxl."),
  vgamem: whole("./model/@vgamem", [1, KIB], "Memory of the VGA mode, KiB, with qxl."),
  vram64: whole("./model/@vram64", [1, KIB], "Secondary memory above 4 GiB, KiB, with qxl."),
  primary: unsaid(
    false,
    toggle("./model/@primary", YES_NO, "Whether it is the primary one; the first is."),
  ),
  acceleration2d: toggle("./model/acceleration/@accel2d", YES_NO, "Draw in two dimensions by GPU."),
  renderNode: words(
    "./model/acceleration/@rendernode",
    "GPU of the host, for example /dev/dri/renderD128, with driver vhostuser.",
  ),
  driver: word(
    "./driver/@name",
    ["qemu", "vhostuser"],
    "Who draws, with virtio: QEMU, or a process of its own.",
  ),
  vgaConfig: word("./driver/@vgaconf", ["io", "on", "off"], "How VGA is decoded, with virtio."),
  virtio: virtioOptions(),
  acceleration: toggle(
    "./model/acceleration/@accel3d",
    YES_NO,
    "Draw with the host's GPU, with virtio and a display with gl.",
  ),
  blob: toggle("./model/@blob", ["on", "off"], "Share buffers with the host, with virtio."),
  width: whole("./model/resolution/@x", [1, 16384], "Width at the start, pixels."),
  height: whole("./model/resolution/@y", [1, 16384], "Height at the start, pixels."),
} satisfies Table;

/** What libvirt keeps of no video device that is `none`. */
const OF_A_DEVICE = [
  "heads",
  "vram",
  "primary",
  "acceleration",
  "acceleration2d",
  "width",
  "height",
] as const;

const videoEntry = () =>
  z.strictObject(shapeOf(videoFields)).superRefine((video, context) => {
    for (const name of ["ram", "vgamem"] as const) {
      if (video[name] === undefined || video.model === "qxl") continue;
      context.addIssue({ code: "custom", path: [name], message: 'goes with model "qxl"' });
    }
    for (const name of OF_A_DEVICE) {
      if (video[name] === undefined || video.model !== "none") continue;
      const message = 'goes with a video device, and model "none" is that there is none';
      context.addIssue({ code: "custom", path: [name], message });
    }
    if ((video.width === undefined) !== (video.height === undefined)) {
      context.addIssue({
        code: "custom",
        path: [video.width === undefined ? "width" : "height"],
        message: "is required: width and height go together",
      });
    }
  });

/** Under a display, libvirt puts a video device of its own choice where none is declared. */
const videos = devices({
  tag: "video",
  prefix: "video",
  doc: "Video devices; the first is the primary one.",
  entry: videoEntry,
  fields: videoFields,
  change: "restart",
  make: (declared) => element("video", {}, element("model", { type: String(declared.model) })),
});

const audioBackend = whole(
  "./audio/@id",
  [1, 255],
  "Number of the backend (`audios`) that its sound goes to.",
);

const soundFields = {
  name: nameField("sound device"),
  ...deviceXml,
  model: field({
    schema: () =>
      z.enum(["ich6", "ich7", "ich9", "ac97", "es1370", "sb16", "pcspk", "usb"])
        .describe("Model that the guest sees."),
    binding: text("./@model"),
    change: "restart",
  }),
  audio: audioBackend,
  codec: word("./codec/@type", ["duplex", "micro", "output"], "Codec, with ich6 and ich9."),
} satisfies Table;

/** Models that have codecs of their own. */
const CODECS = ["ich6", "ich9"];

const sounds = devices({
  tag: "sound",
  prefix: "sound",
  doc: "Sound devices.",
  entry: () =>
    z.strictObject(shapeOf(soundFields)).refine(
      ({ model, codec }) => codec === undefined || CODECS.includes(model),
      { path: ["codec"], error: 'goes with model "ich6" or "ich9": libvirt keeps no other\'s' },
    ),
  fields: soundFields,
  change: "restart",
  make: (declared, domain) => {
    if (declared.model === "usb") ensureUsb(domain);
    return element("sound", { model: String(declared.model) });
  },
});

function inputBus(input: JsonObject): string {
  return String(input.bus ?? (input.type === "passthrough" ? "virtio" : "usb"));
}

/** USB and virtio devices are plugged while the guest runs. */
function inputChange({ config, live, before, after }: ChangeContext): Disruption {
  const bus = inputBus((after ?? before) as JsonObject);
  if (bus === "usb") return usbChange(live ?? config);
  return bus === "virtio" ? "live" : "restart";
}

const evdevFields = {
  grab: word("./source/@grab", ["all"], "Take every device of its kind, with evdev."),
  grabToggle: word(
    "./source/@grabToggle",
    ["ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"],
    "Keys that give it to the host and back, with evdev.",
  ),
  repeat: toggle("./source/@repeat", ON_OFF, "Repeat keys that are held, with evdev."),
} satisfies Table;

const inputFields = {
  name: nameField("input device"),
  ...deviceXml,
  type: field({
    schema: () =>
      z.enum(["tablet", "mouse", "keyboard", "passthrough", "evdev"])
        .describe("What it is; passthrough and evdev hand a device of the host on."),
    binding: text("./@type"),
    change: "restart",
  }),
  bus: field({
    schema: () =>
      z.enum(["usb", "virtio"]).optional()
        .describe("Bus that the guest sees; usb unless declared."),
    binding: text("./@bus"),
    change: "restart",
  }),
  device: field({
    schema: () =>
      z.string().regex(
        /^\/dev\//,
        "must be a device of the host, for example /dev/input/event1",
      )
        .optional().describe("Device of the host, with passthrough and evdev."),
    binding: {
      path: "./source/@evdev, ./source/@dev",
      read: (input) => getPath(input, "./source/@evdev") ?? getPath(input, "./source/@dev"),
      write: (input, value) => {
        const attribute = input.attributes.get("type") === "evdev" ? "dev" : "evdev";
        const known = input.children.find((node) =>
          node.kind === "element" && node.name === "source"
        );
        if (known?.kind === "element") known.attributes.set(attribute, String(value));
        else input.children.push(element("source", { [attribute]: String(value) }));
      },
    },
    change: "restart",
  }),
  virtio: virtioOptions(),
  ...evdevFields,
} satisfies Table;

const inputEntry = () =>
  z.strictObject(shapeOf(inputFields)).superRefine((input, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    const handed = input.type === "passthrough" || input.type === "evdev";
    if (handed !== (input.device !== undefined)) {
      refuse("device", 'goes with type "passthrough" or "evdev", and is required there');
    }
    if (input.type === "evdev" && input.bus !== undefined) refuse("bus", "evdev is on no bus");
    for (const name of ["grab", "grabToggle", "repeat"] as const) {
      if (input[name] !== undefined && input.type !== "evdev") {
        refuse(name, 'goes with type "evdev"');
      }
    }
    if (input.virtio !== undefined && inputBus(input as JsonObject) !== "virtio") {
      refuse("virtio", 'goes with bus "virtio"');
    }
    if (input.type === "passthrough" && (input.bus ?? "virtio") !== "virtio") {
      refuse("bus", 'passthrough is on bus "virtio"');
    }
  });

const inputs = devices({
  tag: "input",
  prefix: "input",
  doc: "Input devices. PCs have a PS/2 keyboard and mouse beside them.",
  entry: inputEntry,
  fields: inputFields,
  change: depends(
    "live on virtio, and on usb where the guest has USB; else restart",
    inputChange,
  ),
  // The PS/2 pair is part of the platform: it comes and goes with it.
  select: (input) => input.attributes.get("bus") !== "ps2",
  make: (declared, domain) => {
    const bus = declared.type === "evdev" ? undefined : inputBus(declared);
    if (bus === "usb") ensureUsb(domain);
    return element("input", { type: String(declared.type), bus });
  },
});

/** Video, sound, input. */
export const pictures = { videos, sounds, audios, inputs } satisfies Table;
