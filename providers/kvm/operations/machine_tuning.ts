/**
 * Carries out what a plan changes in the host's grants to a running machine.
 *
 * @module
 */

import type { TuningCall } from "../kinds/machine/live_tuning.ts";
import type { Domain } from "../libvirt/mod.ts";

/** `VIR_DOMAIN_AFFECT_LIVE`. */
const LIVE = 1;

/** One call. Throws the binding's error as it is. */
export function tuningCall(domain: Domain, call: TuningCall): Promise<void> {
  switch (call.call) {
    case "addIoThread":
      return domain.addIoThread(call.id, LIVE);
    case "deleteIoThread":
      return domain.deleteIoThread(call.id, LIVE);
    case "pinVcpu":
      return domain.pinVcpu(call.vcpu, call.cpus, LIVE);
    case "pinEmulator":
      return domain.pinEmulator(call.cpus, LIVE);
    case "pinIoThread":
      return domain.pinIoThread(call.id, call.cpus, LIVE);
    case "setScheduler":
      return domain.setSchedulerParameters(call.parameters, LIVE);
    case "setBlkio":
      return domain.setBlkioParameters(call.parameters, LIVE);
    case "setMemoryLimits":
      return domain.setMemoryParameters(call.parameters, LIVE);
    case "setNuma":
      return domain.setNumaParameters(call.parameters, LIVE);
    case "setLifecycleAction":
      return domain.setLifecycleAction(call.type, call.action, LIVE);
  }
}

/** The calls that are carried out here. */
export function isTuningCall(call: { readonly call: string }): call is TuningCall {
  return Object.hasOwn(CALLS, call.call);
}

const CALLS: Readonly<Record<TuningCall["call"], true>> = {
  addIoThread: true,
  deleteIoThread: true,
  pinVcpu: true,
  pinEmulator: true,
  pinIoThread: true,
  setScheduler: true,
  setBlkio: true,
  setMemoryLimits: true,
  setNuma: true,
  setLifecycleAction: true,
};
