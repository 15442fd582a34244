/**
 * The schema of a machine as it stands in a topology: the table's, and what spans two fields.
 *
 * @module
 */

import type { z } from "zod";
import { tableSchema } from "../../table/mod.ts";
import { deviceClashes } from "./device_spans.ts";
import { ownedPlaces, ownerOfPatch } from "../hatch_places.ts";
import { clashes } from "./spans.ts";
import { machineTable } from "./table.ts";

let owned: ReturnType<typeof ownedPlaces> | undefined;

/** A machine. */
export const machineSchema = tableSchema(machineTable, {
  required: ["name", "memory", "disks", "nics"],
  refine: (machine, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    for (const { path, message } of [...clashes(machine), ...deviceClashes(machine)]) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    if (machine.consoleLog !== undefined && machine.console === false) {
      refuse("consoleLog", "there is no console to log: remove `console: false`");
    }
    if (machine.wait?.for === "agent" && machine.agent === false) {
      refuse("wait", "the agent cannot answer without its channel: remove `agent: false`");
    }
    for (const [index, patch] of (machine.xml ?? []).entries()) {
      const owner = ownerOfPatch(patch, owned ??= ownedPlaces(machineTable));
      if (owner === undefined) continue;
      context.addIssue({
        code: "custom",
        path: ["xml", index, "path"],
        message: `${patch.path} belongs to the field "${owner}": declare that instead`,
      });
    }
    if (machine.wait !== undefined && machine.power === "off") {
      refuse("wait", "a machine that is off meets no condition");
    }
  },
});

/**
 * What a stack may write.
 *
 * @internal Made from the table: `stacks/` gives authors the types that they see.
 */
export type MachineInput = z.input<typeof machineSchema>;

/** A machine, normalised: sizes in bytes. Resolved, its addresses are names on the host. */
export type MachineSpec = z.output<typeof machineSchema>;
