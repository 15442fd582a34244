/**
 * The types that an author sees of a machine are those that its table takes.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MachineInput } from "../../providers/kvm/kinds/machine/schema.ts";
import { fieldTypes, fieldTypesFile } from "../../scripts/lib/field_types.ts";
import type { MachineFields } from "../../stacks/mod.ts";

/**
 * Every field asked for, at any depth, so that one that is not there is missed; and lists that may
 * be changed, for zod does not know of others. Words are told apart by the text alone: a table may
 * keep theirs where only the schema knows them.
 */
type Whole<T> = T extends readonly (infer Entry)[] ? Whole<Entry>[]
  : T extends object ? { -readonly [Name in keyof T]-?: Whole<T[Name]> }
  : T extends string ? string
  : T;

// These hold when they compile: an assignment is refused where a type lacks what the other has.
const fromSchema: (given: Whole<MachineInput>) => Whole<MachineFields> = (given) => given;
const toSchema: (given: Whole<MachineFields>) => Whole<MachineInput> = (given) => given;

Deno.test("the types of a machine's fields are what its table says now", async () => {
  assert.equal(
    await Deno.readTextFile(fieldTypesFile),
    await fieldTypes(),
    "the table changed: run deno task types",
  );
});

Deno.test("table and types have the same fields", () => {
  assert.ok([fromSchema, toSchema].every((one) => one.length === 1));
});
