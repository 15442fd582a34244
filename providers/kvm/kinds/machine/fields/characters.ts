/**
 * Character devices beyond the machine's own console and agent: serial and parallel ports, virtio
 * consoles, channels.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, JsonObject } from "../../../../provider.ts";
import {
  type Binding,
  type ChangeContext,
  custom,
  depends,
  field,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import { element, getPath, setPath, type XmlElement } from "../../../xml/mod.ts";
import { ON_OFF, toggle, word, words, YES_NO } from "./bits.ts";
import { devices, nameField } from "./device.ts";
import { deviceXml } from "./escape.ts";

const AGENT_PORT = "org.qemu.guest_agent.0";

const TYPES = [
  "pty",
  "unix",
  "tcp",
  "file",
  "dev",
  "pipe",
  "null",
  "spiceport",
  "stdio",
  "vc",
  "nmdm",
  "udp",
  "dbus",
] as const;

/** Datagrams have two ends: where they go, and where they are taken at (its fields have a mode). */
function endpoint(attribute: string, mode: "connect" | "bind", udpOnly = false): Binding {
  const place = (device: XmlElement) =>
    device.attributes.get("type") === "udp"
      ? `./source[@mode='${mode}']/@${attribute}`
      : `./source/@${attribute}`;
  const applies = (device: XmlElement) => !udpOnly || device.attributes.get("type") === "udp";
  return {
    path: `./source/@${attribute}`,
    read: (device) => {
      const found = applies(device) ? getPath(device, place(device)) : undefined;
      return found === undefined || attribute !== "service" ? found : Number(found);
    },
    write: (device, value) => {
      if (!applies(device)) return;
      setPath(device, place(device), value === undefined ? undefined : `${value}`);
    },
  };
}

/** What a socket has two of is known by mode alone with one end. */
const socketMode: Binding = {
  ...text("./source/@mode"),
  read: (device) =>
    device.attributes.get("type") === "udp" ? undefined : getPath(device, "./source/@mode"),
};

/** The path of a pty is the host's choice; it stands in live XML only. */
const sourcePath: Binding = custom(
  "./source/@path",
  (device) =>
    device.attributes.get("type") === "pty" ? undefined : getPath(device, "./source/@path"),
  (device, value) => setPath(device, "./source/@path", value as string | undefined),
);

