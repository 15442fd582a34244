/**
 * The stack language: what a stack's author imports. `evaluate.ts` beside it runs a stack file in a
 * process without permissions.
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
export type { AdoptOptions, CommonOptions } from "./declare/context.ts";
export type { HostOptions } from "./declare/host.ts";
export type { ImageOptions } from "./declare/image.ts";
export type {
  DiskOptions,
  InlineDisk,
  MachineOptions,
  NicOptions,
  VolumeDisk,
  XmlPatch,
} from "./declare/machine_options.ts";
export type {
  DeviceOptions,
  DiskAttachment,
  DriveOptions,
  HostDisk,
  MachineFields,
  NicTuning,
} from "./declare/machine_devices.ts";
export type {
  ClockOptions,
  CpuOptions,
  FeatureOptions,
  HypervOptions,
  MemoryBackingOptions,
  NumaMode,
  NumaOptions,
  PlatformOptions,
  SmbiosOptions,
} from "./declare/machine_platform.ts";
export type {
  BlkioTuneOptions,
  CpuTuneOptions,
  LifecycleAction,
  Scheduling,
  TuningOptions,
} from "./declare/machine_tuning.ts";
export type {
  DnsOptions,
  ExistingNetworkOptions,
  NetworkOptions,
  Reservation,
} from "./declare/network.ts";
export type {
  Duration,
  HookCommand,
  Hooks,
  InheritedOptions,
  ResourceOptions,
  ScopeOptions,
  Timeouts,
} from "./declare/options.ts";
export type { ExistingPoolOptions, PoolOptions } from "./declare/pool.ts";
export type {
  ExistingVolumeOptions,
  Size,
  VolumeContent,
  VolumeOptions,
} from "./declare/volume.ts";
export type { Disk, Handle, Image, Machine, Network, Nic, Parts, Pool, Volume } from "./handles.ts";
export { sensitive } from "./outputs.ts";
export type { Sensitive } from "./outputs.ts";
export type { HostScope, Repeats, SpanningScope, StackScope } from "./scope.ts";
export { brand, stack } from "./stack.ts";
export type {
  Declare,
  DeclareWith,
  Outputs,
  Parameters,
  ParameterShape,
  StackDefinition,
} from "./stack.ts";
