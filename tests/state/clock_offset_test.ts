/** The server's clock, as far as the dates of its answers tell. */

import assert from "node:assert/strict";
import { clockOffset } from "../../state/documents/http_transport.ts";

const SECOND = 1_800_000_000_000;

/** What was added before, the date that was said, when it was asked and answered; what is added then. */
const table: readonly (readonly [string, number, number, readonly [number, number], number])[] = [
  ["within the second", 0, SECOND, [SECOND + 200, SECOND + 210], 0],
  ["an answer that came over the second's end", 0, SECOND, [SECOND + 990, SECOND + 1900], 0],
  ["a slow question", 0, SECOND + 3000, [SECOND + 100, SECOND + 3900], 0],
  ["a server that is ahead", 0, SECOND + 60_000, [SECOND + 10, SECOND + 20], 59_980],
  ["a server that is behind", 0, SECOND - 60_000, [SECOND + 10, SECOND + 20], -59_011],
  ["one that is known to be ahead", 59_980, SECOND + 60_000, [SECOND + 500, SECOND + 510], 59_980],
  ["one that was set right", 59_980, SECOND, [SECOND + 500, SECOND + 510], 499],
];

Deno.test("the server's clock is followed no further than its dates say", () => {
  for (const [name, before, date, [begun, ended], after] of table) {
    assert.equal(clockOffset(before, date, { begun, ended }), after, name);
  }
});
