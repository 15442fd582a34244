/**
 * Scopes: what a stack's function, and the modules that it calls, declare things on.
 *
 * @module
 */

import { callSite } from "./call_site.ts";
import type { Context } from "./declare/context.ts";
import { declareHost, type HostOptions } from "./declare/host.ts";
import { declareImage, type ImageOptions } from "./declare/image.ts";
import { declareMachine } from "./declare/machine.ts";
import type { MachineOptions } from "./declare/machine_options.ts";
import {
  declareExistingNetwork,
  declareNetwork,
  type ExistingNetworkOptions,
  type NetworkOptions,
} from "./declare/network.ts";
import {
  type InheritedOptions,
  nothingInherited,
  type ResourceOptions,
  type ScopeOptions,
  scopeOptions,
} from "./declare/options.ts";
import { declarePool, type ExistingPoolOptions, type PoolOptions } from "./declare/pool.ts";
import {
  declareExistingVolume,
  declareVolume,
  type ExistingVolumeOptions,
  type VolumeOptions,
} from "./declare/volume.ts";
import type { Image, Machine, Network, Pool, Volume } from "./handles.ts";
import type { Recorder } from "./recorder.ts";
import { complaint, show, type Subject } from "./refuse.ts";

/** Declares something a number of times. */
export interface Repeats {
  /**
   * Calls a function with 0, 1, … and returns what it returned.
   *
   * @example
   * ```ts ignore
   * const web = lab.times(3, (i) => lab.vm(`web-${i}`, { memory: "1GiB" }));
   * ```
   */
  times<T>(count: number, declare: (index: number) => T): T[];
}

/**
 * A host, or a scope nested in it. What is declared on it has an address such as
 * `lab/front/machine.web-0`, and the nested scopes in front of its name on the host: `front-web-0`.
 */
export interface HostScope extends Repeats {
  /** Name of the host in the stack. */
  readonly host: string;
  /** The host and the nested scopes: `lab/front`. */
  readonly path: string;
  /** A storage pool that the stack makes. */
  pool(name: string, fields: PoolOptions, options?: ResourceOptions): Pool;
  /** A storage pool that is there already. Its name is the one on the host. */
  existingPool(name: string, fields?: ExistingPoolOptions): Pool;
  /** An image, kept once on the host whatever uses it. */
  image(name: string, fields: ImageOptions, options?: ResourceOptions): Image;
  /** A volume of its own; a machine's disks can also be declared inside the machine. */
  volume(name: string, fields: VolumeOptions, options?: ResourceOptions): Volume;
  /** A volume that is there already. Its name is the one in its pool. */
  existingVolume(name: string, fields: ExistingVolumeOptions): Volume;
  /** A network that the stack makes, or a bridge that the host has. */
  network(name: string, fields: NetworkOptions, options?: ResourceOptions): Network;
  /** A network that is there already. Its name is the one on the host. */
  existingNetwork(name: string, fields?: ExistingNetworkOptions): Network;
  /** A virtual machine. */
  vm(name: string, fields: MachineOptions, options?: ResourceOptions): Machine;
  /** A nested scope: its declarations have names of their own. */
  scope(name: string, options?: ScopeOptions): HostScope;
}

/** A scope that spans hosts: the same nested scope on any of them. */
export interface SpanningScope extends Repeats {
  /** The nested scope on a host. */
  on(host: HostScope): HostScope;
  /** A scope nested in this one. */
  scope(name: string, options?: ScopeOptions): SpanningScope;
}

/** The whole stack. */
export interface StackScope extends Repeats {
  /** Name of the stack. */
  readonly name: string;
  /** Declares a host; its options are those of everything on it. */
  host(name: string, fields: HostOptions, options?: InheritedOptions): HostScope;
  /** A scope that spans hosts. */
  scope(name: string, options?: ScopeOptions): SpanningScope;
}

