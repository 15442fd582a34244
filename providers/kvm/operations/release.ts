/**
 * Lets go of an object that stays on its host: the mark that it carries is taken off, and nothing
 * else. What carries none is not touched at all.
 *
 * @module
 */

import type { Step } from "../../provider.ts";
import { MARK_NAMESPACE, parseXml, readMark, serializeXml, writeMark } from "../xml/mod.ts";
import type { Bench, Operate, Outcome } from "./bench.ts";
import { findDomain, findNetwork } from "./find.ts";

/** `VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE`. */
const CONFIG_XML = 1 | 2;
/** `VIR_NETWORK_XML_INACTIVE`. */
const INACTIVE = 1;
/** `VIR_DOMAIN_METADATA_ELEMENT`. */
const ELEMENT = 2;
/** `VIR_DOMAIN_AFFECT_LIVE`, `VIR_DOMAIN_AFFECT_CONFIG`. */
const LIVE = 1;
const CONFIG = 2;

/** Takes the mark of the step's stack off. */
export const release: Operate = async (bench, step) => {
  if (step.kind === "machine") return await releaseMachine(bench, step);
  if (step.kind === "network") return await releaseNetwork(bench, step);
  return { kept: true };
};

function isOurs(xml: string, step: Step): boolean {
  return readMark(parseXml(xml))?.stack === step.mark.stack;
}

async function releaseMachine(bench: Bench, step: Step): Promise<Outcome> {
  const connection = await bench.connection();
  using domain = await findDomain(connection, step.resource.uuid);
  if (domain === undefined) return {};
  if (!isOurs(await domain.xml(CONFIG_XML), step)) return { kept: true };
  await domain.setMetadata(ELEMENT, null, null, MARK_NAMESPACE, CONFIG);
  if (await domain.isActive()) {
    await domain.setMetadata(ELEMENT, null, null, MARK_NAMESPACE, LIVE);
  }
  return { kept: true, notes: [`machine "${step.key}" stays on the host and is no stack's now`] };
}

async function releaseNetwork(bench: Bench, step: Step): Promise<Outcome> {
  const connection = await bench.connection();
  using network = await findNetwork(connection, step.resource.uuid);
  if (network === undefined) return {};
  const xml = await network.xml(INACTIVE);
  if (!isOurs(xml, step)) return { kept: true };
  const root = parseXml(xml);
  writeMark(root, undefined);
  // A network that is active keeps running; libvirt 9.0 has no call for its metadata alone.
  (await connection.defineNetwork(serializeXml(root)))[Symbol.dispose]();
  return { kept: true, notes: [`network "${step.key}" stays on the host and is no stack's now`] };
}
