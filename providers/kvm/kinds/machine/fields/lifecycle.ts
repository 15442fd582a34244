/**
 * When a machine runs, and what a run of apply does about it.
 *
 * @module
 */

import { z } from "zod";
import { depends, elsewhere, field, type Table } from "../../../table/mod.ts";
import { duration } from "../../duration.ts";
import { always } from "./common.ts";

const wait = {
  for: z.enum(["running", "lease", "agent", "port"]).describe(
    "running: QEMU runs; lease: a DHCP lease is held; agent: the guest agent answers; " +
      "port: a TCP port of the first NIC's address accepts.",
  ),
  port: z.int().min(1).max(65535).optional().describe("TCP port, for `port`."),
  timeout: z.number().positive().optional().describe("Seconds; 120 unless declared."),
};

const shutdown = {
  timeout: duration.optional()
    .describe("Seconds, or a duration such as `5min`, that it gets; 90 seconds unless declared."),
  force: z.boolean().optional()
    .describe(
      "Power it off when the time is up; otherwise it goes on running, and the step fails.",
    ),
};

/** Autostart, power, restarts, waits. */
export const lifecycle = {
  autostart: field({
    schema: () => z.boolean().optional().describe("Start together with the host."),
    binding: elsewhere("virDomainSetAutostart"),
    change: "live",
    equal: always,
  }),
  power: field({
    schema: () =>
      z.enum(["on", "off"]).optional().describe(
        "Whether it runs. A new machine is started unless declared `off`; afterwards its power " +
          "state is left alone unless declared.",
      ),
    binding: elsewhere("virDomainCreate, virDomainShutdown"),
    change: depends(
      "off: restart; on: live",
      ({ after }) => after === "off" ? "restart" : "live",
    ),
    equal: always,
  }),
  whenRestartNeeded: field({
    schema: () =>
      z.enum(["now", "next-boot", "never"]).optional().describe(
        "What to do with a change that a running guest cannot take: restart it now, save the " +
          "change for its next start (unless declared), or refuse the plan.",
      ),
    binding: elsewhere("policy"),
    change: "live",
    equal: always,
  }),
  shutdown: field({
    schema: () =>
      z.strictObject(shutdown).optional()
        .describe(
          "How the guest is shut down when it has to be: by its agent, then by ACPI. Also when the " +
            "machine is made anew or destroyed and anything that it writes to outlives it; where all " +
            "of that goes too, the plug is pulled.",
        ),
    binding: elsewhere("policy"),
    change: "live",
    equal: always,
  }),
  wait: field({
    schema: () =>
      z.strictObject(wait).refine(
        (declared) => (declared.for === "port") === (declared.port !== undefined),
        { error: 'a port stands with `for: "port"`, and only there', path: ["port"] },
      ).optional().describe("What to wait for after the machine was made."),
    binding: elsewhere("policy"),
    change: "live",
    equal: always,
  }),
} satisfies Table;