/** What is at the host's end of a character device. */
export function sourceFields<const Types extends readonly string[]>(types: Types) {
  return {
    type: field({
      schema: () =>
        z.enum(types).describe(
          "What is at the host's end: a pseudo-terminal, a Unix or TCP socket, a file, a device.",
        ),
      binding: text("./@type"),
      change: "restart",
    }),
    path: field({
      schema: () =>
        z.string().regex(/^\//, "must be an absolute path on the host").optional()
          .describe("Path of the socket, file, device or pipe."),
      binding: sourcePath,
      change: "restart",
    }),
    mode: field({
      schema: () =>
        z.enum(["bind", "connect"]).optional()
          .describe("Whether a socket is listened at or called."),
      binding: socketMode,
      change: "restart",
    }),
    host: field({
      schema: () =>
        z.string().min(1).optional().describe("Address, with tcp; where datagrams go, with udp."),
      binding: endpoint("host", "connect"),
      change: "restart",
    }),
    port: port("Port, with tcp and udp.", endpoint("service", "connect")),
    bindHost: field({
      schema: () =>
        z.string().min(1).optional().describe("Address at which datagrams are taken, with udp."),
      binding: endpoint("host", "bind", true),
      change: "restart",
    }),
    bindPort: port(
      "Port at which datagrams are taken, with udp.",
      endpoint("service", "bind", true),
    ),
    reconnect: field({
      schema: () =>
        z.union([z.int().min(1).max(2 ** 31 - 1), z.literal(false)], {
          error: "must be a number of seconds from 1 up, or false",
        }).optional().describe(
          "Seconds after which a socket that was called is called again; false: never.",
        ),
      binding: {
        path: "./source/reconnect/@timeout",
        read: (device) => {
          const enabled = getPath(device, "./source/reconnect/@enabled");
          if (enabled !== "yes") return enabled === undefined ? undefined : false;
          return Number(getPath(device, "./source/reconnect/@timeout"));
        },
        write: (device, value) => {
          const off = value === undefined || value === false;
          setPath(device, "./source/reconnect/@enabled", off ? "no" : "yes");
          setPath(device, "./source/reconnect/@timeout", off ? undefined : `${value}`);
        },
      },
      change: "restart",
    }),
    protocol: word("./protocol/@type", ["raw", "telnet", "telnets", "tls"], "Protocol, with tcp."),
    tls: toggle("./source/@tls", YES_NO, "Encrypt, with tcp."),
    spicePort: words("./source/@channel", "Name of the port, with spiceport and dbus."),
    log: field({
      schema: () =>
        z.string().regex(/^\//, "must be an absolute path on the host").optional()
          .describe("File of the host to which what the guest writes is appended."),
      binding: custom(
        "./log/@file",
        (device) => getPath(device, "./log/@file"),
        (device, value) => {
          setPath(device, "./log/@file", value as string | undefined);
          if (value !== undefined) setPath(device, "./log/@append", "on");
        },
      ),
      change: "restart",
    }),
    logAppend: toggle("./log/@append", ON_OFF, "Keep the log of earlier starts; true."),
  };
}

function port(doc: string, binding: Binding) {
  return field({
    schema: () => z.int().min(1).max(65535).optional().describe(doc),
    binding,
    change: "restart",
  });
}

const PATHED = ["file", "dev", "pipe"];

type Source = {
  readonly type: string;
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly mode?: string | undefined;
  readonly spicePort?: string | undefined;
  readonly bindHost?: string | undefined;
  readonly bindPort?: number | undefined;
  readonly reconnect?: number | false | undefined;
  readonly tls?: boolean | undefined;
};

function checkSource(given: unknown, context: z.RefinementCtx): void {
  const source = given as Source;
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const { type } = source;
  const needs = (name: keyof Source, types: readonly string[], required = true) => {
    if (types.includes(type)) {
      if (required && source[name] === undefined) refuse(name, `is required with type "${type}"`);
    } else if (source[name] !== undefined) {
      refuse(name, `goes with type ${types.map((one) => `"${one}"`).join(" or ")}`);
    }
  };
  needs("path", PATHED);
  needs("host", ["tcp", "udp"]);
  needs("port", ["tcp", "udp"]);
  needs("bindHost", ["udp"], false);
  needs("bindPort", ["udp"], false);
  needs("mode", ["tcp", "unix"], false);
  needs("spicePort", ["spiceport", "dbus"], type === "spiceport");
  needs("reconnect", ["tcp", "unix"], false);
  needs("tls", ["tcp"], false);
  if (source.reconnect !== undefined && source.mode !== "connect") {
    refuse("reconnect", 'goes with mode "connect"');
  }
}

/** A Unix socket may be libvirt's own; its path is declared where people connect to it. */
export function checkUnix(given: unknown, context: z.RefinementCtx): void {
  const source = given as Source;
  if (source.type === "unix") {
    const { path: _path, ...rest } = source;
    checkSource(rest, context);
  } else checkSource(given, context);
}

const serialFields = {
  name: nameField("port"),
  ...deviceXml,
  ...sourceFields(TYPES),
  target: word(
    "./target/@type",
    [
      "isa-serial",
      "pci-serial",
      "usb-serial",
      "system-serial",
      "spapr-vio-serial",
      "sclp-serial",
      "isa-debug",
    ],
    "Kind of port that the guest sees; the platform's own unless declared.",
  ),
} satisfies Table;

/** Ports on PCI and USB are plugged while the guest runs. */
function serialChange({ before, after }: ChangeContext): Disruption {
  const { target } = (after ?? before) as JsonObject;
  return target === "pci-serial" || target === "usb-serial" ? "live" : "restart";
}

function bare(tag: string, declared: JsonObject, ...children: readonly XmlElement[]): XmlElement {
  return element(tag, { type: String(declared.type) }, ...children);
}

const serials = devices({
  tag: "serial",
  prefix: "serial",
  doc: "Serial ports, beside the one of `console`, which is called serial0.",
  entry: z.strictObject(shapeOf(serialFields)).superRefine(checkUnix),
  fields: serialFields,
  change: depends(
    "live with target pci-serial and usb-serial, else restart",
    serialChange,
  ),
  make: (declared) => bare("serial", declared),
});

const parallelFields = {
  name: nameField("port"),
  ...deviceXml,
  ...sourceFields(TYPES),
} satisfies Table;

const parallels = devices({
  tag: "parallel",
  prefix: "parallel",
  doc: "Parallel ports.",
  most: 3,
  entry: z.strictObject(shapeOf(parallelFields)).superRefine(checkUnix),
  fields: parallelFields,
  change: "restart",
  make: (declared) => bare("parallel", declared),
});

const consoleFields = {
  name: nameField("console"),
  ...deviceXml,
  ...sourceFields(TYPES),
  target: word("./target/@type", ["virtio", "sclp", "sclplm"], "Kind; virtio unless declared."),
} satisfies Table;

const consoles = devices({
  tag: "console",
  prefix: "console",
  doc: "Consoles beside the serial one.",
  entry: z.strictObject(shapeOf(consoleFields)).superRefine(checkUnix),
  fields: consoleFields,
  change: depends(
    "live, but with target sclp",
    ({ before, after }) => ((after ?? before) as JsonObject).target === "sclp" ? "restart" : "live",
  ),
  // The first serial port stands a second time as a console.
  select: (device) => (getPath(device, "./target/@type") ?? "serial") !== "serial",
  make: (declared) =>
    bare("console", declared, element("target", { type: String(declared.target ?? "virtio") })),
});

const channelFields = {
  name: nameField("channel"),
  ...deviceXml,
  ...sourceFields([...TYPES, "spicevmc", "qemu-vdagent"] as const),
  target: field({
    schema: () =>
      z.string().regex(
        /^[^/\s]{1,200}$/,
        "must be the name of a port, for example org.example.port.0",
      ).describe("Name of the port in the guest: /dev/virtio-ports/<target>."),
    binding: text("./target/@name"),
    change: "restart",
  }),
  clipboard: toggle(
    "./source/clipboard/@copypaste",
    YES_NO,
    "Share the clipboard, with qemu-vdagent.",
  ),
  mouse: word("./source/mouse/@mode", ["client", "server"], "Pointer, with qemu-vdagent."),
} satisfies Table;

const channelEntry = () =>
  z.strictObject(shapeOf(channelFields)).superRefine(checkUnix).refine(
    ({ target }) => target !== AGENT_PORT,
    {
      error: "the guest agent's channel is declared by `agent: true`",
      path: ["target"],
    },
  );

const channels = devices({
  tag: "channel",
  prefix: "channel",
  doc: "Channels between host and guest, beside the guest agent's.",
  entry: channelEntry,
  fields: channelFields,
  change: "live",
  select: (device) =>
    getPath(device, "./target/@type") === "virtio" &&
    getPath(device, "./target/@name") !== AGENT_PORT,
  matches: (device, declared) => getPath(device, "./target/@name") === declared.target,
  make: (declared) =>
    bare("channel", declared, element("target", { type: "virtio", name: String(declared.target) })),
});

/** Serial and parallel ports, consoles, channels. */
export const characters = { serials, parallels, consoles, channels } satisfies Table;
