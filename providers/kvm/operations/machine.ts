/**
 * Machines. The running guest is changed first, then its configuration: whatever cuts a run off, the
 * configuration still says what is missing, and the next run finishes it.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { FieldChange, Observed, Step, StepContext } from "../../provider.ts";
import {
  type LiveCall,
  liveCalls,
  machineKind,
  machineXml,
  patchMachine,
  removalOf,
  savedXml,
} from "../kinds/machine/mod.ts";
import { type Connection, type Domain, isNotFound, LibvirtError } from "../libvirt/mod.ts";
import { parseXml, readMark, readRestartDue } from "../xml/mod.ts";
import {
  type Bench,
  changesSince,
  declaredBefore,
  nameTaken,
  objectGone,
  type Operate,
  type Operations,
  type Outcome,
  sleep,
  whereOf,
} from "./bench.ts";
import { findDomain, findDomainByName } from "./find.ts";
import { emptyLookup } from "./lookup.ts";
import { hidePasswords, withLivePasswords, withValues } from "./machine_secrets.ts";
import { isTuningCall, tuningCall } from "./machine_tuning.ts";
import { saveMetadata } from "./metadata.ts";
import { powerOff, shutDown, start } from "./power.ts";
import { newName, underFormerName } from "./rename.ts";
import { forNextStart, restart, restartDone, restartOver, startOrTakeBack } from "./restart.ts";
import { withOwnVariables } from "./uefi_variables.ts";
import { undefine } from "./undefine.ts";

/** `VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE`: with passwords, or a redefine would lose them. */
const CONFIG_XML = 1 | 2;
/** `VIR_DOMAIN_DEFINE_VALIDATE`: without it unknown elements are dropped in silence. */
const VALIDATE = 1;
/** `VIR_DOMAIN_AFFECT_LIVE`. */
const LIVE = 1;
/** `VIR_DOMAIN_METADATA_DESCRIPTION`, `…_TITLE`, `…_ELEMENT`. */
const DESCRIPTION = 0;
const TITLE = 1;
const ELEMENT = 2;

/** Milliseconds within which a guest must let go of a device. */
const DETACH = 30_000;
/** Milliseconds within which a guest follows: its balloon, its vCPUs. */
const FOLLOW = 10_000;

const create: Operate = async (bench, step, context) => {
  const connection = await bench.connection();
  const { uuid, spec } = step.resource;
  using known = await findDomain(connection, uuid);
  if (known !== undefined) return await finish(known, bench, step, context);
  using other = await findDomainByName(connection, step.key);
  if (other !== undefined) throw nameTaken(bench, step, await describe(other));
  const { resource } = await withValues(bench, step);
  const xml = await withOwnVariables(connection, machineXml(resource, step.mark));
  using domain = await connection.defineDomain(xml, VALIDATE);
  if (spec.autostart !== undefined) await domain.setAutostart(spec.autostart === true);
  if (spec.power !== "off") await start(domain);
  return {};
};

/** Half made by a run that was cut off: what it still lacks is changed as it would be later. */
const finish = async (
  known: Domain,
  bench: Bench,
  step: Step,
  context: StepContext,
): Promise<Outcome> => {
  const observed = await readOurs(bench, step, known);
  const lookup = emptyLookup(step, await bench.facts());
  const changes = changesSince(
    step,
    (previous) => machineKind.diff(step.resource, observed, { previous, lookup }),
  );
  const outcome = await update(bench, { ...step, operation: "update", changes }, context);
  if (step.resource.spec.power !== "off") await start(known);
  return outcome;
};

async function readOurs(bench: Bench, step: Step, domain: Domain): Promise<Observed> {
  const secrets = machineKind.secrets!(step.resource);
  const request = { kind: "machine", key: domain.name, uuid: domain.uuid, secrets };
  const found = await bench.readBack([request]);
  const observed = found.find((item) => item.uuid === domain.uuid);
  if (observed === undefined) throw objectGone(bench, step);
  return observed;
}

async function describe(domain: Domain): Promise<string> {
  const mark = readMark(parseXml(await domain.xml(CONFIG_XML)));
  return `machine "${domain.name}" has the UUID ${domain.uuid}` +
    (mark === undefined ? "" : `, and belongs to ${mark.address} of stack "${mark.stack}"`);
}

