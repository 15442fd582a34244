/**
 * Reads options, and hands them down from scopes to what is in them.
 *
 * @module
 */

import { matchesPattern } from "../../planner/pattern.ts";
import type { DeclaredOptions, Hook, HookMoment } from "../../providers/provider.ts";
import { checkKeys, complaint, show, type Subject } from "../refuse.ts";

const inherited = ["dependsOn", "protect", "retainOnDelete", "timeouts", "hooks"] as const;
const own = [...inherited, "ignoreChanges", "replaceOnChanges", "aliases"] as const;

/** Names of the options of a resource. */
export const optionNames: readonly string[] = own;

const moments = [
  "beforeCreate",
  "afterCreate",
  "beforeUpdate",
  "afterUpdate",
  "beforeDelete",
  "afterDelete",
] as const satisfies readonly HookMoment[];

/** Seconds that a hook may take unless it says otherwise. */
const HOOK_TIMEOUT = 60;
/** A week: timers of JavaScript end at 24 days. */
const MOST_SECONDS = 7 * 24 * 3600;

/** What a scope hands down. */
export interface Inheritance {
  readonly dependsOn: readonly unknown[];
  readonly options: DeclaredOptions;
  /** Former paths of the nested scopes, without the host. */
  readonly formerScopes: readonly (readonly string[])[];
}

/** What a host without options hands down. */
export const nothingInherited: Inheritance = { dependsOn: [], options: {}, formerScopes: [] };

/** Options as they were given, checked. */
interface Given {
  readonly dependsOn: readonly unknown[];
  /** True, false or left out: only what is left out is inherited. */
  readonly protect: boolean | undefined;
  readonly retainOnDelete: boolean | undefined;
  readonly options: Omit<DeclaredOptions, "protect" | "retainOnDelete">;
}

/** Reads the options of a scope or a host. */
export function scopeOptions(
  subject: Subject,
  given: unknown,
  above: Inheritance,
  scopes: { readonly path: readonly string[]; readonly name?: string },
): Inheritance {
  if (given === undefined && scopes.name === undefined) return above;
  const names = scopes.name === undefined ? inherited : [...inherited, "aliases"];
  const read = readOptions(subject, given, names);
  const former = [scopes.path, ...above.formerScopes];
  const called = scopes.name === undefined
    ? []
    : [scopes.name, ...namesGiven(subject, read.options.aliases)];
  const { aliases: _, ...options } = read.options;
  return {
    dependsOn: [...above.dependsOn, ...read.dependsOn],
    options: merged(above.options, { ...read, options }),
    formerScopes: called.flatMap((name) => former.map((path) => [...path, name])).slice(1),
  };
}

function namesGiven(subject: Subject, aliases: readonly string[] | undefined): readonly string[] {
  for (const [index, alias] of (aliases ?? []).entries()) {
    if (!alias.includes("/")) continue;
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["aliases", index],
      message: `must be a former name of the scope, is ${show(alias)}`,
      help: "a scope stays where it is nested; name the former addresses at its resources instead",
    });
  }
  return aliases ?? [];
}

/** A resource's options, with what its scopes hand down. */
export interface OwnOptions {
  readonly dependsOn: readonly unknown[];
  /** Undefined when there are none. */
  readonly options: DeclaredOptions | undefined;
}

/** Where a resource stands, for its aliases. */
export interface Place {
  readonly host: string;
  readonly scopes: readonly string[];
  readonly kind: string;
  readonly name: string;
}

/**
 * Reads the options of a resource.
 *
 * @param tenure What is only referred to is dealt with in no way.
 */
export function resourceOptions(
  subject: Subject,
  given: unknown,
  above: Inheritance,
  place: Place,
  tenure: "managed" | "existing" | "shared" = "managed",
): OwnOptions {
  const read = readOptions(subject, given, own);
  if (tenure === "existing") {
    return { dependsOn: [...above.dependsOn, ...read.dependsOn], options: undefined };
  }
  const aliases = addresses(subject, read.options.aliases ?? [], above, place);
  const { aliases: _, ...rest } = read.options;
  const all = merged(above.options, {
    ...read,
    options: { ...rest, ...(aliases.length === 0 ? {} : { aliases }) },
  });
  return {
    dependsOn: [...above.dependsOn, ...read.dependsOn],
    options: Object.keys(all).length === 0 ? undefined : all,
  };
}

