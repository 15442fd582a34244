/**
 * Scopes: what a stack's function, and the modules that it calls, declare things on.
 *
 * @module
 */

import { callSite } from "./call_site.ts";
import type { Context } from "./declare/context.ts";
import { declareHost } from "./declare/host.ts";
import { declareImage } from "./declare/image.ts";
import { declareMachine } from "./declare/machine.ts";
import { declareExistingNetwork, declareNetwork } from "./declare/network.ts";
import { nothingInherited, scopeOptions } from "./declare/options.ts";
import { declarePool } from "./declare/pool.ts";
import { declareExistingVolume, declareVolume } from "./declare/volume.ts";
import type { Recorder } from "./recorder.ts";
import { readReference } from "./reference.ts";
import { complaint, show, type Subject } from "./refuse.ts";
import type { HostOptions } from "./types/host.ts";
import type { ImageOptions } from "./types/image.ts";
import type { MachineOptions } from "./types/machine.ts";
import type { ExistingNetworkOptions, NetworkOptions } from "./types/network.ts";
import type { InheritedOptions, ResourceOptions, ScopeOptions } from "./types/options.ts";
import type { ExistingPoolOptions, PoolOptions } from "./types/pool.ts";
import type { ReferenceShape } from "./types/reference.ts";
import type { HostScope, SpanningScope, StackScope } from "./types/scope.ts";
import type { ExistingVolumeOptions, VolumeOptions } from "./types/volume.ts";

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
    reference<const Shape extends ReferenceShape>(stack: string, outputs: Shape) {
      return readReference(recorder, stack, outputs);
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
