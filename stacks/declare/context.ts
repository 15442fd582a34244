/**
 * What every declaration stands in: the recorder, the host, the scope; and what all share.
 *
 * @module
 */

import type { JsonObject, Tenure } from "../../providers/provider.ts";
import { callSite } from "../call_site.ts";
import { type Handle, isHandle } from "../handles.ts";
import type { Entry, Recorder } from "../recorder.ts";
import { checkKeys, complaint, show, type Subject } from "../refuse.ts";
import { type Inheritance, optionNames, type OwnOptions, resourceOptions } from "./options.ts";

/** Where a declaration stands. */
export interface Context {
  readonly recorder: Recorder;
  /** Name of the host in the stack. */
  readonly host: string;
  /** Nested scopes, without the host. */
  readonly scopes: readonly string[];
  /** `file:line:column` of the declaration. */
  readonly at: string | undefined;
  /** What host and scopes hand down. */
  readonly inherits: Inheritance;
  /** The declaration's last argument, as it was given. */
  readonly options?: unknown;
}

/** Names of the fields of {@linkcode CommonOptions}. */
export const commonFields: readonly string[] = ["name", "dependsOn"];

/** Refuses fields that are not known, and says where options stand. */
export function checkFields(subject: Subject, given: unknown, known: readonly string[]): void {
  const keys = typeof given === "object" && given !== null ? Object.keys(given) : [];
  const option = keys.find((key) => optionNames.includes(key) && !known.includes(key));
  if (option !== undefined) {
    throw complaint(subject, {
      code: "stack.unknown-field",
      path: [option],
      message: "is an option, not a field",
      help: `options stand in an argument of their own, behind the fields: { … }, { ${option}: … }`,
    });
  }
  checkKeys(subject, given, known);
}

/** The UUID that a declaration adopts, lower case. */
export function adoptedUuid(subject: Subject, adopt: unknown): string | undefined {
  if (adopt === undefined) return undefined;
  const uuid = typeof adopt === "string" ? adopt.toLowerCase() : "";
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) return uuid;
  throw complaint(subject, {
    code: "stack.invalid-value",
    path: ["adopt"],
    message: `must be the UUID of what is to be adopted, is ${show(adopt)}`,
    help: "virsh domuuid, net-uuid or pool-uuid shows it",
  });
}

/** `lab/front/machine.web-0`. */
export function addressOf(context: Context, kind: string, name: string): string {
  return `${[context.host, ...context.scopes].join("/")}/${kind}.${name}`;
}

/** `front-web-0`, unless the author names it, or it was renamed and has one already. */
export function nameOnHost(context: Context, kind: string, name: string, given?: unknown): string {
  if (typeof given === "string") return given;
  return formerName(context, kind, name) ?? [...context.scopes, name].join("-");
}

/** The name on the host that a renamed resource keeps. */
export function formerName(context: Context, kind: string, name: string): string | undefined {
  const recorder: Recorder = context.recorder;
  return recorder.identities[addressOf(context, kind, name)]?.name;
}

/** The options of a declaration, its scopes' included. */
export function ownOptions(
  context: Context,
  subject: Subject,
  kind: string,
  name: string,
  tenure: Tenure = "managed",
): OwnOptions {
  const place = { host: context.host, scopes: context.scopes, kind, name };
  return resourceOptions(subject, context.options, context.inherits, place, tenure);
}

/** The subject of messages about a declaration. */
export function subjectOf(context: Context, kind: string, name: unknown): Subject {
  const subject: Subject = {
    label: `${kind} ${[...context.scopes, String(name)].join("/")}`,
    at: context.at,
  };
  const recorder: Recorder = context.recorder;
  recorder.checkName(subject, kind, name);
  recorder.checkFree(addressOf(context, kind, name), subject.label, subject.at);
  return subject;
}

/** Takes a resource in under the context's address. */
export function record(
  context: Context,
  subject: Subject,
  init: {
    readonly kind: string;
    readonly name: string;
    readonly tenure: Tenure;
    readonly spec: JsonObject;
    readonly dependsOn?: unknown;
    /** What is on the host is to become this: by its UUID, or by its name alone. */
    readonly adopt?: string | true | undefined;
    /** Those of the declaration that the context stands for, unless given. */
    readonly options?: OwnOptions;
  },
): Entry {
  const address = addressOf(context, init.kind, init.name);
  const own = init.options ?? ownOptions(context, subject, init.kind, init.name, init.tenure);
  // An inline volume may have the address of one that is declared by itself.
  context.recorder.checkFree(address, `${init.kind} ${init.name}`, subject.at);
  return context.recorder.add({
    address,
    kind: init.kind,
    host: context.host,
    name: init.name,
    tenure: init.tenure,
    ...(init.adopt === undefined ? {} : { adopt: true }),
    ...(typeof init.adopt === "string" ? { uuid: init.adopt } : {}),
    spec: init.spec,
    dependsOn: [
      ...new Set([
        ...dependencies(context, subject, init.dependsOn),
        ...dependencies(context, subject, own.dependsOn),
      ]),
    ].filter((other) => other !== address),
    options: own.options,
    at: subject.at,
  });
}

function dependencies(context: Context, subject: Subject, given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["dependsOn"],
      message: `must be a list of handles, is ${show(given)}`,
    });
  }
  return given.map((one: unknown, index) => {
    if (isHandle(one) && context.recorder.entries.has(one.resource)) return one.resource;
    throw notAHandle(subject, ["dependsOn", index], "a resource", one);
  });
}

/**
 * Checks that a value is a handle of the wanted kind on this host.
 *
 * @throws {StaddleError} that says what was given instead.
 */
export function reference<T extends Handle>(
  context: Context,
  subject: Subject,
  path: readonly PropertyKey[],
  kind: T["kind"],
  value: unknown,
): T {
  if (!isHandle(value) || value.kind !== kind) {
    throw notAHandle(subject, path, article(kind), value);
  }
  if (value.host !== context.host) {
    throw complaint(subject, {
      code: "stack.other-host",
      path,
      message: `${kind} ${value.resource} is on host ${value.host}, this is on ${context.host}`,
      help: `declare ${article(kind)} on host ${context.host} and use that`,
    });
  }
  if (!context.recorder.entries.has(value.resource)) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path,
      message: `${kind} ${value.resource} belongs to another evaluation of the stack`,
      help: "declare resources inside the stack's function, keep no handle outside of it",
    });
  }
  return value as T;
}

function notAHandle(
  subject: Subject,
  path: readonly PropertyKey[],
  wanted: string,
  value: unknown,
): Error {
  const given = isHandle(value) ? `the ${value.kind} ${value.resource}` : show(value);
  return complaint(subject, {
    code: "stack.invalid-value",
    path,
    message: `must be ${wanted} that this stack declared, is ${given}`,
    help: "pass what the declaration returned, not its name",
  });
}

function article(kind: string): string {
  return `${kind === "image" ? "an" : "a"} ${kind}`;
}

/** An error for a value that a stack leaves to the host. */
export function unknown(handle: string, what: string, help: string): Error {
  return complaint({ label: handle, at: callSite() }, {
    code: "stack.unknown-value",
    message: `${what} is not known when planned`,
    help,
  });
}
