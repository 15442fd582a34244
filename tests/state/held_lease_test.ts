import assert from "node:assert/strict";
import { HeldLease } from "../../state/held_lease.ts";

Deno.test("a lease goes on being renewed when the clock is set back", async () => {
  const LEASE = 90;
  const clock = Date.now;
  let behind = 0;
  Date.now = () => clock() - behind;
  const renewed = Promise.withResolvers<void>();
  let beats = 0;
  try {
    const times = { leaseMs: LEASE, expires: Date.now() + LEASE };
    await using lease = new HeldLease("shop", 1, "<store>", times, {
      write: () => Promise.resolve(1),
      renew() {
        // The first may still be by the old time.
        if (++beats === 3) renewed.resolve();
        return Promise.resolve(true);
      },
      release: () => Promise.resolve(),
      holder: () => Promise.resolve(undefined),
      ended: () => {},
    });
    behind = 3_600_000;
    const timer = setTimeout(() => renewed.reject(new Error("it is not renewed")), 20_000);
    await renewed.promise.finally(() => clearTimeout(timer));
    assert.equal(lease.lost.aborted, false);
  } finally {
    Date.now = clock;
  }
});