/** The scope that a stack's function is given. */
export function stackScope(recorder: Recorder): StackScope {
  return Object.freeze({
    name: recorder.stack,
    host(name: string, fields: HostOptions, options?: InheritedOptions): HostScope {
      declareHost(recorder, name, fields);
      const subject: Subject = { label: `host ${name}`, at: callSite() };
      const inherits = scopeOptions(subject, options, nothingInherited, { path: [] });
      return hostScope({ recorder, host: name, scopes: [], inherits });
    },
    scope(name: string, options?: ScopeOptions): SpanningScope {
      return spanningScope(recorder, [nested(recorder, name, options)]);
    },
    times,
  });
}

function hostScope(base: Omit<Context, "at">): HostScope {
  const { recorder, host, scopes, inherits } = base;
  /** The context of a call: it knows where it was made. */
  const here = (entered: (...given: never[]) => unknown, options?: unknown): Context => ({
    ...base,
    at: callSite(entered),
    options,
  });
  return Object.freeze({
    host,
    path: [host, ...scopes].join("/"),
    pool: function pool(name: string, fields: PoolOptions, options?: ResourceOptions) {
      return declarePool(here(pool, options), name, fields, "managed");
    },
    existingPool: function existingPool(name: string, fields: ExistingPoolOptions = {}) {
      return declarePool(here(existingPool), name, fields, "existing");
    },
    image: function image(name: string, fields: ImageOptions, options?: ResourceOptions) {
      return declareImage(here(image, options), name, fields);
    },
    volume: function volume(name: string, fields: VolumeOptions, options?: ResourceOptions) {
      return declareVolume(here(volume, options), name, fields);
    },
    existingVolume: function existingVolume(name: string, fields: ExistingVolumeOptions) {
      return declareExistingVolume(here(existingVolume), name, fields);
    },
    network: function network(name: string, fields: NetworkOptions, options?: ResourceOptions) {
      return declareNetwork(here(network, options), name, fields);
    },
    existingNetwork: function existingNetwork(name: string, fields: ExistingNetworkOptions = {}) {
      return declareExistingNetwork(here(existingNetwork), name, fields);
    },
    vm: function vm(name: string, fields: MachineOptions, options?: ResourceOptions) {
      return declareMachine(here(vm, options), name, fields);
    },
    scope: (name: string, options?: ScopeOptions) => {
      const { subject } = nested(recorder, name, options);
      return hostScope({
        ...base,
        scopes: [...scopes, name],
        inherits: scopeOptions(subject, options, inherits, { path: scopes, name }),
      });
    },
    times,
  });
}

/** A scope that is about to be nested somewhere. */
interface Nested {
  readonly subject: Subject;
  readonly name: string;
  readonly options: ScopeOptions | undefined;
}

function spanningScope(recorder: Recorder, path: readonly Nested[]): SpanningScope {
  return Object.freeze({
    on: (host: HostScope) =>
      path.reduce((scope, { name, options }) => scope.scope(name, options), host),
    scope: (name: string, options?: ScopeOptions) =>
      spanningScope(recorder, [...path, nested(recorder, name, options)]),
    times,
  });
}

function nested(recorder: Recorder, name: string, options: ScopeOptions | undefined): Nested {
  const subject: Subject = { label: `scope ${String(name)}`, at: callSite() };
  recorder.checkName(subject, "scope", name);
  return { subject, name, options };
}

/** More than any host runs; a larger count is a slip of the pen that would fill the memory. */
const mostTimes = 100_000;

function times<T>(count: number, declare: (index: number) => T): T[] {
  if (!Number.isInteger(count) || count < 0 || count > mostTimes) {
    const subject: Subject = { label: "times", at: callSite() };
    throw complaint(subject, {
      code: "stack.invalid-value",
      message: `the count must be a whole number from 0 to ${mostTimes}, is ${show(count)}`,
    });
  }
  return Array.from({ length: count }, (_, index) => declare(index));
}