/** The former addresses of a resource: its names in all paths that its scopes had. */
function addresses(
  subject: Subject,
  aliases: readonly string[],
  { formerScopes }: Inheritance,
  { host, scopes, kind, name }: Place,
): readonly string[] {
  const tail = new RegExp(`/${kind}\\.[^/]+$`);
  const whole: string[] = [];
  const names = [name];
  for (const [index, alias] of aliases.entries()) {
    if (!alias.includes("/")) names.push(alias);
    else if (alias.startsWith(`${host}/`) && tail.test(alias)) whole.push(alias);
    else {
      throw complaint(subject, {
        code: "stack.invalid-value",
        path: ["aliases", index],
        message: `must be a former name or address of this ${kind} on host ${host}, is ${
          show(alias)
        }`,
        help: `for example "old-name", or "${host}/old-scope/${kind}.old-name"; nothing moves to ` +
          "another host or becomes another kind by being renamed",
      });
    }
  }
  const now = [host, ...scopes, `${kind}.${name}`].join("/");
  const derived = [scopes, ...formerScopes].flatMap((path) =>
    names.map((one) => [host, ...path, `${kind}.${one}`].join("/"))
  );
  return [...new Set([...derived, ...whole])].filter((address) => address !== now);
}

/** Fields of an inline disk that its volume has, and their names there. */
const volumeFields: Readonly<Record<string, string>> = {
  size: "capacity",
  clone: "image",
  mode: "clone",
  format: "format",
};

/** A machine's options, and those patterns that mean the volume of one of its disks. */
export interface MachinePatterns {
  readonly options: DeclaredOptions | undefined;
  forDisk(name: string): Pick<DeclaredOptions, "ignoreChanges" | "replaceOnChanges">;
}

/**
 * Hands a machine's patterns to what they mean: `disks[*].size` is the volume's, and `cloudInit` the
 * medium that the machine has in its drive.
 */
export function machinePatterns(options: DeclaredOptions | undefined): MachinePatterns {
  const lists = ["ignoreChanges", "replaceOnChanges"] as const;
  if (!lists.some((list) => options?.[list] !== undefined)) {
    return { options, forDisk: () => ({}) };
  }
  const ofVolume = (pattern: string) =>
    /^disks\[([^\]]*)\]\.(size|clone|mode|format)$/.exec(pattern);
  const own = lists.map((list) => {
    const patterns = options?.[list]?.filter((pattern) => ofVolume(pattern) === null)
      .map((pattern) => (/^cloudInit(\.|\[|$)/.test(pattern) ? "seed" : pattern));
    return patterns === undefined || patterns.length === 0 ? {} : { [list]: patterns };
  });
  const { ignoreChanges: _, replaceOnChanges: __, ...others } = options!;
  const left: DeclaredOptions = { ...others, ...own[0], ...own[1] };
  return {
    options: Object.keys(left).length === 0 ? undefined : left,
    forDisk: (name) =>
      Object.assign(
        {},
        ...lists.map((list) => {
          const fields = (options![list] ?? []).map(ofVolume)
            .filter((match) => match !== null && matchesPattern(match[1]!, name))
            .map((match) => volumeFields[match![2]!]!);
          return fields.length === 0 ? {} : { [list]: fields };
        }),
      ),
  };
}

/** What belongs to a resource, a machine's disks and seed, is dealt with like it. */
export function partOptions(
  options: DeclaredOptions | undefined,
  part: { readonly kind: string; readonly owner: string; readonly suffix: string },
  keep: readonly ("protect" | "retainOnDelete" | "timeouts")[],
  more: DeclaredOptions = {},
): DeclaredOptions | undefined {
  const { aliases } = options ?? {};
  const mine: DeclaredOptions = {
    ...more,
    ...Object.fromEntries(
      keep.flatMap((name) => (options?.[name] === undefined ? [] : [[name, options[name]]])),
    ),
    ...(aliases === undefined ? {} : {
      aliases: aliases.map((address) => {
        const cut = address.lastIndexOf(`/${part.owner}.`);
        const name = address.slice(cut + part.owner.length + 2);
        return `${address.slice(0, cut)}/${part.kind}.${name}${part.suffix}`;
      }),
    }),
  };
  return Object.keys(mine).length === 0 ? undefined : mine;
}

function merged(above: DeclaredOptions, given: Given): DeclaredOptions {
  const flag = (name: "protect" | "retainOnDelete") =>
    given[name] === undefined ? above[name] : given[name] || undefined;
  const timeouts = { ...above.timeouts, ...given.options.timeouts };
  const hooks = { ...above.hooks, ...given.options.hooks };
  const protect = flag("protect");
  const retainOnDelete = flag("retainOnDelete");
  return {
    ...given.options,
    ...(protect === undefined ? {} : { protect }),
    ...(retainOnDelete === undefined ? {} : { retainOnDelete }),
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
    ...(Object.keys(hooks).length === 0 ? {} : { hooks }),
  };
}

