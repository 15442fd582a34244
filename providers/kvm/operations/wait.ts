/**
 * Waiting for a machine: that it runs, holds its lease, that its agent answers, that a port accepts.
 * Bounded, and without harm: a machine is left as it is when the time is up.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { JsonObject, Step } from "../../provider.ts";
import { type Domain, isAgentUnavailable, isNotFound, isUnsupported } from "../libvirt/mod.ts";
import { type Bench, objectGone, type Operate, sleep, whereOf } from "./bench.ts";
import { findDomain, findDomainByName, findNetworkByName } from "./find.ts";
import { agentConnected, start } from "./power.ts";

/** Seconds, unless declared. */
const TIMEOUT = 120;
/** Milliseconds between two looks. */
const INTERVAL = 500;
/** Milliseconds that one attempt at a port may take. */
const DIAL = 3_000;

/** What a look saw. */
interface Sight {
  readonly met: boolean;
  /** What was seen, for messages. */
  readonly seen: string;
}

interface Condition {
  readonly for: "running" | "lease" | "agent" | "port";
  readonly port?: number;
  readonly timeout?: number;
}

interface Nic extends JsonObject {
  readonly name: string;
  readonly network?: string;
  readonly mac: string;
  readonly ip?: string;
}

/** Waits as the machine declares it. */
export const wait: Operate = async (bench, step, { signal, progress }) => {
  const condition = step.resource.spec.wait as unknown as Condition | undefined;
  if (condition === undefined) return {};
  const connection = await bench.connection();
  using domain = await findDomain(connection, step.resource.uuid) ??
    await findDomainByName(connection, step.key);
  if (domain === undefined) throw objectGone(bench, step);
  const seconds = condition.timeout ?? TIMEOUT;
  const begin = performance.now();
  // It was started when it was made. One that has died since would be waited for in vain, every time.
  if (step.resource.spec.power !== "off") await start(domain);
  for (;;) {
    if (!(await domain.isActive())) throw stopped(bench, step, condition);
    const { met, seen } = await LOOK[condition.for](bench, step, domain, condition);
    if (met) return {};
    const elapsed = (performance.now() - begin) / 1000;
    if (elapsed + INTERVAL / 1000 > seconds) {
      throw await timedOut(bench, step, domain, condition, seconds, seen);
    }
    progress(`waiting for ${step.key}: ${seen}`, Math.min(1, elapsed / seconds));
    await sleep(INTERVAL, signal);
  }
};

type Look = (
  bench: Bench,
  step: Step,
  domain: Domain,
  condition: Condition,
) => Promise<Sight>;

const LOOK: Readonly<Record<Condition["for"], Look>> = {
  running: async (_bench, _step, domain) => {
    const { state } = await domain.state();
    return { met: state === RUNNING, seen: `state ${STATES[state] ?? state}` };
  },
  lease: (bench, step) => lookForLeases(bench, step),
  agent: (bench, _step, domain) => lookForAgent(bench, domain),
  port: (bench, step, _domain, condition) => lookForPort(bench, step, condition.port ?? 0),
};

/** `VIR_DOMAIN_RUNNING`. */
const RUNNING = 1;
const STATES: Readonly<Record<number, string>> = {
  0: "unknown",
  1: "running",
  2: "blocked",
  3: "paused",
  4: "shutting down",
  5: "shut off",
  6: "crashed",
  7: "suspended",
};

function nicsOf(step: Step): readonly Nic[] {
  return (step.resource.spec.nics ?? []) as readonly Nic[];
}

/** Every NIC with a planned address holds it; where none has one, any lease will do. */
async function lookForLeases(bench: Bench, step: Step): Promise<Sight> {
  const connection = await bench.connection();
  const nics = nicsOf(step).filter((nic) => nic.network !== undefined);
  const sights = await Promise.all(nics.map(async (nic) => {
    using network = await findNetworkByName(connection, nic.network!);
    if (network === undefined) {
      return { nic, met: false, seen: `${nic.name}: no network "${nic.network}"` };
    }
    const leases = await network.dhcpLeases(nic.mac).catch(() => []);
    const addresses = leases.map(({ address }) => address);
    return {
      nic,
      met: nic.ip === undefined ? addresses.length > 0 : addresses.includes(nic.ip),
      seen: `${nic.name} (${nic.mac}): ${
        addresses.length === 0 ? "no lease" : `lease ${addresses.join(", ")}`
      }`,
    };
  }));
  const planned = sights.filter(({ nic }) => nic.ip !== undefined);
  const met = planned.length > 0
    ? planned.every((sight) => sight.met)
    : sights.some((sight) => sight.met);
  return { met, seen: sights.map(({ seen }) => seen).join("; ") || "no NIC on a network" };
}

async function lookForAgent(bench: Bench, domain: Domain): Promise<Sight> {
  // An agent that hangs would hold up what comes behind it.
  const slow = await bench.slow();
  using machine = await findDomain(slow, domain.uuid);
  if (machine === undefined) return { met: false, seen: "the machine is gone" };
  try {
    await machine.agentCommand('{"execute":"guest-ping"}', 5);
    return { met: true, seen: "the agent answers" };
  } catch (error) {
    if (isAgentUnavailable(error) || isNotFound(error)) {
      return { met: false, seen: "the agent does not answer yet" };
    }
    // Without libvirt-qemu.so the channel's state has to do.
    if (isUnsupported(error)) {
      const connected = agentConnected(await domain.xml());
      return {
        met: connected,
        seen: connected ? "the agent is there" : "the agent has not come up yet",
      };
    }
    throw error;
  }
}

async function lookForPort(bench: Bench, step: Step, port: number): Promise<Sight> {
  const address = nicsOf(step).find((nic) => nic.ip !== undefined)?.ip;
  if (address === undefined) return { met: false, seen: "no NIC has a planned address" };
  const met = await bench.canDial(address, port, DIAL);
  return { met, seen: `port ${port} of ${address} ${met ? "accepts" : "does not accept yet"}` };
}

function wanted(condition: Condition): string {
  return condition.for === "port" ? `port ${condition.port}` : condition.for;
}

function stopped(bench: Bench, step: Step, condition: Condition): StaddleError {
  return new StaddleError({
    code: "machine.wait-stopped",
    summary:
      `machine "${step.key}" on host "${bench.declaration.name}" stopped while it was waited ` +
      `for (${wanted(condition)})`,
    where: whereOf(bench, step),
    help: "see why on the host: /var/log/libvirt/qemu/" + `${step.key}.log`,
  });
}

async function timedOut(
  bench: Bench,
  step: Step,
  domain: Domain,
  condition: Condition,
  seconds: number,
  seen: string,
): Promise<StaddleError> {
  const details = [seen];
  const { state } = await domain.state();
  details.push(`state: ${STATES[state] ?? state}`);
  if (condition.for !== "lease" && nicsOf(step).some((nic) => nic.network !== undefined)) {
    details.push((await lookForLeases(bench, step)).seen);
  }
  if (condition.for !== "agent") {
    details.push(`agent: ${agentConnected(await domain.xml()) ? "connected" : "not connected"}`);
  }
  return new StaddleError({
    code: "machine.wait-timeout",
    summary: `machine "${step.key}" on host "${bench.declaration.name}" was not ready within ` +
      `${seconds} s (${wanted(condition)})`,
    where: whereOf(bench, step),
    details,
    help: `it was left as it is: see its console (virsh console ${step.key}), then run the same ` +
      "command again; wait.timeout sets how long to wait",
  });
}
