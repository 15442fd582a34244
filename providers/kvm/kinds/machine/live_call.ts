/**
 * One call by which a change reaches a running machine.
 *
 * @module
 */

import type { MetadataCall } from "./live_metadata.ts";
import type { TuningCall } from "./live_tuning.ts";

/** One call on a machine. `xml` is a device's; `alias` names one. */
export type LiveCall =
  | TuningCall
  | MetadataCall
  | { readonly call: "setVcpus"; readonly vcpus: number }
  | { readonly call: "setMemory"; readonly kib: number }
  | { readonly call: "setTitle"; readonly value: string }
  | { readonly call: "setDescription"; readonly value: string }
  | { readonly call: "attachDevice"; readonly path: string; readonly xml: string }
  | {
    readonly call: "detachDevice";
    readonly path: string;
    readonly alias: string;
    readonly xml: string;
  }
  | { readonly call: "updateDevice"; readonly path: string; readonly xml: string }
  | {
    readonly call: "setBlockIoTune";
    readonly path: string;
    /** Target, for example `vda`. */
    readonly disk: string;
    readonly parameters: Readonly<Record<string, number | string>>;
  }
  | {
    readonly call: "setInterfaceParameters";
    readonly path: string;
    /** MAC address. */
    readonly device: string;
    readonly parameters: Readonly<Record<string, number>>;
  }
  | { readonly call: "setMemoryStatsPeriod"; readonly seconds: number }
  | { readonly call: "setAutostart"; readonly value: boolean }
  | { readonly call: "setPower"; readonly value: "on" | "off" }
  | { readonly call: "restart" };
