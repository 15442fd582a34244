/**
 * Scopes: what a stack's function, and the modules that it calls, declare things on.
 *
 * @module
 */

import { callSite } from "./call_site.ts";
import type { Context } from "./declare/context.ts";
import { declareHost, type HostOptions } from "./declare/host.ts";
import { declareImage, type ImageOptions } from "./declare/image.ts";
import { declareMachine, type MachineOptions } from "./declare/machine.ts";
import {
  declareExistingNetwork,
  declareNetwork,
  type ExistingNetworkOptions,
  type NetworkOptions,
} from "./declare/network.ts";
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
  pool(name: string, options: PoolOptions): Pool;
  /** A storage pool that is there already. Its name is the one on the host. */
  existingPool(name: string, options?: ExistingPoolOptions): Pool;
  /** An image, kept once on the host whatever uses it. */
  image(name: string, options: ImageOptions): Image;
  /** A volume of its own; a machine's disks can also be declared inside the machine. */
  volume(name: string, options: VolumeOptions): Volume;
  /** A volume that is there already. Its name is the one in its pool. */
  existingVolume(name: string, options: ExistingVolumeOptions): Volume;
  /** A network that the stack makes, or a bridge that the host has. */
  network(name: string, options: NetworkOptions): Network;
  /** A network that is there already. Its name is the one on the host. */
  existingNetwork(name: string, options?: ExistingNetworkOptions): Network;
  /** A virtual machine. */
  vm(name: string, options: MachineOptions): Machine;
  /** A nested scope: its declarations have names of their own. */
  scope(name: string): HostScope;
}

/** A scope that spans hosts: the same nested scope on any of them. */
export interface SpanningScope extends Repeats {
  /** The nested scope on a host. */
  on(host: HostScope): HostScope;
  /** A scope nested in this one. */
  scope(name: string): SpanningScope;
}

/** The whole stack. */
export interface StackScope extends Repeats {
  /** Name of the stack. */
  readonly name: string;
  /** Declares a host. */
  host(name: string, options: HostOptions): HostScope;
  /** A scope that spans hosts. */
  scope(name: string): SpanningScope;
}

/** The scope that a stack's function is given. */
export function stackScope(recorder: Recorder): StackScope {
  return Object.freeze({
    name: recorder.stack,
    host(name: string, options: HostOptions): HostScope {
      declareHost(recorder, name, options);
      return hostScope({ recorder, host: name, scopes: [] });
    },
    scope(name: string): SpanningScope {
      return spanningScope(recorder, [checkedScope(recorder, name)]);
    },
    times,
  });
}

function hostScope(base: Omit<Context, "at">): HostScope {
  const { recorder, host, scopes } = base;
  /** The context of a call: it knows where it was made. */
  const here = (entered: (...given: never[]) => unknown): Context => ({
    ...base,
    at: callSite(entered),
  });
  return Object.freeze({
    host,
    path: [host, ...scopes].join("/"),
    pool: function pool(name: string, options: PoolOptions) {
      return declarePool(here(pool), name, options, "managed");
    },
    existingPool: function existingPool(name: string, options: ExistingPoolOptions = {}) {
      return declarePool(here(existingPool), name, options, "existing");
    },
    image: function image(name: string, options: ImageOptions) {
      return declareImage(here(image), name, options);
    },
    volume: function volume(name: string, options: VolumeOptions) {
      return declareVolume(here(volume), name, options);
    },
    existingVolume: function existingVolume(name: string, options: ExistingVolumeOptions) {
      return declareExistingVolume(here(existingVolume), name, options);
    },
    network: function network(name: string, options: NetworkOptions) {
      return declareNetwork(here(network), name, options);
    },
    existingNetwork: function existingNetwork(name: string, options: ExistingNetworkOptions = {}) {
      return declareExistingNetwork(here(existingNetwork), name, options);
    },
    vm: function vm(name: string, options: MachineOptions) {
      return declareMachine(here(vm), name, options);
    },
    scope: (name: string) =>
      hostScope({ recorder, host, scopes: [...scopes, checkedScope(recorder, name)] }),
    times,
  });
}

function spanningScope(recorder: Recorder, scopes: readonly string[]): SpanningScope {
  return Object.freeze({
    on: (host: HostScope) => scopes.reduce((scope, name) => scope.scope(name), host),
    scope: (name: string) => spanningScope(recorder, [...scopes, checkedScope(recorder, name)]),
    times,
  });
}

function checkedScope(recorder: Recorder, name: string): string {
  recorder.checkName({ label: `scope ${String(name)}`, at: callSite() }, "scope", name);
  return name;
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
