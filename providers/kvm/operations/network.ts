/**
 * Networks: defined under the derived UUID, active, changed while they run as far as libvirt can.
 *
 * @module
 */

import type { JsonObject } from "../../provider.ts";
import {
  NETWORK_COMMAND,
  NETWORK_SECTION,
  networkKind,
  networkUpdates,
  networkXml,
  patchNetworkXml,
} from "../kinds/network/mod.ts";
import type { NetworkSpec } from "../kinds/network/mod.ts";
import type { Connection, Network } from "../libvirt/mod.ts";
import { parseXml, readMark } from "../xml/mod.ts";
import {
  changesSince,
  declaredBefore,
  nameTaken,
  objectGone,
  type Operate,
  type Operations,
} from "./bench.ts";
import { findNetwork, findNetworkByName } from "./find.ts";
import { emptyLookup } from "./lookup.ts";
import { unpark, whileParked } from "./replug.ts";

/** `VIR_NETWORK_XML_INACTIVE`. */
const INACTIVE = 1;
/** `VIR_NETWORK_UPDATE_AFFECT_LIVE`. */
const LIVE = 1;
/** `VIR_NETWORK_DEFINE_VALIDATE`. */
const VALIDATE = 1;

const create: Operate = async (bench, step, context) => {
  const connection = await bench.connection();
  using other = await findNetworkByName(connection, step.key);
  if (other !== undefined && other.uuid !== step.resource.uuid) {
    const mark = readMark(parseXml(await other.xml(INACTIVE)));
    throw nameTaken(
      bench,
      step,
      `network "${other.name}" has the UUID ${other.uuid}` +
        (mark === undefined ? "" : `, and belongs to ${mark.address} of stack "${mark.stack}"`),
    );
  }
  if (other !== undefined) return await finish(bench, step, context);
  using network = await connection.defineNetwork(networkXml(step.resource, step.mark), VALIDATE);
  await network.create();
  await network.setAutostart(step.resource.spec.autostart !== false);
  return {};
};

/** Half made by a run that was cut off: what it still lacks is changed as it would be later. */
const finish: Operate = async (bench, step, context) => {
  const { key, resource } = step;
  const request = { kind: "network", key, uuid: resource.uuid };
  const observed = (await bench.readBack([request])).find(({ uuid }) => uuid === resource.uuid);
  if (observed === undefined) throw objectGone(bench, step);
  const spec: JsonObject = { ...resource.spec, autostart: resource.spec.autostart !== false };
  const whole = { ...resource, spec };
  const lookup = emptyLookup(step);
  const changes = changesSince(
    step,
    (previous) => networkKind.diff(whole, observed, { previous, lookup }),
  );
  return await update(bench, { ...step, changes }, context);
};

const update: Operate = async (bench, step) => {
  const connection = await bench.connection();
  using known = await findNetwork(connection, step.resource.uuid) ??
    await findNetworkByName(connection, step.key);
  if (known === undefined) throw objectGone(bench, step);
  const spec = step.resource.spec as NetworkSpec;
  let xml = await known.xml(INACTIVE);
  for (const previous of declaredBefore(step) as readonly (NetworkSpec | undefined)[]) {
    xml = patchNetworkXml(xml, spec, { previous, mark: step.mark });
  }
  using network = await connection.defineNetwork(xml, VALIDATE);
  const notes: string[] = [];
  if (!(await network.isActive())) await whileParked(connection, network, () => network.create());
  else if (step.changes.some((change) => change.disruption === "restart")) {
    const nics = await whileParked(connection, network, async () => {
      await network.destroy();
      await network.create();
    });
    notes.push(
      `network "${step.key}" was restarted` +
        (nics === 0
          ? ""
          : `; ${nics} NIC${nics === 1 ? "" : "s"} of running guests plugged in again`),
    );
  } else {
    for (const previous of declaredBefore(step) as readonly (NetworkSpec | undefined)[]) {
      const calls = networkUpdates(await network.xml(), spec, previous);
      for (const { section, command, xml } of calls) {
        await network.update({
          section: NETWORK_SECTION[section],
          command: NETWORK_COMMAND[command],
          xml,
          flags: LIVE,
        });
      }
    }
  }
  // A run that was cut off may have left guests aside.
  await unpark(connection, network);
  const autostart = step.changes.find((change) => change.path === "autostart");
  if (autostart !== undefined) await network.setAutostart(autostart.after === true);
  return { notes };
};

const remove: Operate = async (bench, step) => {
  const connection = await bench.connection();
  using network = await findNetwork(connection, step.resource.uuid) ??
    await marked(connection, step.key, step.mark.stack, step.address);
  if (network === undefined) return {};
  if (await network.isActive()) await network.destroy();
  await unpark(connection, network);
  // A network that was only ever started goes with its stop.
  using left = await findNetworkByName(connection, network.name);
  await left?.undefine();
  return {};
};

/** A network under our name that has another UUID is ours only if it carries our mark. */
async function marked(
  connection: Connection,
  name: string,
  stack: string,
  address: string,
): Promise<Network | undefined> {
  const network = await findNetworkByName(connection, name);
  if (network === undefined) return undefined;
  const mark = readMark(parseXml(await network.xml(INACTIVE)));
  if (mark?.stack === stack && mark.address === address) return network;
  network[Symbol.dispose]();
  return undefined;
}

/** Operations on networks. */
export const network: Operations = { create, update, delete: remove };
