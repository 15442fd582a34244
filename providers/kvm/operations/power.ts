/**
 * Starting and stopping machines. Stopping is graceful: the guest's agent is asked, then its ACPI
 * button is pressed, and nothing is forced.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Step, StepContext } from "../../provider.ts";
import { type Domain, isInvalidState, LibvirtError } from "../libvirt/mod.ts";
import { getElements, parseXml } from "../xml/mod.ts";
import { type Bench, sleep, whereOf } from "./bench.ts";

/** Seconds within which a guest must have shut down. */
export const SHUTDOWN_TIMEOUT = 90;
/** Seconds after which the button is pressed once more: a guest that boots misses the first time. */
const PRESS_AGAIN = 10;

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
 * Shuts a machine down and waits until it is off.
 *
 * @throws {StaddleError} `machine.shutdown-timeout`; the machine goes on running then.
 */
export async function shutDown(
  domain: Domain,
  bench: Bench,
  step: Step,
  { signal, progress }: StepContext,
): Promise<void> {
  const begin = performance.now();
  let pressed = -Infinity;
  let way = "";
  while (await domain.isActive()) {
    const seconds = (performance.now() - begin) / 1000;
    if (seconds > SHUTDOWN_TIMEOUT) {
      throw new StaddleError({
        code: "machine.shutdown-timeout",
        summary:
          `machine "${step.key}" on host "${bench.declaration.name}" did not shut down within ` +
          `${SHUTDOWN_TIMEOUT} s`,
        where: whereOf(bench, step),
        details: [`asked by ${way}; the guest goes on running, and what needs no restart is saved`],
        help:
          `shut it down from inside, or pull its plug (virsh destroy ${step.key}), then run the same command again`,
      });
    }
    if (seconds - pressed >= PRESS_AGAIN) {
      pressed = seconds;
      progress(`asking machine ${step.key} to shut down`);
      way = await ask(domain);
    }
    await sleep(250, signal);
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
    // It is off meanwhile.
    if (!isInvalidState(error)) throw error;
  }
  return "the ACPI button";
}
