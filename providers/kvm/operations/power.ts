/**
 * Starting and stopping machines. Stopping is graceful: the guest's agent is asked, then its ACPI
 * button is pressed. Nothing is forced unless the stack says so.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step, StepContext } from "../../provider.ts";
import { SHUTDOWN_TIMEOUT, type ShutdownRules } from "../kinds/machine/mod.ts";
import { type Domain, ErrorCode, isInvalidState, LibvirtError } from "../libvirt/mod.ts";
import { getElements, parseXml } from "../xml/mod.ts";
import { type Bench, sleep, whereOf } from "./bench.ts";

/** Seconds after which the button is pressed once more: a guest that boots misses the first time. */
const PRESS_AGAIN = 10;

/** `VIR_DOMAIN_CRASHED`. */
const CRASHED = 6;

/** `VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN` and `VIR_DOMAIN_SHUTDOWN_GUEST_AGENT`. */
const ACPI = 1;
const AGENT = 2;

/** Whether the guest's agent has opened its channel. */
export function agentConnected(liveXml: string): boolean {
  return getElements(parseXml(liveXml), "./devices/channel").some((channel) =>
    channel.children.some((node) =>
      node.kind === "element" && node.name === "target" &&
      node.attributes.get("name") === "org.qemu.guest_agent.0" &&
      node.attributes.get("state") === "connected"
    )
  );
}

/** Starts a machine that does not run. */
export async function start(domain: Domain): Promise<void> {
  if (await domain.isActive()) return;
  try {
    await domain.create();
  } catch (error) {
    // Someone else was faster.
    if (!isInvalidState(error) || !(await domain.isActive())) throw error;
  }
}

/**
 * Shuts a machine down and waits until it is off. Gives what a person should know: that it took force.
 *
 * @param otherwise What becomes of the machine if it does not shut down, for the error.
 * @param rules How long it gets, and what then; as its declaration says unless given.
 * @throws {StaddleError} `machine.shutdown-timeout`; the machine goes on running then.
 */
export async function shutDown(
  domain: Domain,
  bench: Bench,
  step: Step,
  { signal, progress }: StepContext,
  otherwise: string,
  rules: ShutdownRules = (step.resource.spec.shutdown ?? {}) as ShutdownRules,
): Promise<readonly string[]> {
  const { timeout = SHUTDOWN_TIMEOUT, force = false } = rules;
  // A guest that has crashed answers nobody, and writes nothing any more.
  if ((await domain.state()).state === CRASHED) await powerOff(domain);
  const begin = performance.now();
  let pressed = -Infinity;
  let way = "";
  while (await domain.isActive()) {
    const seconds = (performance.now() - begin) / 1000;
    if (seconds > timeout) {
      if (!force) throw tooSlow(bench, step, domain.name, timeout, way, otherwise);
      await powerOff(domain);
      return [
        `machine "${domain.name}" did not shut down within ${timeout} s, asked by ${way}: it was ` +
        "powered off, as shutdown.force says",
      ];
    }
    if (seconds - pressed >= PRESS_AGAIN) {
      pressed = seconds;
      progress(`asking machine ${domain.name} to shut down`);
      way = await ask(domain);
    }
    await sleep(250, signal);
  }
  return [];
}

function tooSlow(
  bench: Bench,
  step: Step,
  machine: string,
  timeout: number,
  way: string,
  otherwise: string,
): StaddleError {
  return new StaddleError({
    code: "machine.shutdown-timeout",
    summary: `machine "${machine}" on host "${bench.declaration.name}" did not shut down within ` +
      `${timeout} s`,
    where: whereOf(bench, step),
    details: [`asked by ${way}; ${otherwise}`],
    help:
      "shut it down from inside and run the same command again; shutdown.timeout sets how long " +
      `to wait, and shutdown.force: true pulls the plug then, as virsh destroy ${machine} does`,
  });
}

/** Pulls the plug. */
export async function powerOff(domain: Domain): Promise<void> {
  try {
    await domain.destroy();
  } catch (error) {
    // It went down by itself meanwhile.
    if (!isInvalidState(error)) throw error;
  }
}

async function ask(domain: Domain): Promise<string> {
  try {
    if (agentConnected(await domain.xml())) {
      try {
        await domain.shutdown(AGENT);
        return "the guest's agent";
      } catch (error) {
        // The agent died, or the guest is on its way down already.
        if (!(error instanceof LibvirtError)) throw error;
      }
    }
    await domain.shutdown(ACPI);
  } catch (error) {
    if (isWithoutWays(error)) {
      await domain.shutdown();
      return "libvirt";
    }
    // It is off meanwhile.
    if (!isInvalidState(error)) throw error;
  }
  return "the ACPI button";
}

/** Whether the driver has one way to shut down, and refuses a flag that names one. */
function isWithoutWays(error: unknown): boolean {
  return error instanceof LibvirtError && error.code === ErrorCode.VIR_ERR_INVALID_ARG;
}