const update: Operate = async (bench, step, context) => {
  const connection = await bench.connection();
  using known = await findOurs(connection, step);
  if (known === undefined) throw objectGone(bench, step);
  const name = await newName(connection, known, bench, step);
  const open = await withValues(bench, step);
  const found = await readOurs(bench, step, known);
  const resumed = await resume(known, found, step);
  const observed = resumed ? await readOurs(bench, step, known) : found;
  const running = await withLivePasswords(observed, known, step, bench);
  const changes = resumed ? open.changes.filter(({ path }) => path !== "power") : open.changes;
  const calls = liveCalls(changes, open.resource, running);
  const afterwards = new Set(["setAutostart", "setPower", "restart"]);
  const now = calls.filter(({ call }) => !afterwards.has(call));
  for (const call of now) await liveCall(known, call, bench, step, context);
  const before = await known.xml(CONFIG_XML);
  hidePasswords(before, bench);
  let after = before;
  for (const previous of declaredBefore(step)) {
    after = patchMachine(after, open.resource, step.mark, previous);
  }
  if (step.changes.some(isForNextStart)) {
    after = forNextStart(after, { restart: calls.some(({ call }) => call === "restart") });
  }
  if (step.changes.some(({ path }) => /^(firmware|loader)\b/.test(path))) {
    after = await withOwnVariables(connection, after);
  }
  if (name !== undefined) after = await underFormerName(connection, known, after);
  const saved = await saveMetadata(known, before, after);
  using redefined = saved ? undefined : await redefine(connection, before, after);
  const domain = redefined ?? known;
  const notes = resumed ? [`machine "${step.key}" was started from its saved state`] : [];
  // Where it is stopped or started, that goes with it.
  const powered = calls.some(({ call }) => call === "restart" || call === "setPower");
  if (name !== undefined && !powered) await domain.rename(name);
  for (const call of calls) {
    if (call.call === "setAutostart") await domain.setAutostart(call.value);
    if (call.call === "setPower" && call.value === "on") {
      await startOrTakeBack(connection, domain, before, name, false, bench, step);
      if (readRestartDue(parseXml(before))) await restartDone(domain);
    }
    if (call.call === "setPower" && call.value === "off") {
      const otherwise = "the guest goes on running, and everything else is saved";
      notes.push(...await shutDown(domain, bench, step, context, otherwise));
      if (name !== undefined) await domain.rename(name);
    }
    if (call.call === "restart") {
      notes.push(...await restart(connection, domain, before, name, bench, step, context));
    }
  }
  const started = calls.some((call) =>
    call.call === "restart" || (call.call === "setPower" && call.value === "on")
  );
  if (!started && readRestartDue(parseXml(before))) await restartOver(domain);
  return { notes, patience: now.length > 0 ? FOLLOW : 0 };
};

/**
 * Starts a machine that is to run and has a saved state, before anything of it is changed: what is restored
 * is the guest as it ran, and takes changes as a running one does. False: there is nothing to restore.
 */
async function resume(domain: Domain, observed: Observed, { changes }: Step): Promise<boolean> {
  const starts = changes.some(({ path, after }) => path === "power" && after === "on");
  if (!starts || savedXml(observed) === undefined) return false;
  await start(domain);
  return true;
}

/** Whether a running guest takes a change at its next start only. */
function isForNextStart({ path, disruption }: FieldChange): boolean {
  return (disruption === "next-boot" || disruption === "restart") && path !== "power";
}

/**
 * Defines a domain anew, checked against libvirt's schema. libvirt takes domains that its own schema does
 * not know: one that was not valid before either is redefined without that check.
 */
async function redefine(connection: Connection, before: string, after: string): Promise<Domain> {
  try {
    return await connection.defineDomain(after, VALIDATE);
  } catch (error) {
    if (!isInvalid(error)) throw error;
    try {
      (await connection.defineDomain(before, VALIDATE))[Symbol.dispose]();
    } catch (former) {
      if (isInvalid(former)) return await connection.defineDomain(after);
    }
    throw error;
  }
}

/** `VIR_ERR_XML_INVALID_SCHEMA`. */
function isInvalid(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === 92;
}

/** The machine with our UUID, or one that was taken over under its own. */
async function findOurs(connection: Connection, step: Step): Promise<Domain | undefined> {
  const domain = await findDomain(connection, step.resource.uuid);
  if (domain !== undefined) return domain;
  const named = await findDomainByName(connection, step.key);
  if (named === undefined) return undefined;
  const mark = readMark(parseXml(await named.xml(CONFIG_XML)));
  if (mark?.stack === step.mark.stack && mark.address === step.address) return named;
  named[Symbol.dispose]();
  return undefined;
}

