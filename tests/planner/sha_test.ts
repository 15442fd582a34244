import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import { sha1, sha256 } from "../../planner/sha.ts";

Deno.test("SHA-1 and SHA-256 of any bytes are those of node:crypto", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assert.equal(sha1(bytes), hash("sha1", bytes, "hex"));
    assert.equal(sha256(bytes), hash("sha256", bytes, "hex"));
  }));
});

Deno.test("SHA-1 and SHA-256 of every length around the borders of a block are right", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 37);
    assert.equal(sha1(bytes), hash("sha1", bytes, "hex"), `SHA-1 of ${length} bytes`);
    assert.equal(sha256(bytes), hash("sha256", bytes, "hex"), `SHA-256 of ${length} bytes`);
  }
});
