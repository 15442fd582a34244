/**
 * Scopes as a stack's function, and the modules that it calls, are given them.
 *
 * @module
 */

import type { Image, Machine, Network, Pool, Volume } from "../handles.ts";
import type { HostOptions } from "./host.ts";
import type { ImageOptions } from "./image.ts";
import type { MachineOptions } from "./machine.ts";
import type { ExistingNetworkOptions, NetworkOptions } from "./network.ts";
import type { InheritedOptions, ResourceOptions, ScopeOptions } from "./options.ts";
import type { ExistingPoolOptions, PoolOptions } from "./pool.ts";
import type { Referenced, ReferenceShape } from "./reference.ts";
import type { ExistingVolumeOptions, VolumeOptions } from "./volume.ts";

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
  /**
   * Outputs of another stack, as it was last applied. It has to be recorded in the same store.
   *
   * @example
   * ```ts ignore
   * const { subnet } = s.reference("net", { subnet: z.string() });
   * ```
   */
  reference<const Shape extends ReferenceShape>(stack: string, outputs: Shape): Referenced<Shape>;
}
