/**
 * How people and the host talk to a guest: serial console, guest agent, graphics.
 *
 * @module
 */

import { z } from "zod";
import { field, type Table } from "../../../table/mod.ts";
import { getPath, setPath } from "../../../xml/mod.ts";
import * as places from "../places.ts";

/** Serial console, guest agent, graphics. */
export const consoles = {
  console: field({
    schema: () => z.boolean().optional().describe("Serial console; true unless declared."),
    binding: places.serialConsole,
    change: "restart",
  }),
  consoleLog: field({
    schema: () =>
      z.string().regex(/^\//, "must be an absolute path on the host").optional()
        .describe("File on the host to which virtlogd appends what the serial console prints."),
    binding: {
      path: "./devices/serial/log/@file",
      read: (domain) => getPath(domain, "./devices/serial/log/@file"),
      write: (domain, value) => {
        setPath(domain, "./devices/serial/log/@file", value as string | undefined);
        setPath(domain, "./devices/serial/log/@append", "on");
      },
    },
    change: "restart",
  }),
  agent: field({
    schema: () =>
      z.boolean().optional()
        .describe("Channel for the QEMU guest agent; true unless declared."),
    binding: places.agentChannel,
    change: "restart",
  }),
  graphics: field({
    schema: () =>
      z.enum(["none", "vnc", "spice"]).optional()
        .describe("Graphics console, on the host's loopback; none unless declared."),
    binding: places.graphics,
    change: "restart",
  }),
} satisfies Table;
