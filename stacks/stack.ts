/**
 * A stack: a name, parameters, and a function that declares.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { callSite } from "./call_site.ts";
import { show } from "./refuse.ts";
import type { StackScope } from "./types/scope.ts";
import type { ParameterType } from "./zod.ts";

/** Parameters of a stack: a zod type for each name. */
export type ParameterShape = Readonly<Record<string, ParameterType>>;

/** What a stack's function is given for its parameters. */
export type Parameters<Shape extends ParameterShape> = {
  readonly [Name in keyof Shape]: Shape[Name]["_zod"]["output"];
};

/** What a stack's function gives back: outputs by name, or nothing. */
export type Outputs = { readonly [name: string]: unknown } | void;

/** Tells a stack from anything else that a file may export. */
export const brand: unique symbol = Symbol.for("staddle.stack");

/** A stack, as {@linkcode stack} returns it: what a stack file exports by default. */
export interface StackDefinition {
  /** That it is one. */
  readonly [brand]: true;
  /** Name of the stack. */
  readonly name: string;
  /** Types of its parameters. */
  readonly parameters: ParameterShape;
  /** Declares everything; called once a pass. */
  readonly declare: (scope: StackScope, parameters: never) => Outputs;
  /** `file:line:column` of the definition. */
  readonly at: string | undefined;
}

/** The function of a stack without parameters. */
export type Declare = (scope: StackScope) => Outputs;

/** The function of a stack with parameters. */
export type DeclareWith<Shape extends ParameterShape> = (
  scope: StackScope,
  parameters: Parameters<Shape>,
) => Outputs;

/**
 * Defines a stack. Its function declares hosts and what is on them, and returns the outputs; it is a
 * pure function of its parameters, and is evaluated without any permission.
 *
 * @param name Name of the stack; identities are derived from it, so it stays.
 * @param parameters A zod type for each parameter.
 * @param declare The function. It is not async: nothing is made while it runs.
 *
 * @example
 * ```ts
 * import { stack, z } from "./mod.ts";
 *
 * export default stack("web", { replicas: z.int().min(1).default(2) }, (s, { replicas }) => {
 *   const lab = s.host("lab", { uri: "qemu:///system" });
 *   const net = lab.network("front", { nat: "10.30.0.0/24" });
 *   const image = lab.image("debian", { from: "./debian.qcow2" });
 *   const web = s.times(replicas, (i) =>
 *     lab.vm(`web-${i}`, {
 *       vcpus: 2,
 *       memory: "2GiB",
 *       disks: [{ clone: image, size: "20GiB" }],
 *       nics: [{ network: net }],
 *     }));
 *   return { addresses: web.map((vm) => vm.address) };
 * });
 * ```
 */
export function stack<const Shape extends ParameterShape>(
  name: string,
  parameters: Shape,
  declare: DeclareWith<Shape>,
): StackDefinition;
/** Defines a stack without parameters. */
export function stack(name: string, declare: Declare): StackDefinition;
export function stack(
  name: string,
  second: ParameterShape | Declare,
  third?: (scope: StackScope, parameters: never) => Outputs,
): StackDefinition {
  const at = callSite();
  const parameters = typeof second === "function" ? {} : second;
  const declare = typeof second === "function" ? second : third;
  const refuse = (summary: string, help: string): never => {
    throw new StaddleError({
      code: "stack.invalid-stack",
      summary,
      where: at === undefined ? [] : [at],
      help,
    });
  };
  if (typeof name !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    refuse(
      `${show(name)} is not a name for a stack`,
      "a name has 1 to 63 letters, digits, . _ or -, and begins with a letter or a digit",
    );
  }
  if (typeof declare !== "function") {
    refuse(
      `stack ${name}: the last argument must be the function that declares, is ${show(declare)}`,
      'for example stack("web", (s) => { … }), or stack("web", { replicas: z.int() }, (s, p) => { … })',
    );
  }
  for (const [key, schema] of Object.entries(parameters)) {
    if (typeof (schema as ParameterType | undefined)?.safeParse === "function") continue;
    refuse(
      `stack ${name}: parameter ${key} must be a zod type, is ${show(schema)}`,
      `for example { ${key}: z.string() }`,
    );
  }
  return Object.freeze({ [brand]: true as const, name, parameters, declare: declare!, at });
}

/** Whether a value is what {@linkcode stack} returns. */
export function isStack(value: unknown): value is StackDefinition {
  return typeof value === "object" && value !== null && brand in value;
}
