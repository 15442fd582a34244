/**
 * Outputs: what a stack's function returns, as JSON.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import type { Json, JsonObject } from "../providers/provider.ts";
import type { Output } from "../planner/topology.ts";
import { type Handle, isHandle, type Machine } from "./handles.ts";
import { formatPath, show } from "./refuse.ts";
import { Secrets } from "./secrets.ts";

/** A value that is kept out of what people see. */
export interface Sensitive {
  /** The value itself. */
  readonly sensitive: unknown;
}

const marked = new WeakSet<object>();

/**
 * Marks an output as sensitive: plans, logs and `staddle outputs` do not show it unless asked by
 * name. It is no secret store: the record holds the value.
 *
 * @example
 * ```ts ignore
 * return { address: vm.address, token: sensitive(token) };
 * ```
 */
export function sensitive(value: unknown): Sensitive {
  const wrapper = Object.freeze({ sensitive: value });
  marked.add(wrapper);
  return wrapper;
}

function isSensitive(value: unknown): value is Sensitive {
  return typeof value === "object" && value !== null && marked.has(value);
}

/** Turns what a stack's function returned into outputs. */
export function normaliseOutputs(
  returned: unknown,
  at: string | undefined,
  secrets: Secrets = new Secrets(),
): Readonly<Record<string, Output>> {
  if (returned === undefined) return {};
  if (typeof returned !== "object" || returned === null || !isPlain(returned)) {
    throw new StaddleError({
      code: "stack.invalid-output",
      summary: `a stack's function returns its outputs by name, this one returned ${
        show(returned)
      }`,
      where: at === undefined ? [] : [at],
      help: "for example return { addresses: web.map((vm) => vm.address) }; or return nothing",
    });
  }
  const outputs: Record<string, Output> = {};
  for (const [name, value] of Object.entries(returned)) {
    const state = { sensitive: false, above: new Set<object>(), secrets };
    const json = toJson(value, ["outputs", name], state, at);
    outputs[name] = { value: json, sensitive: state.sensitive };
  }
  return outputs;
}

interface State {
  sensitive: boolean;
  /** What other stacks give out as sensitive stays so. */
  readonly secrets: Secrets;
  /** Objects that the value stands in: one that is met again is a cycle. */
  readonly above: Set<object>;
}

function isPlain(value: object): boolean {
  if (isHandle(value) || isSensitive(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function toJson(
  value: unknown,
  path: readonly PropertyKey[],
  state: State,
  at: string | undefined,
): Json {
  if (state.secrets.has(value)) state.sensitive = true;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (isSensitive(value)) {
    state.sensitive = true;
    return toJson(value.sensitive, path, state, at);
  }
  if (isHandle(value)) return summary(value);
  if (typeof value !== "object" || !(Array.isArray(value) || isPlain(value))) {
    throw invalid(path, value, at);
  }
  if (state.above.has(value)) {
    throw invalid(path, value, at, "it stands inside itself");
  }
  state.above.add(value);
  const json = Array.isArray(value)
    ? Array.from(value, (one, index) => toJson(one, [...path, index], state, at))
    : Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, toJson(one, [...path, key], state, at)]),
    );
  state.above.delete(value);
  return json;
}

function invalid(
  path: readonly PropertyKey[],
  value: unknown,
  at: string | undefined,
  why = `it is ${value === undefined ? "undefined" : describe(value)}`,
): StaddleError {
  return new StaddleError({
    code: "stack.invalid-output",
    summary: `${formatPath(path)} cannot be an output: ${why}`,
    where: at === undefined ? [] : [at],
    help: value === undefined
      ? "a name in it may be misspelt; leave it out, or give null"
      : "outputs are text, numbers, booleans, null, lists, plain objects, and handles",
  });
}

function describe(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    return `a ${value.constructor?.name ?? "special object"}`;
  }
  return typeof value === "number" ? String(value) : `a ${typeof value}`;
}

/** What a handle shows of itself as an output. */
function summary(handle: Handle): JsonObject {
  if (handle.kind !== "machine") return { name: handle.name, resource: handle.resource };
  const { name, resource, uuid, nics } = handle as Machine;
  const addresses: Record<string, string> = {};
  for (const nic of nics) {
    try {
      addresses[nic.name] = nic.ip;
    } catch (error) {
      // A NIC whose address nobody knows is left out.
      if (!(error instanceof StaddleError)) throw error;
    }
  }
  return { name, resource, uuid, addresses };
}
