/**
 * What options make of a plan: fields that are left alone, changes that become replacements, what
 * must not go and what stays, hooks that will run.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import type {
  DeclaredOptions,
  FieldChange,
  Hook,
  HookMoment,
  JsonObject,
  Kind,
  Operation,
  Resource,
  Step,
} from "../../providers/provider.ts";
import type { Decision } from "./decision.ts";
import { nearest } from "../nearest.ts";
import { concerns, fieldPath, isCovered, textsAt, without } from "../field_patterns.ts";
import { placesOfResource, problem } from "../problem.ts";

/** Exit status for a plan that a rule of the stack's own refuses. */
const REFUSED = 3;

/**
 * A resource whose object is there, as the stack owns it: what is not to be changed counts as not
 * declared, so that it is neither compared nor written.
 *
 * @param view What the object has. An entry of a list that it does not have yet is declared whole.
 */
export function owned(resource: Resource, view?: () => JsonObject): Resource {
  const patterns = resource.options?.ignoreChanges;
  if (patterns === undefined) return resource;
  const has = patterns.some((pattern) => pattern.includes("].")) ? view?.() : undefined;
  return { ...resource, spec: without(resource.spec, patterns, has) };
}

/** A declaration from before, without what is not to be changed now. */
export function ownedBefore(
  spec: JsonObject | undefined,
  options: DeclaredOptions | undefined,
): JsonObject | undefined {
  return spec === undefined ? undefined : without(spec, options?.ignoreChanges);
}

/** Changes as the options have them: without what is ignored, replacing where that is wanted. */
export function byOptions(
  changes: readonly FieldChange[],
  { options, sensitive }: Resource,
): FieldChange[] {
  const { ignoreChanges = [], replaceOnChanges = [] } = options ?? {};
  return changes
    .filter((change) => ignoreChanges.length === 0 || !isCovered(change.path, ignoreChanges))
    .map((change): FieldChange =>
      replaceOnChanges.length > 0 && concerns(change, replaceOnChanges)
        ? { ...change, disruption: "replace" }
        : change
    )
    .map((change): FieldChange =>
      sensitive !== undefined && touches(change.path, sensitive)
        ? { ...change, format: "sensitive" }
        : change
    );
}

/** Whether a path holds, or is part of, what stands at one of others. */
export function touches(path: string, others: readonly string[]): boolean {
  return others.some((other) => isCovered(path, [other]) || isCovered(other, [path]));
}

/** What is wrong with a resource's options: fields that its kind does not have, or cannot do without. */
export function optionErrors(resource: Resource, kind: Kind): StaddleError[] {
  const { ignoreChanges = [], replaceOnChanges = [] } = resource.options ?? {};
  if (ignoreChanges.length + replaceOnChanges.length === 0) return [];
  const fields = kind.fields.map(({ path }) => path);
  const known = new Set(fields.flatMap(withPrefixes));
  const isField = (path: string) =>
    known.has(path) ||
    fields.some((field) => path.startsWith(`${field}.`) || path.startsWith(`${field}[`));
  const errors = (["ignoreChanges", "replaceOnChanges"] as const).flatMap((option) =>
    (resource.options?.[option] ?? []).filter((pattern) => !isField(fieldPath(pattern)))
      .map((pattern) => unknownField(resource, option, pattern, known))
  );
  if (errors.length > 0) return errors;
  return ignoreChanges.filter((pattern) => isIdentity(pattern, resource)).map((pattern) =>
    problem(resource, {
      code: "options.not-ignorable",
      path: "ignoreChanges",
      message: `changes of "${pattern}" cannot be ignored: the ${resource.kind} is known by it`,
      help: `leave it as it is in the stack, or ignore what stands beside it`,
    })
  );
}

/** Whether a pattern means what an object, or an entry of a list, is found by. */
function isIdentity(pattern: string, { tenure }: Resource): boolean {
  const path = fieldPath(pattern);
  // What is shared is found by what it holds.
  return tenure === "shared" || path === "name" || path === "pool" || path.endsWith("[].name");
}

