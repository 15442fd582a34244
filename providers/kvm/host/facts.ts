/**
 * Facts of a host, read in parallel.
 *
 * @module
 */

import type { HostFacts } from "../facts.ts";
import type { Connection } from "../libvirt/mod.ts";
import { getPath, parseXml } from "../xml/mod.ts";
import { judgeAccelerator, PROBE_SCRIPT, readProbe } from "./accelerator.ts";
import { emulatorsOf, offersUefi, uefiQuestions } from "./emulators.ts";
import { runHere } from "./shell.ts";

/** Reads what planning needs to know of a host. */
export async function readFacts(
  connection: Connection,
  host: { readonly uri: string; readonly local: boolean },
): Promise<HostFacts> {
  const [capabilitiesXml, node, freeMemory, hostname, libvirtVersion, hypervisorVersion, probe] =
    await Promise.all([
      connection.capabilities(),
      connection.nodeInfo(),
      // Inside a container, or on an odd driver, nobody can tell.
      connection.freeMemory().catch(() => 0),
      connection.hostname(),
      connection.libVersion(),
      connection.hypervisorVersion(),
      host.local ? runHere(PROBE_SCRIPT) : undefined,
    ]);
  const capabilities = parseXml(capabilitiesXml);
  const known = emulatorsOf(capabilities, new Set());
  const efi = new Set<string>();
  await Promise.all(
    uefiQuestions(known).map(async ({ arch, machine, emulator }) => {
      const choice = { arch, machine, emulator, virttype: "qemu" };
      // An emulator that does not start has no firmware either; defining a machine will tell why.
      const xml = await connection.domainCapabilities(choice).catch(() => undefined);
      if (xml !== undefined && offersUefi(parseXml(xml))) efi.add(arch);
    }),
  );
  return {
    uri: host.uri,
    hostname,
    libvirtVersion,
    hypervisorVersion,
    arch: getPath(capabilities, "./host/cpu/arch") ?? node.model,
    accelerator: judgeAccelerator(capabilities, readProbe(probe)),
    emulators: emulatorsOf(capabilities, efi),
    cpus: node.cpus,
    memory: node.memory * 1024,
    freeMemory,
  };
}
