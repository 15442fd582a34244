/**
 * Taking a machine's new definition into use, and taking it back where that fails.
 *
 * While a restart is under way the mark in the configuration says so: a run that is cut off in the
 * middle leaves the machine off, and the next one starts it.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step, StepContext } from "../../provider.ts";
import { asFailure, isConnectionLoss, libvirtError } from "../host/failure.ts";
import { type Connection, type Domain, LibvirtError } from "../libvirt/mod.ts";
import {
  getPath,
  MARK_NAMESPACE,
  MARK_PREFIX,
  parseXml,
  serializeXml,
  settledMark,
  writeGeneration,
} from "../xml/mod.ts";
import { type Bench, whereOf } from "./bench.ts";
import { shutDown, start } from "./power.ts";

/** `VIR_DOMAIN_METADATA_ELEMENT`. */
const ELEMENT = 2;
/** `VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG`, and the latter alone. */
const LIVE_AND_CONFIG = 3;
const CONFIG = 2;

/** `VIR_DOMAIN_XML_INACTIVE`. */
const INACTIVE = 2;

/** The definition, with the note that it waits for a start, which is under way or not. */
export function forNextStart(xml: string, options: { readonly restart: boolean }): string {
  const domain = parseXml(xml);
  writeGeneration(domain, options);
  return serializeXml(domain);
}

/** Takes the note away that a restart is under way, from a machine that has been started by now. */
export async function restartDone(domain: Domain): Promise<void> {
  await settle(domain, await domain.isActive() ? LIVE_AND_CONFIG : CONFIG);
}

/**
 * Takes the note away that a run left which was cut off after the start, or before it asked the guest. What
 * the machine was started with is not known then: the mark that it runs with stays.
 */
export async function restartOver(domain: Domain): Promise<void> {
  await settle(domain, CONFIG);
}

async function settle(domain: Domain, flags: number): Promise<void> {
  const mark = settledMark(parseXml(await domain.xml(INACTIVE)));
  if (mark === undefined) return;
  await domain.setMetadata(ELEMENT, serializeXml(mark), MARK_PREFIX, MARK_NAMESPACE, flags);
}

/**
 * Shuts a machine down and starts it with its new definition. If it does not shut down, or does not
 * start, the former definition is put back, and it runs as it did.
 *
 * @param before The former configuration.
 * @param name The name that it is to have from then on, if another.
 */
export async function restart(
  connection: Connection,
  domain: Domain,
  before: string,
  name: string | undefined,
  bench: Bench,
  step: Step,
  context: StepContext,
): Promise<readonly string[]> {
  let notes: readonly string[];
  try {
    const otherwise = "it goes on running with its former definition";
    notes = await shutDown(domain, bench, step, context, otherwise);
  } catch (error) {
    if (error instanceof StaddleError) {
      using _former = await connection.defineDomain(before);
    }
    throw error;
  }
  await startOrTakeBack(connection, domain, before, name, true, bench, step);
  await restartDone(domain);
  return notes;
}

/**
 * Starts a machine, under another name if one is given. If that fails its former definition is put back,
 * its name with it, and it is started with that if it had been running.
 *
 * @throws {StaddleError} `machine.start-failed` that tells both, or the binding's error where the
 * connection was lost.
 */
export async function startOrTakeBack(
  connection: Connection,
  domain: Domain,
  before: string,
  name: string | undefined,
  ran: boolean,
  bench: Bench,
  step: Step,
): Promise<void> {
  try {
    if (name !== undefined) await domain.rename(name);
    await start(domain);
  } catch (error) {
    if (!(error instanceof LibvirtError) || isConnectionLoss(asFailure(error))) throw error;
    const outcome = await takeBack(connection, domain.uuid, before, ran);
    throw startFailed(error, outcome, bench, step);
  }
}

/** How the way back went: a sentence, and libvirt's error if it failed too. */
interface WayBack {
  readonly says: string;
  readonly whole: boolean;
}

async function takeBack(
  connection: Connection,
  uuid: string,
  before: string,
  ran: boolean,
): Promise<WayBack> {
  try {
    using domain = await connection.domainByUuid(uuid);
    const name = getPath(parseXml(before), "./name")!;
    // libvirt would take it for another machine of the same UUID.
    if (domain.name !== name) await domain.rename(name);
    using former = await connection.defineDomain(before);
    if (!ran) {
      return { says: "its former definition was put back; it is off, as it was", whole: true };
    }
    try {
      await start(former);
    } catch (error) {
      return {
        says: `its former definition was put back, and it did not start with that either: ${
          (error as Error).message
        }`,
        whole: false,
      };
    }
    return { says: "its former definition was put back, and it runs with that again", whole: true };
  } catch (error) {
    return {
      says: `its former definition could not be put back: ${(error as Error).message}`,
      whole: false,
    };
  }
}

function startFailed(
  error: LibvirtError,
  { says, whole }: WayBack,
  bench: Bench,
  step: Step,
): StaddleError {
  const { name, uri } = bench.declaration;
  const doing = `start machine "${step.key}"`;
  const known = libvirtError(asFailure(error), { host: name, uri, doing });
  const changed = step.changes.map(({ path }) => path).join(", ");
  return new StaddleError({
    code: "machine.start-failed",
    summary: `machine "${step.key}" on host "${name}" did not start with its new definition: ` +
      error.libvirtMessage.trim(),
    where: whereOf(bench, step),
    details: [
      ...known.details,
      ...(changed === "" ? [] : [`changed: ${changed}`]),
      says,
    ],
    help: whole
      ? "declare it otherwise, and run the same command again"
      : `see /var/log/libvirt/qemu/${step.key}.log on the host; its former definition: virsh dumpxml`,
    cause: error,
  });
}
