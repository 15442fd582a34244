/**
 * Golden files: texts that people see, kept beside the tests so that a reviewer can read them.
 *
 * `STADDLE_UPDATE_GOLDEN=1 deno task test tests/cli` writes them anew.
 */

import assert from "node:assert/strict";

const FOLDER = new URL("./golden/", import.meta.url);

/** Compares a text with the golden file of that name. */
export function golden(name: string, text: string): void {
  const file = new URL(name, FOLDER);
  const shown = text.endsWith("\n") ? text : `${text}\n`;
  if (Deno.env.get("STADDLE_UPDATE_GOLDEN") === "1") {
    Deno.mkdirSync(FOLDER, { recursive: true });
    Deno.writeTextFileSync(file, shown);
    return;
  }
  assert.equal(shown, Deno.readTextFileSync(file), `differs from tests/cli/golden/${name}`);
}
