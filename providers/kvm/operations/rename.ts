/**
 * Giving a machine another name. libvirt renames only what is off and has no saved state; its snapshots,
 * checkpoints and autostart go along. The log of its runs begins anew under the new name.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step } from "../../provider.ts";
import type { Connection, Domain } from "../libvirt/mod.ts";
import { parseXml, serializeXml, setPath } from "../xml/mod.ts";
import { type Bench, whereOf } from "./bench.ts";
import { findDomainByName } from "./find.ts";
import { keepVariables } from "./uefi_variables.ts";

/**
 * The name that a machine is to have, if it is not the one that it has.
 *
 * @throws {StaddleError} `machine.name-taken` when another machine has it; nothing was touched then.
 */
export async function newName(
  connection: Connection,
  domain: Domain,
  bench: Bench,
  step: Step,
): Promise<string | undefined> {
  const name = String(step.resource.spec.name);
  if (domain.name === name) return undefined;
  using other = await findDomainByName(connection, name);
  if (other === undefined) return name;
  throw new StaddleError({
    code: "machine.name-taken",
    summary: `cannot rename machine "${domain.name}" on host "${bench.declaration.name}" to ` +
      `"${name}": the host has another machine of that name`,
    where: whereOf(bench, step),
    details: [`its UUID is ${other.uuid}`],
    help: "it was not touched: declare another name, or take that machine away",
  });
}

/** A new definition as it is saved while the machine still has its former name. */
export async function underFormerName(
  connection: Connection,
  former: Domain,
  xml: string,
): Promise<string> {
  const domain = parseXml(xml);
  setPath(domain, "./name", former.name);
  await keepVariables(connection, former, domain);
  return serializeXml(domain);
}
