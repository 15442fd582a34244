/**
 * What libvirt would drop in silence, seen with what the host has of the machine: what is not declared
 * stays as it is there. Measured with 9.0.
 *
 * @module
 */

import type { Issue, Lookup, Resource } from "../../../provider.ts";
import { readTable } from "../../table/mod.ts";
import { parseXml } from "../../xml/mod.ts";
import type { MachineSpec } from "./schema.ts";
import { machineTable } from "./table.ts";

/** Issues of a resolved machine. */
export function* checkDropped(resource: Resource, lookup: Lookup): Iterable<Issue> {
  const spec = resource.spec as unknown as MachineSpec;
  const { cpu, cpuTune, features } = spec;
  if ((cpu ?? cpuTune?.vcpuPins ?? features?.smmTseg) === undefined) return;
  const observed = lookup.observed(resource.address);
  const found = observed === undefined
    ? {}
    : readTable(machineTable, parseXml(String(observed.source.xml))) as Partial<MachineSpec>;
  yield* checkCpu(spec, found);
  yield* checkPins(spec, found);
  yield* checkTseg(spec, found);
}

/** It says something of a model, and there is none. */
function* checkCpu({ cpu }: MachineSpec, found: Partial<MachineSpec>): Iterable<Issue> {
  if (cpu === undefined) return;
  const { mode = "custom", model } = { ...found.cpu, ...cpu };
  const named = mode === "custom" && model !== undefined;
  const wrong: Readonly<Record<string, boolean>> = {
    mode: mode === "custom" && !named,
    model: mode === "host-passthrough" || mode === "maximum",
    match: !named,
    fallback: mode !== "host-model" && !named,
  };
  for (const [name, isWrong] of Object.entries(wrong)) {
    if (!isWrong || cpu[name as "mode"] === undefined) continue;
    yield {
      code: "machine.cpu-without-model",
      path: `cpu.${name}`,
      message: `libvirt keeps it only beside a named model, and the CPU would have ${
        mode === "custom" ? "none" : `the mode ${mode}`
      }`,
      help: 'declare both: cpu: { mode: "custom", model: "EPYC" }',
    };
  }
}

/** A pin of a vCPU that is not there. Where a number of vCPUs is declared, the schema has refused it. */
function* checkPins(spec: MachineSpec, found: Partial<MachineSpec>): Iterable<Issue> {
  if ((spec.maxVcpus ?? spec.vcpus) !== undefined) return;
  const most = found.maxVcpus ?? found.vcpus ?? 1;
  for (const { vcpu } of spec.cpuTune?.vcpuPins ?? []) {
    if (vcpu < most) continue;
    yield {
      code: "machine.pin-without-vcpu",
      path: `cpuTune.vcpuPins[${vcpu}].vcpu`,
      message: `there is no vCPU ${vcpu}: the machine has ${most}`,
      help: `declare maxVcpus: ${vcpu + 1}, or pin ${most === 1 ? "vCPU 0" : `0 to ${most - 1}`}`,
    };
  }
}

/** Where the host says neither, libvirt turns system management mode on. */
function* checkTseg({ features }: MachineSpec, found: Partial<MachineSpec>): Iterable<Issue> {
  if (features?.smmTseg === undefined || features.smm !== undefined) return;
  if (found.features?.smm !== false) return;
  yield {
    code: "machine.tseg-without-smm",
    path: "features.smmTseg",
    message: "libvirt keeps it only with system management mode, and the machine's is off",
    help: 'declare both: features: { smm: true, smmTseg: "48MiB" }',
  };
}