function unknownField(
  resource: Resource,
  option: string,
  pattern: string,
  known: ReadonlySet<string>,
): StaddleError {
  const names = [...known].map((path) => path.replaceAll("[]", "[*]"));
  const guess = nearest(fieldPath(pattern).replaceAll("[]", "[*]"), names) ??
    names.find((name) => fieldPath(name).replaceAll("[]", "") === pattern);
  return problem(resource, {
    code: "options.unknown-field",
    path: option,
    message: `${resource.kind} has no field "${pattern}"`,
    help: guess === undefined
      ? 'write paths as a plan shows them, for example "memory" or "disks[*].cache"'
      : `did you mean "${guess}"?`,
  });
}

/** `a`, `a[]` and `a[].b` for `a[].b`. */
function withPrefixes(path: string): string[] {
  const prefixes: string[] = [];
  for (const match of path.matchAll(/\[\]|[^.[\]]+/g)) {
    prefixes.push(path.slice(0, match.index + match[0].length));
  }
  return prefixes;
}

/** Options that count for what becomes of an object: the declaration's, else the record's. */
export function optionsOf({ declared, resource, record }: Decision): DeclaredOptions {
  return (declared ? resource : record?.resource ?? resource).options ?? {};
}

/** Errors of decisions that options refuse. */
export function* refusals(decisions: Iterable<Decision>): Generator<StaddleError> {
  const all = [...decisions];
  const byAddress = new Map(all.map((decision) => [decision.address, decision]));
  for (const decision of all) {
    const { action } = decision;
    const { protect, retainOnDelete } = optionsOf(decision);
    const goes = action === "delete" || (action === "forget" && decision.retained === true);
    if (protect && (goes || action === "replace")) {
      yield protectedError(decision);
    } else if (retainOnDelete && action === "replace" && decision.old?.afterCreate === false) {
      yield problem(decision.resource, {
        code: "options.retained-in-the-way",
        path: "retainOnDelete",
        message: decision.old.key === decision.key
          ? `it must be made anew under the name "${decision.old.key}", which the one that ` +
            "retainOnDelete keeps has"
          : "the new one cannot stand beside the one that retainOnDelete keeps",
        details: replacingFields(decision),
        help: decision.old.key === decision.key
          ? 'give the new one another "name", or take "retainOnDelete" away'
          : 'take "retainOnDelete" away, or declare it under another address',
      });
    }
    if (decision.action === "forget" && decision.retained === true) {
      yield* takenFromUnder(decision, byAddress);
    }
  }
  yield* takenFromIgnored(all);
}

/** What stays as the host has it must not lose what it has. */
function* takenFromIgnored(all: readonly Decision[]): Generator<StaddleError> {
  const going = all.filter(({ action, old }) => action === "delete" || old !== undefined);
  if (going.length === 0) return;
  for (const user of all) {
    const { ignoreChanges } = user.resource.options ?? {};
    const stays = user.declared && (user.action === "no-op" || user.action === "update");
    if (ignoreChanges === undefined || !stays || user.observed === undefined) continue;
    const has = textsAt(user.kind.view(user.observed), ignoreChanges);
    for (const used of going) {
      const key = used.old?.key ?? used.key;
      if (used.host !== user.host || used === user || !has.has(key)) continue;
      yield problem(user.resource, {
        code: "options.ignored-in-use",
        path: "ignoreChanges",
        message: `it keeps what it has, and that is ${used.kind.kind} "${key}", which ` +
          `${used.address} of this plan would take away`,
        others: [used.resource],
        help: `let ${used.address} stay as it is, or take "ignoreChanges" away`,
      });
    }
  }
}

function protectedError(decision: Decision): StaddleError {
  const { action, reason, declared, resource, address } = decision;
  const why = reason === "destroy-requested"
    ? "everything that the stack owns is to be destroyed"
    : action !== "replace"
    ? "it is no longer declared"
    : `it would be made anew: ${replacingFields(decision).join(", ") || reason}`;
  return new StaddleError({
    code: "policy.protected",
    summary: `${address}: it is protected, and this plan would ${
      action === "delete" ? "destroy it" : action === "forget" ? "let go of it" : "replace it"
    }`,
    where: placesOfResource(resource, "protect"),
    details: [why],
    help: declared
      ? 'to let it go, take "protect" away; to keep it, take the change back, or say ' +
        `--exclude "${address}"`
      : 'to let it go, declare it without "protect", apply that, and then do this again; to keep ' +
        `it: --exclude "${address}"`,
    exitCode: REFUSED,
  });
}

