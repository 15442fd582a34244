/**
 * Trying a draft: what keeps a machine's declaration from being exactly what the host has.
 *
 * @module
 */

import { makePlan, parsePath, validateTopology } from "../../planner/mod.ts";
import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import type { JsonObject, Observed } from "../../providers/provider.ts";
import { buildTopology } from "../../stacks/build.ts";
import { type Draft, draftedStack, type DraftValue } from "../../stacks/write/mod.ts";

/** One thing that is wrong. */
export interface Fault {
  /** Parts of the path in the options: names of fields, places or names of entries. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A declaration's options, to be cut down. */
export type Options = Record<string, DraftValue>;

/**
 * What is wrong with the resource at an address, and through it with others; empty: planning the draft
 * imports, and no more.
 */
export function faultsOf(
  draft: Draft,
  observed: readonly Observed[],
  address: string,
  facts?: JsonObject,
): Fault[] {
  try {
    const { topology, errors } = validateTopology(buildTopology(draftedStack(draft)), kinds);
    if (errors.length > 0) return errors.map(faultOf);
    const made = makePlan({
      topology,
      kinds,
      observed: { [draft.host.name]: observed },
      facts: facts === undefined ? {} : { [draft.host.name]: facts },
      mode: "apply",
    });
    if (made.errors.length > 0) return made.errors.map(faultOf);
    return made.plan.resources.flatMap((planned) =>
      planned.changes.map((change) => ({
        // Of another resource nothing can be taken away here.
        path: planned.address === address ? partsOfChange(change.path) : [],
        message: `${
          planned.address === address ? "" : `${planned.address} `
        }${change.path} would change`,
      }))
    );
  } catch (error) {
    if (error instanceof StaddleErrors) return error.errors.map(faultOf);
    if (error instanceof StaddleError) return [faultOf(error), ...further(error)];
    throw error;
  }
}

function partsOfChange(path: string): string[] {
  return parsePath(path).map((part) => part.kind === "key" ? part.key : part.entry);
}

/** `machine web: disks[0].size: must be …`: the path stands second; a plan's errors quote it. */
function faultOf(error: StaddleError): Fault {
  const { message } = error;
  const said = /^\w+ \S+: ([A-Za-z][\w.[\]]*): /.exec(message)?.[1] ??
    /"([A-Za-z][\w-]*(?:[.[][^"]*)?)"/.exec(message)?.[1];
  return { path: said === undefined ? [] : partsOf(said), message };
}

function further(error: StaddleError): Fault[] {
  return error.details.flatMap((detail) => {
    const path = /^also: ([A-Za-z][\w.[\]]*): /.exec(detail)?.[1];
    return path === undefined ? [] : [{ path: partsOf(path), message: detail }];
  });
}

function partsOf(path: string): (string | number)[] {
  return parsePath(path).map((part) =>
    part.kind === "key" ? part.key : /^\d+$/.test(part.entry) ? Number(part.entry) : part.entry
  );
}

/** Fields without which what holds them is nothing: with one of them goes the whole. */
const ESSENTIAL = new Set(["name", "path", "adopt", "mac"]);

/**
 * The options without what stands at a path, and the path that went; undefined: nothing stands there that
 * could go.
 */
export function without(
  options: Options,
  path: readonly (string | number)[],
): { readonly options: Options; readonly gone: string } | undefined {
  const taken = take(options, path, "");
  return taken === undefined || taken.value === undefined
    ? undefined
    : { options: taken.value as Options, gone: taken.gone };
}

interface Taken {
  /** Undefined: the whole goes. */
  readonly value: DraftValue | undefined;
  readonly gone: string;
}

function take(
  value: DraftValue,
  [part, ...rest]: readonly (string | number)[],
  text: string,
): Taken | undefined {
  if (part === undefined) return text === "" ? undefined : { value: undefined, gone: text };
  if (Array.isArray(value)) {
    const index = placeOf(value, part);
    if (index < 0) return { value: undefined, gone: text };
    const taken = take(value[index]!, rest, `${text}[${nameOf(value[index]!, index)}]`);
    if (taken === undefined) return undefined;
    const list = taken.value === undefined
      ? value.filter((_, at) => at !== index)
      : value.with(index, taken.value);
    return { value: list.length === 0 ? undefined : list, gone: taken.gone };
  }
  const whole = text === "" ? undefined : { value: undefined, gone: text };
  if (typeof value !== "object" || value === null) return whole;
  const object = value as Options;
  const name = String(part);
  if (ESSENTIAL.has(name) || object[name] === undefined) return whole;
  const taken = take(object[name], rest, text === "" ? name : `${text}.${name}`);
  if (taken === undefined) return undefined;
  const { [name]: _, ...others } = object;
  const left = taken.value === undefined ? others : { ...object, [name]: taken.value };
  return Object.keys(left).length === 0
    ? { value: undefined, gone: text }
    : { ...taken, value: left };
}

function placeOf(list: readonly DraftValue[], part: string | number): number {
  if (typeof part === "number") return part < list.length ? part : -1;
  const found = list.findIndex((item) =>
    item === part ||
    (typeof item === "object" && item !== null && Object.values(item).includes(part))
  );
  return found >= 0 || !/^\d+$/.test(part) ? found : Number(part) < list.length ? Number(part) : -1;
}

/** What tells an entry from its likes: its name, else what its list has first, a number or an address. */
function nameOf(item: DraftValue, index: number): string {
  const entry = (typeof item === "object" && item !== null ? item : {}) as Options;
  const [first] = Object.values(entry);
  const key = ["string", "number"].includes(typeof first) ? first : undefined;
  return String(entry.name ?? entry.path ?? key ?? index);
}
