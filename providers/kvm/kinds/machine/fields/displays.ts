/**
 * Displays, beyond what the word `graphics` says: where they listen, how they behave, who may look.
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
import { ON_OFF, toggle, whole, word, words, YES_NO } from "./bits.ts";
import { always } from "./common.ts";
import { devices, elementsOf, nameField } from "./device.ts";
import { displayPassword } from "./display_password.ts";
import { deviceXml } from "./escape.ts";
import { distinctBy, entries } from "./entries.ts";

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

/** Listening at a network's address is said by a child alone. */
const listenNetwork: Binding = custom(
  "./listen/@network",
  (display) => getPath(display, "./listen[@type='network']/@network"),
  (display, value) => {
    for (const name of ["listen", "socket"]) display.attributes.delete(name);
    let known = child(display, "listen");
    if (known === undefined) append(display, known = element("listen"));
    for (const name of ["address", "socket"]) known.attributes.delete(name);
    known.attributes.set("type", "network");
    known.attributes.set("network", String(value));
  },
);

const channels = {
  channel: field({
    schema: () =>
      z.enum([
        "main",
        "display",
        "inputs",
        "cursor",
        "playback",
        "record",
        "smartcard",
        "usbredir",
      ]).describe("Which channel."),
    binding: text("./@name"),
    change: "restart",
    equal: always,
  }),
  mode: field({
    schema: () => z.enum(["secure", "insecure", "any"]).describe("Whether it goes through TLS."),
    binding: text("./@mode"),
    change: "restart",
  }),
} satisfies Table;

const fields = {
  name: nameField("display"),
  ...deviceXml,
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
  ...displayPassword,
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
  jpegCompression: word(
    "./jpeg/@compression",
    ["auto", "never", "always"],
    "Compression of pictures with loss, with spice.",
  ),
  zlibCompression: word(
    "./zlib/@compression",
    ["auto", "never", "always"],
    "Compression on slow links, with spice.",
  ),
  playbackCompression: toggle("./playback/@compression", ON_OFF, "Compress sound, with spice."),
  channels: entries({
    schema: () =>
      z.array(z.strictObject(shapeOf(channels))).superRefine(distinctBy("channel")).optional()
        .describe("Whether single channels of spice go through TLS."),
    parent: ".",
    element: "channel",
    attribute: "name",
    key: "channel",
    fields: channels,
  }),
  listenNetwork: field({
    schema: () =>
      z.string().min(1).optional().describe(
        "Network of libvirt's at whose address it listens, by its name; instead of an address.",
      ),
    binding: listenNetwork,
    change: "restart",
  }),
  powerControl: toggle("./@powerControl", YES_NO, "Let clients power the guest off, with vnc."),
  audio: whole("./audio/@id", [1, 255], "Backend (`audios`) of its sound, with vnc and dbus."),
  display: words("./@display", "X display of the host, for example :0.0, with sdl."),
  xauth: words("./@xauth", "File with the key of that display, with sdl."),
  fullScreen: toggle("./@fullscreen", YES_NO, "Fill the host's screen, with sdl."),
  address: words("./@address", "Address of the bus, with dbus."),
  peerToPeer: toggle("./@p2p", YES_NO, "Without a bus, with dbus."),
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
  "jpegCompression",
  "zlibCompression",
  "playbackCompression",
  "channels",
] as const;

/** Members of other types. */
const OF_TYPES = {
  websocket: ["vnc"],
  sharePolicy: ["vnc"],
  powerControl: ["vnc"],
  listenNetwork: ["vnc", "spice"],
  password: ["vnc", "spice"],
  passwordValidTo: ["vnc", "spice"],
  connected: ["vnc", "spice"],
  audio: ["vnc", "dbus"],
  display: ["sdl"],
  xauth: ["sdl"],
  fullScreen: ["sdl"],
  address: ["dbus"],
  peerToPeer: ["dbus"],
} as const;

const entry = () =>
  z.strictObject(shapeOf(fields)).superRefine((display, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    for (const name of SPICE) {
      if (display[name] === undefined || display.type === "spice") continue;
      refuse(name, `goes with type "spice", and this display is ${display.type}`);
    }
    for (const [name, types] of Object.entries(OF_TYPES)) {
      if (display[name as keyof typeof OF_TYPES] === undefined) continue;
      if (types.some((type) => type === display.type)) continue;
      const of = types.map((type) => `"${type}"`).join(" or ");
      refuse(name, `goes with type ${of}, and this display is ${display.type}`);
    }
    for (const name of ["passwordValidTo", "connected"] as const) {
      if (display[name] === undefined || display.password !== undefined) continue;
      refuse(name, "goes with a password: declare that too");
    }
    if (display.type === "vnc" && (display.connected ?? "keep") !== "keep") {
      refuse("connected", 'must be "keep" with vnc: QEMU lets its clients stay');
    }
    if (display.listenNetwork !== undefined && (display.listen ?? display.socket) !== undefined) {
      refuse("listenNetwork", "does not go with listen or socket");
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
  doc: "Displays, for more than the word `graphics` says.",
  entry,
  fields,
  change: "restart",
  nameless: true,
  matches: (display, declared) => display.attributes.get("type") === declared.type,
  make: (declared, domain) => {
    ensureVideo(domain);
    const type = String(declared.type);
    const elsewhere = declared.socket ?? declared.listenNetwork;
    const listens = ["vnc", "spice", "rdp"].includes(type) && elsewhere === undefined;
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
