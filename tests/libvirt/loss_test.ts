/** The memory that libvirt counts up when it lets go of a connection's callback. */

import assert from "node:assert/strict";
import { acquireRuntime, releaseRuntime } from "../../providers/kvm/libvirt/runtime.ts";

const LIBRARY = "libvirt.so.0";
/** The function that libvirt calls with the counter's address. */
const LET_GO = { parameters: ["u64"], result: "void" } as const;

Deno.test("a counter that libvirt has taken is not freed before libvirt lets go of it", () => {
  const runtime = acquireRuntime(LIBRARY);
  try {
    const { native } = runtime;
    const loss = runtime.watchLoss(() => {});
    loss.stop();
    const { counter, free } = loss.counter;
    const count = () => new Deno.UnsafePointerView(Deno.UnsafePointer.create(counter)!).getInt32();
    // Whoever asks for as much memory is given what has just been freed, and writes to it.
    const others = () => {
      const text = new TextEncoder().encode("others\0");
      const given = Array.from({ length: 200 }, () => native.call("strdup", text) as bigint);
      for (const address of given) native.call("free", address);
    };
    others();
    loss.free(true);
    others();
    assert.equal(count(), 0, "somebody else was given it, and libvirt would write to it");

    // What libvirt does at last.
    new Deno.UnsafeFnPointer(Deno.UnsafePointer.create<typeof LET_GO>(free)!, LET_GO).call(counter);
    assert.equal(count(), 1);
    loss.free(true);
  } finally {
    releaseRuntime(LIBRARY);
  }
});
