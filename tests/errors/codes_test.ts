/** Every error that planning, applying and the record can end in is shown to a reviewer as people read it. */

import assert from "node:assert/strict";
import { codesIn, codesShown } from "./codes.ts";

/** Codes that no command can be brought to show, and why. */
const unseen: Readonly<Record<string, string>> = {
  "network.address-invalid": "the stack language refuses such an address before it is planned",
  "network.subnet-invalid": "the stack language refuses such a subnet before it is planned",
};

Deno.test("every error of planner, applier, state and command line has a golden text", () => {
  const made = codesIn(["planner", "applier", "state", "cli"]);
  const shown = codesShown();
  assert.ok(made.size > 100, "the sources are not read as they are written any more");
  const without = [...made].filter(([code]) => !shown.has(code) && !(code in unseen))
    .map(([code, files]) => `${code} (${files.join(", ")})`);
  assert.deepEqual(without, [], "provoke each, and keep the text in a golden file");
  assert.deepEqual(
    Object.keys(unseen).filter((code) => !made.has(code) || shown.has(code)),
    [],
    "these are made no more, or can be seen",
  );
});
