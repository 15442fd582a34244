/**
 * Every libvirt call that this binding makes, by the C function's name: its parameters, its result,
 * and whether it may take long. Data and functions that run on a Worker; nothing here holds a
 * connection, and nothing here may be called on the main thread.
 *
 * @module
 */

import type { Signature } from "../native.ts";
import { connectionCalls, connectionNatives } from "./connection.ts";
import { domainCalls, domainNatives } from "./domain.ts";
import { networkCalls, networkNatives } from "./network.ts";
import { objectNatives } from "./objects.ts";
import type { Call } from "./shape.ts";
import { storageCalls, storageNatives } from "./storage.ts";
import { streamCalls, streamNatives } from "./stream.ts";
import { tuningCalls, tuningNatives } from "./tuning.ts";
import { typedNatives } from "./typed_params.ts";

/** Every call by name. */
export const CALLS = {
  ...connectionCalls,
  ...domainCalls,
  ...tuningCalls,
  ...networkCalls,
  ...storageCalls,
  ...streamCalls,
};

/** The name of a call. */
export type CallName = keyof typeof CALLS;

/** What a call takes. */
export type CallArguments<K extends CallName> = typeof CALLS[K] extends Call<infer A, unknown> ? A
  : never;

/** What a call gives. */
export type CallResult<K extends CallName> = typeof CALLS[K] extends Call<never, infer R> ? R
  : typeof CALLS[K] extends { run: (...args: never[]) => infer R } ? R
  : never;

/** The C signature of every function used, plain calls included. */
export const SIGNATURES: Readonly<Record<string, Signature>> = {
  ...objectNatives,
  ...typedNatives,
  ...connectionNatives,
  ...domainNatives,
  ...tuningNatives,
  ...networkNatives,
  ...storageNatives,
  ...streamNatives,
  ...Object.fromEntries(
    Object.entries(CALLS).flatMap(([name, call]) =>
      "signature" in call && call.signature !== undefined ? [[name, call.signature]] : []
    ),
  ),
};
