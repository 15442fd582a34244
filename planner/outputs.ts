/**
 * Changes of outputs: what the stack yields now beside what the record keeps.
 *
 * @module
 */

import { sameJson } from "./digest.ts";
import type { OutputChange } from "./plan.ts";
import type { Output } from "./topology.ts";

type Outputs = Readonly<Record<string, Output>>;

/** Compares outputs, by name. */
export function outputChanges(before: Outputs, after: Outputs): OutputChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.map((name): OutputChange => {
    const was = Object.hasOwn(before, name) ? before[name] : undefined;
    const is = Object.hasOwn(after, name) ? after[name] : undefined;
    const action = was === undefined
      ? "create"
      : is === undefined
      ? "delete"
      : was.sensitive === is.sensitive && sameJson(was.value, is.value)
      ? "no-op"
      : "update";
    return {
      name,
      action,
      before: was?.value,
      after: is?.value,
      sensitive: was?.sensitive === true || is?.sensitive === true,
    };
  });
}
