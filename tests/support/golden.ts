/**
 * Golden files: texts that people see, kept in `golden/` beside the tests so that a reviewer can
 * read them. `STADDLE_UPDATE_GOLDEN=1` writes them anew.
 *
 * @module
 */

import assert from "node:assert/strict";

/** Compares a text with `golden/<name>` beside the test whose `import.meta.url` is given. */
export function golden(test: string, name: string, text: string): void {
  const file = new URL(`./golden/${name}`, test);
  const shown = text.endsWith("\n") ? text : `${text}\n`;
  if (Deno.env.get("STADDLE_UPDATE_GOLDEN") === "1") {
    Deno.mkdirSync(new URL("./", file), { recursive: true });
    Deno.writeTextFileSync(file, shown);
    return;
  }
  assert.equal(shown, Deno.readTextFileSync(file), `differs from ${file.pathname}`);
}
