/**
 * Displays, beyond what the word `graphics` says: where they listen, how they behave. Passwords come
 * as references to secrets, and are no part of this list.
 *
 * @module
 */

import { z } from "zod";
import { type Binding, custom, field, shapeOf, type Table, text } from "../../../table/mod.ts";
import {
  append,
  child,
  element,
  getElement,
  getPath,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { toggle, word, words, YES_NO } from "./bits.ts";
import { devices, elementsOf, nameField } from "./device.ts";

/** A port of the host; the one that libvirt chose (`autoport`) is not declared. */
function port(attribute: string, doc: string) {
  const binding = custom(`./@${attribute}`, (display) => {
    const found = display.attributes.get(attribute);
    const chosen = display.attributes.get("autoport") === "yes" && attribute !== "websocket";
    return found === undefined || chosen || Number(found) < 0 ? undefined : Number(found);
  }, (display, value) => {
    if (value === undefined) return;
    display.attributes.set(attribute, String(value));
    if (attribute !== "websocket") display.attributes.set("autoport", "no");
  });
  return field({
    schema: () => z.int().min(1).max(65535).optional().describe(doc),
    binding,
    change: "restart",
  });
}

/** The address stands in an attribute and in an element, and both must say the same. */
const listen: Binding = custom(
  "./listen/@address",
  (display) =>
    getPath(display, "./listen[@type='address']/@address") ?? getPath(display, "./@listen"),
  (display, value) => {
    display.attributes.delete("socket");
    setPath(display, "./@listen", String(value));
    const known = child(display, "listen");
    if (known === undefined) return;
    for (const name of ["socket", "network"]) known.attributes.delete(name);
    known.attributes.set("type", "address");
    known.attributes.set("address", String(value));
  },
);

const socket: Binding = custom(
  "./listen/@socket",
  (display) =>
    getPath(display, "./listen[@type='socket']/@socket") ?? getPath(display, "./@socket"),
  (display, value) => {
    for (const name of ["listen", "port", "tlsPort", "autoport", "socket"]) {
      display.attributes.delete(name);
    }
    let known = child(display, "listen");
    if (known === undefined) append(display, known = element("listen"));
    for (const name of ["address", "network"]) known.attributes.delete(name);
    known.attributes.set("type", "socket");
    known.attributes.set("socket", String(value));
  },
);

const fields = {
  name: nameField("display"),
  type: field({
    schema: () =>
      z.enum(["vnc", "spice", "egl-headless", "sdl", "rdp", "dbus"])
        .describe("Protocol of the display."),
    binding: text("./@type"),
    change: "restart",
  }),
  listen: field({
    schema: () =>
      z.string().regex(/^[0-9A-Za-z.:_-]+$/, "must be an address, for example 127.0.0.1")
        .optional()
        .describe("Address of the host at which it listens; 127.0.0.1 unless declared."),
    binding: listen,
    change: "restart",
  }),
  socket: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe("Unix socket at which it listens, instead of an address."),
    binding: socket,
    change: "restart",
  }),
  port: port("port", "TCP port; libvirt chooses a free one from 5900 up unless declared."),
  tlsPort: port("tlsPort", "TCP port for TLS, with spice."),
  websocket: port("websocket", "TCP port for web sockets, with vnc."),
  keymap: words("./@keymap", "Layout of the keyboard, for example de."),
  sharePolicy: word(
    "./@sharePolicy",
    ["allow-exclusive", "force-shared", "ignore"],
    "Whether a client may have a vnc display for itself.",
  ),
  defaultMode: word(
    "./@defaultMode",
    ["secure", "insecure", "any"],
    "Whether spice's channels go through TLS.",
  ),
  imageCompression: word(
    "./image/@compression",
    ["auto_glz", "auto_lz", "quic", "glz", "lz", "off"],
    "Compression of images, with spice.",
  ),
  streaming: word(
    "./streaming/@mode",
    ["filter", "all", "off"],
    "Which moving pictures spice streams.",
  ),
  clipboard: toggle("./clipboard/@copypaste", YES_NO, "Share the clipboard, with spice."),
  fileTransfer: toggle("./filetransfer/@enable", YES_NO, "Take files from the client, with spice."),
  mouse: word("./mouse/@mode", ["client", "server"], "Who draws the pointer, with spice."),
  gl: toggle("./gl/@enable", YES_NO, "Draw with the host's GPU, with spice, sdl or dbus."),
  renderNode: words("./gl/@rendernode", "GPU of the host, for example /dev/dri/renderD128."),
} satisfies Table;

const SPICE = [
  "tlsPort",
  "defaultMode",
  "imageCompression",
  "streaming",
  "clipboard",
  "fileTransfer",
  "mouse",
] as const;

const entry = () =>
  z.strictObject(shapeOf(fields)).superRefine((display, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    for (const name of SPICE) {
      if (display[name] === undefined || display.type === "spice") continue;
      refuse(name, `goes with type "spice", and this display is ${display.type}`);
    }
    for (const name of ["websocket", "sharePolicy"] as const) {
      if (display[name] === undefined || display.type === "vnc") continue;
      refuse(name, `goes with type "vnc", and this display is ${display.type}`);
    }
    for (const name of ["listen", "socket", "port", "keymap"] as const) {
      if (display[name] === undefined) continue;
      if (display.type === "vnc" || display.type === "spice") continue;
      if (display.type === "rdp" && (name === "listen" || name === "port")) continue;
      if (display.type === "rdp" || name !== "keymap" || display.type !== "sdl") {
        refuse(name, `goes with type "vnc" or "spice", and this display is ${display.type}`);
      }
    }
    if (display.socket === undefined) return;
    for (const name of ["listen", "port", "tlsPort"] as const) {
      if (display[name] !== undefined) refuse(name, "does not go with a socket");
    }
  });

const list = devices({
  tag: "graphics",
  prefix: "display",
  doc: "Displays, for more than the word `graphics` says. Passwords are no part of it.",
  entry,
  fields,
  change: "restart",
  nameless: true,
  matches: (display, declared) => display.attributes.get("type") === declared.type,
  make: (declared, domain) => {
    ensureVideo(domain);
    const type = String(declared.type);
    const listens = ["vnc", "spice", "rdp"].includes(type) && declared.socket === undefined;
    return element("graphics", {
      type,
      ...(listens ? { autoport: "yes", listen: "127.0.0.1" } : {}),
    });
  },
});

/** A display shows a video device; a machine without one gets it. */
function ensureVideo(domain: XmlElement): void {
  if (elementsOf(domain, "video").length > 0) return;
  const video = element("video", {}, element("model", { type: "virtio" }));
  append(getElement(domain, "./devices") ?? domain, video);
}

/** Displays. */
export const displays = { displays: list } satisfies Table;