async function liveCall(
  domain: Domain,
  call: LiveCall,
  bench: Bench,
  step: Step,
  context: StepContext,
): Promise<void> {
  if (isTuningCall(call)) return await tuningCall(domain, call);
  switch (call.call) {
    case "setVcpus":
      return await domain.setVcpus(call.vcpus, LIVE);
    case "setMemory":
      return await domain.setMemory(call.kib, LIVE);
    case "setTitle":
      return await domain.setMetadata(TITLE, call.value, null, null, LIVE);
    case "setDescription":
      return await domain.setMetadata(DESCRIPTION, call.value, null, null, LIVE);
    case "setMetadata":
      return await domain.setMetadata(ELEMENT, call.element, call.prefix, call.namespace, LIVE);
    case "attachDevice":
      return await domain.attachDevice(call.xml, LIVE);
    case "updateDevice":
      return await domain.updateDevice(call.xml, LIVE);
    case "setBlockIoTune":
      return await domain.setBlockIoTune(call.disk, call.parameters, LIVE);
    case "setInterfaceParameters":
      return await domain.setInterfaceParameters(call.device, call.parameters, LIVE);
    case "setMemoryStatsPeriod":
      return await domain.setMemoryStatsPeriod(call.seconds, LIVE);
    case "detachDevice":
      return await detach(domain, call, bench, step, context);
    case "setAutostart":
    case "setPower":
    case "restart":
      throw new Error(`${call.call} is carried out after the configuration was saved`);
  }
}

/** libvirt reports success while the device is still there: the guest has to let go of it. */
async function detach(
  domain: Domain,
  call: Extract<LiveCall, { call: "detachDevice" }>,
  bench: Bench,
  step: Step,
  { signal, progress }: StepContext,
): Promise<void> {
  // One that was imported may have no alias of its own: its XML names it.
  if (call.alias === "") await domain.detachDevice(call.xml, LIVE);
  else {
    try {
      await domain.detachDeviceAlias(call.alias, LIVE);
    } catch (error) {
      // A run that was cut off has asked the guest before; it may still be about to let go.
      if (!isUnderWay(error) && !(await isGone(domain, call.alias))) throw error;
    }
  }
  const begin = performance.now();
  while (call.alias !== "" && !(await isGone(domain, call.alias))) {
    if (performance.now() - begin > DETACH) {
      throw new StaddleError({
        code: "kvm.not-applied",
        summary:
          `${call.path} of machine "${step.key}" on host "${bench.declaration.name}" could not be ` +
          `taken away: the guest did not let go of it within ${DETACH / 1000} s`,
        where: whereOf(bench, step),
        details: [`${call.path}: to be removed; the device ${call.alias} is still there`],
        help:
          "see that the guest has booted and knows hot-plug (ACPI, pciehp), or shut it down first",
      });
    }
    progress(`waiting for the guest to let go of ${call.path}`);
    await sleep(300, signal);
  }
}

function isUnderWay(error: unknown): boolean {
  return error instanceof LibvirtError && /in the process of unplug/.test(error.libvirtMessage);
}

async function isGone(domain: Domain, alias: string): Promise<boolean> {
  return !(await domain.xml()).includes(`<alias name='${alias}'/>`);
}

const remove: Operate = async (bench, step, context) => {
  const connection = await bench.connection();
  using domain = await findOurs(connection, step);
  if (domain === undefined) return {};
  const notes: string[] = [];
  try {
    if (await domain.isActive()) notes.push(...await stopForGood(domain, bench, step, context));
    await undefine(domain);
  } catch (error) {
    // One that has no configuration goes with its stop.
    if (!isNotFound(error)) throw error;
  }
  return { notes };
};

/** Stops a machine as its step says, gracefully unless nothing that it writes to stays. */
async function stopForGood(
  domain: Domain,
  bench: Bench,
  step: Step,
  context: StepContext,
): Promise<readonly string[]> {
  const { stop, shutdown } = removalOf(step);
  if (stop === "shutdown") {
    const otherwise = "it goes on running, and nothing of it was taken away";
    return await shutDown(domain, bench, step, context, otherwise, shutdown);
  }
  await powerOff(domain);
  return [];
}

/** Operations on machines. */
export const machine: Operations = { create, update, delete: remove };