function readOptions(subject: Subject, given: unknown, names: readonly string[]): Given {
  if (given === undefined) {
    return { dependsOn: [], protect: undefined, retainOnDelete: undefined, options: {} };
  }
  const where: Subject = { ...subject, label: `${subject.label}: options` };
  checkKeys(where, given, names);
  const options = given as { readonly [name: string]: unknown };
  const text = (name: "ignoreChanges" | "replaceOnChanges" | "aliases") =>
    options[name] === undefined ? {} : { [name]: texts(where, name, options[name]) };
  const timeouts = readTimeouts(where, options.timeouts);
  const hooks = readHooks(where, options.hooks);
  return {
    dependsOn: list(where, "dependsOn", options.dependsOn),
    protect: flagOf(where, "protect", options.protect),
    retainOnDelete: flagOf(where, "retainOnDelete", options.retainOnDelete),
    options: {
      ...text("ignoreChanges"),
      ...text("replaceOnChanges"),
      ...text("aliases"),
      ...(timeouts === undefined ? {} : { timeouts }),
      ...(hooks === undefined ? {} : { hooks }),
    },
  };
}

function flagOf(subject: Subject, name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw complaint(subject, {
    code: "stack.invalid-value",
    path: [name],
    message: `must be true or false, is ${show(value)}`,
  });
}

function list(subject: Subject, name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw complaint(subject, {
    code: "stack.invalid-value",
    path: [name],
    message: `must be a list, is ${show(value)}`,
  });
}

function texts(subject: Subject, name: string, value: unknown): readonly string[] {
  return list(subject, name, value).map((one, index) => {
    if (typeof one === "string" && one !== "") return one;
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: [name, index],
      message: `must be a text, is ${show(one)}`,
    });
  });
}

const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Seconds of a time. */
function duration(subject: Subject, path: readonly PropertyKey[], value: unknown): number {
  const refuse = (message: string) =>
    complaint(subject, {
      code: "stack.invalid-value",
      path,
      message,
      help: 'give seconds, or a number and a unit (ms, s, m, h): 90, "30s", "5m", "1h"',
    });
  let seconds: number | undefined;
  if (typeof value === "number") seconds = value;
  else if (typeof value === "string") {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value);
    const unit = match === null ? undefined : units[match[2]!];
    if (match !== null && match[2] === "") throw refuse(`has no unit: ${show(value)}`);
    if (match !== null && unit === undefined) throw refuse(`has no such unit: ${show(value)}`);
    if (match !== null) seconds = Number(match[1]) * unit!;
  }
  if (seconds === undefined || !Number.isFinite(seconds)) {
    throw refuse(`must be a time, is ${show(value)}`);
  }
  if (seconds <= 0 || seconds > MOST_SECONDS) {
    throw refuse(`must be more than nothing and at most a week, is ${show(value)}`);
  }
  return seconds;
}

function readTimeouts(subject: Subject, given: unknown): DeclaredOptions["timeouts"] {
  if (given === undefined) return undefined;
  checkKeys(subject, given, ["create", "update", "delete"], ["timeouts"]);
  return Object.fromEntries(
    Object.entries(given as object).filter(([, value]) => value !== undefined)
      .map(([step, value]) => [step, duration(subject, ["timeouts", step], value)]),
  );
}

function readHooks(subject: Subject, given: unknown): DeclaredOptions["hooks"] {
  if (given === undefined) return undefined;
  checkKeys(subject, given, moments, ["hooks"]);
  return Object.fromEntries(
    Object.entries(given as object).filter(([, value]) => value !== undefined)
      .map(([moment, value]) => [moment, readHook(subject, ["hooks", moment], value)]),
  );
}

function readHook(subject: Subject, path: readonly PropertyKey[], given: unknown): Hook {
  if (typeof given === "string" || Array.isArray(given)) {
    return { command: command(subject, path, given), timeout: HOOK_TIMEOUT };
  }
  checkKeys(subject, given, ["run", "timeout"], path);
  const { run, timeout } = given as { readonly run?: unknown; readonly timeout?: unknown };
  return {
    command: command(subject, [...path, "run"], run),
    timeout: timeout === undefined
      ? HOOK_TIMEOUT
      : duration(subject, [...path, "timeout"], timeout),
  };
}

function command(
  subject: Subject,
  path: readonly PropertyKey[],
  given: unknown,
): readonly string[] {
  if (typeof given === "string" && given.trim() !== "") return ["/bin/sh", "-c", given];
  const whole = Array.isArray(given) && given.length > 0 && given[0] !== "" &&
    given.every((part) => typeof part === "string" && !part.includes("\0"));
  if (whole) return given as string[];
  throw complaint(subject, {
    code: "stack.invalid-value",
    path,
    message: `must be a line for the shell, or a program and its arguments, is ${show(given)}`,
    help: 'for example "./register.sh", or ["./register.sh", "--fast"]',
  });
}
