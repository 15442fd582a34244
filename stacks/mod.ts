/**
 * The stack language: what a stack's author imports. `evaluate.ts` beside it runs a stack file in a
 * process without permissions.
 *
 * What an author may write stands in `types/` as plain types that import nothing but types: a check of a
 * stack reads these, and neither what validates nor what declares.
 *
 * May not: perform I/O, look at the clock or at anything random, import what does. `evaluate.ts` and
 * `sandbox/` do start processes; nothing here imports them.
 *
 * @module
 */

export { z } from "./zod.ts";
export type { ParameterType } from "./zod.ts";
export { StaddleError } from "../providers/error.ts";
export type { StaddleErrorInit } from "../providers/error.ts";
export type { SshOptions } from "../providers/provider.ts";
export type { CloudFile, CloudInit, CloudUser } from "./cloud_config.ts";
export type { AdoptOptions, CommonOptions } from "./types/common.ts";
export type { HostOptions } from "./types/host.ts";
export type { ImageOptions } from "./types/image.ts";
export type {
  DiskOptions,
  InlineDisk,
  MachineOptions,
  NicOptions,
  VolumeDisk,
} from "./types/machine.ts";
export type { DiskAttachment, DriveOptions, HostDisk, NicTuning } from "./types/machine_devices.ts";
export type * from "./types/machine_fields.ts";
export type {
  DnsOptions,
  ExistingNetworkOptions,
  NetworkOptions,
  Reservation,
} from "./types/network.ts";
export type {
  Duration,
  HookCommand,
  Hooks,
  InheritedOptions,
  ResourceOptions,
  ScopeOptions,
  Timeouts,
} from "./types/options.ts";
export type { ExistingPoolOptions, PoolOptions } from "./types/pool.ts";
export type { Referenced, ReferenceShape } from "./types/reference.ts";
export type { ExistingVolumeOptions, Size, VolumeContent, VolumeOptions } from "./types/volume.ts";
export type { XmlPatch } from "./types/xml_patch.ts";
export type { Disk, Handle, Image, Machine, Network, Nic, Parts, Pool, Volume } from "./handles.ts";
export { secret } from "./named_secret.ts";
export type { SecretReference } from "../providers/secret.ts";
export { sensitive } from "./outputs.ts";
export type { Sensitive } from "./outputs.ts";
export type { HostScope, Repeats, SpanningScope, StackScope } from "./types/scope.ts";
export { brand, stack } from "./stack.ts";
export type {
  Declare,
  DeclareWith,
  Outputs,
  Parameters,
  ParameterShape,
  StackDefinition,
} from "./stack.ts";
