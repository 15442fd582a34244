/**
 * Records that are encrypted.
 *
 * @module
 */

import assert from "node:assert/strict";
import { generateX25519Identity } from "age-encryption";
import { type AgeKeys, recipientsOf } from "../../../state/keyring.ts";
import { rotate } from "../../../state/rotate.ts";
import type { RecordDocument } from "../../../state/store.ts";
import type { Behaviour } from "./fixture.ts";
import { codeOf, fill, row } from "./rows.ts";

/** Registers the tests. */
export function encryptionContract(behaviour: Behaviour): void {
  behaviour(
    "an encrypted record reads as it was, and shows nothing without its key",
    async (fixture) => {
      const [ann, bob] = [await someKeys(), await someKeys()];
      const plain = async () => {
        await using store = fixture.open({ keys: () => Promise.resolve(undefined) });
        return await codeOf(store.load("shop"));
      };
      let before: RecordDocument | undefined;
      {
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        await fill(store);
        before = await store.export("shop");
        assert.equal(before?.runs.length, 2);
        assert.deepEqual((await store.journal("shop", "r1"))[1]?.detail, "why");
        assert.deepEqual(await store.check(), []);
        await using lease = await store.lock("shop", "ann");
        assert.equal(await lease.write({ put: [row("c")] }), 3);
      }
      assert.equal(await plain(), "state.key-missing");
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        assert.equal(await codeOf(store.load("shop")), "state.key-wrong");
        assert.equal(await codeOf(store.export("shop")), "state.key-wrong");
        assert.equal((await store.check()).length, 1);
        await using lease = await store.lock("shop", "bob");
        assert.equal(await codeOf(lease.write({ put: [row("x")] })), "state.key-wrong");
      }
      {
        // To both, then to bob alone, then to nobody.
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        await using lease = await store.lock("shop", "ann");
        const both = [...await recipientsOf(ann), ...await recipientsOf(bob)];
        assert.equal(await rotate(lease, both), 4);
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        await using lease = await store.lock("shop", "bob");
        assert.deepEqual((await store.load("shop"))?.resources.map(({ address }) => address), [
          "a",
          "b",
          "c",
        ]);
        assert.equal(await rotate(lease, undefined, () => Promise.resolve(bob)), 5);
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(ann) });
        assert.equal(await codeOf(store.load("shop")), "state.key-wrong");
      }
      {
        await using store = fixture.open({ keys: () => Promise.resolve(bob) });
        await using lease = await store.lock("shop", "bob");
        assert.equal(await rotate(lease, []), 6);
        assert.equal(await codeOf(lease.write({ put: [row("x")] })), "state.not-encrypted");
      }
      assert.equal(await plain(), "no error");
      await using store = fixture.open({ keys: () => Promise.resolve(undefined) });
      assert.deepEqual(await store.export("shop"), {
        ...before,
        serial: 6,
        resources: [...before!.resources, row("c")],
      });
    },
  );

  behaviour("a record that cannot be opened is set aside, and another made", async (fixture) => {
    const [ann, bob] = [await someKeys(), await someKeys()];
    const folder = await Deno.makeTempDir({ prefix: "staddle-aside-" });
    try {
      await using theirs = fixture.open({ keys: () => Promise.resolve(ann) });
      await fill(theirs);
      const lineage = (await theirs.load("shop"))?.lineage;
      await using store = fixture.open({ keys: () => Promise.resolve(bob) });
      {
        await using _held = await theirs.lock("shop", "ann");
        assert.equal(await codeOf(store.setAside("shop", "bob", folder)), "state.locked");
      }
      const place = await store.setAside("shop", "bob", folder);
      assert.equal(await store.load("shop"), undefined);
      assert.equal(await store.holder("shop"), undefined);
      assert(!(await store.stacks()).includes("shop"));
      {
        await using lease = await store.lock("shop", "bob");
        const hosts = { lab: { name: "lab", uri: "test:///default" } };
        assert.equal(await lease.write({ put: [row("z")], hosts }), 1);
      }
      const record = await store.load("shop");
      assert.deepEqual(record?.resources, [row("z")]);
      assert.notEqual(record.lineage, lineage);
      assert.deepEqual(await store.check(), []);
      if (place?.startsWith(folder)) {
        const kept = JSON.parse(await Deno.readTextFile(place));
        assert.equal(kept.lineage ?? kept.tables.stacks[0].lineage, lineage);
        assert.equal((await Deno.stat(place)).mode! & 0o777, 0o600);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Keys of someone's own. */
async function someKeys(): Promise<AgeKeys> {
  return { identities: [await generateX25519Identity()], recipients: [], origin: "the test" };
}