function replacingFields({ changes }: Decision): string[] {
  return changes.filter(({ disruption }) => disruption === "replace").map(({ path }) => path);
}

/** What stays must not lose what it stands on. */
function* takenFromUnder(
  decision: Decision,
  decisions: ReadonlyMap<string, Decision>,
): Generator<StaddleError> {
  for (const need of decision.needs) {
    const used = decisions.get(need);
    if (used?.action !== "delete" || used.resource.tenure !== "managed") continue;
    yield problem(decision.resource, {
      code: "options.retained-needs",
      path: "retainOnDelete",
      message: `it stays on the host, but ${need}, which it needs, would be destroyed`,
      others: [used.resource],
      help: `give ${need} "retainOnDelete" too and apply that first, or let both go`,
    });
  }
}

/** Hooks by the operation beside which they run. */
const hookMoments: Readonly<
  Partial<Record<Operation, { readonly before: HookMoment; readonly after: HookMoment }>>
> = {
  create: { before: "beforeCreate", after: "afterCreate" },
  update: { before: "beforeUpdate", after: "afterUpdate" },
  delete: { before: "beforeDelete", after: "afterDelete" },
};

/** One hook that a plan will run. */
export interface PlannedHook {
  readonly moment: HookMoment;
  readonly hook: Hook;
  /** The step before or after which it runs. */
  readonly step: Step;
  readonly when: "before" | "after";
}

/**
 * The hooks beside each step, by the step's id. What comes after a resource was made or changed waits
 * for its wait step, if it has one.
 */
export function plannedHooks(steps: readonly Step[]): ReadonlyMap<string, readonly PlannedHook[]> {
  const result = new Map<string, PlannedHook[]>();
  const ids = new Map(steps.map((step) => [step.id, step]));
  for (const step of steps) {
    const { hooks } = step.resource.options ?? {};
    if (hooks === undefined || step.retain === true) continue;
    const own: PlannedHook[] = [];
    const add = (moment: HookMoment, when: PlannedHook["when"]) => {
      const hook = hooks[moment];
      if (hook !== undefined) own.push({ moment, hook, step, when });
    };
    const moments = hookMoments[step.operation];
    if (moments !== undefined) {
      add(moments.before, "before");
      const waits = step.operation !== "delete" && ids.has(`wait:${step.address}`);
      if (!waits) add(moments.after, "after");
    } else if (step.operation === "wait") {
      add(ids.has(`update:${step.address}`) ? "afterUpdate" : "afterCreate", "after");
    }
    if (own.length > 0) result.set(step.id, own);
  }
  return result;
}

/**
 * `./register.sh`, as its author wrote it, on one line: characters that a terminal would act upon, or
 * that change the order of others, are written out, so that nothing of a command can hide.
 */
export function hookText({ command }: Hook): string {
  const [program, flag, line] = command;
  const text = command.length === 3 && program === "/bin/sh" && flag === "-c"
    ? line!
    : command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => one === "\n" ? "\\n" : `\\u{${one.codePointAt(0)!.toString(16)}}`,
  );
}

/** What a person should know of the options where a plan acts by them. */
export function optionNotes(
  decision: Decision,
  hooks: readonly PlannedHook[],
): readonly string[] {
  const { declared, record, resource, action } = decision;
  const notes = hooks.map(({ moment, hook }) =>
    `hook ${moment}: ${hookText(hook)} (at most ${hook.timeout} s)`
  );
  if (declared && record !== undefined && action !== "create") {
    const was = record.resource.options?.protect === true;
    const is = resource.options?.protect === true;
    if (was && !is) notes.push("it is protected no longer");
    if (is && !was) notes.push("it is protected from now on");
  }
  if (action === "replace" && decision.old?.afterCreate === true && decision.retained === true) {
    notes.push(`${decision.old.key} stays on the host: retainOnDelete`);
  }
  return notes;
}
