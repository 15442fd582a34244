/**
 * Secrets by name.
 *
 * @module
 */

import { StaddleError } from "../providers/error.ts";
import { SECRET_NAME, SECRET_NAME_RULE, type SecretReference } from "../providers/secret.ts";
import { callSite } from "./call_site.ts";
import { show } from "./refuse.ts";

/**
 * A secret by its name, for the fields that take one. A stack never has a value: whoever runs Staddle
 * says where values come from, and they are fetched when the hosts are read and changed.
 *
 * @param name 1 to 63 lower-case letters, digits, `-` or `_`.
 * @throws {StaddleError} `stack.invalid-name`.
 *
 * @example
 * ```ts
 * import { secret, stack } from "./mod.ts";
 *
 * export default stack("desk", (s) => {
 *   const lab = s.host("lab", { uri: "qemu:///system" });
 *   lab.vm("desk", {
 *     memory: "2GiB",
 *     displays: [{ name: "vnc", type: "vnc", password: secret("desk-vnc") }],
 *   });
 * });
 * ```
 */
export function secret(name: string): SecretReference {
  if (typeof name === "string" && SECRET_NAME.test(name)) {
    return Object.freeze(
      Object.defineProperty({ secret: name }, Symbol.toPrimitive, { value: inText }),
    );
  }
  const at = callSite();
  throw new StaddleError({
    code: "stack.invalid-name",
    summary: `${show(name)} is not a name for a secret`,
    where: at === undefined ? [] : [at],
    help: SECRET_NAME_RULE,
  });
}

/** In a text would stand the word for an object, and not the value. */
function inText(this: SecretReference): never {
  const at = callSite();
  throw new StaddleError({
    code: "stack.secret-in-text",
    summary: `secret "${this.secret}" cannot stand in a text: a stack never has its value`,
    where: at === undefined ? [] : [at],
    help: "only fields that take a secret can have one: a display's password",
  });
}
