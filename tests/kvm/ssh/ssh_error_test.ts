/** What ssh's own words come to. */

import assert from "node:assert/strict";
import { sshError } from "../../../providers/kvm/host/ssh_error.ts";

const failure = {
  host: "far",
  uri: "qemu+ssh://root@kvm2/system",
  destination: "root@kvm2",
  timeout: 2,
};

Deno.test("a host that does not answer is told in the same words, whether ssh or Staddle gave up first", () => {
  const connecting = "debug1: Connecting to kvm2 port 22.";
  const stopped = sshError({ ...failure, lines: [connecting] });
  const line = "ssh: connect to host kvm2 port 22: Connection timed out";
  const gaveUp = sshError({ ...failure, lines: [connecting, line], status: 255 });
  assert.match(stopped.message, /did not answer within 2 s/);
  assert.equal(gaveUp.render(), stopped.render());
});

Deno.test("what the network says at once is quoted", () => {
  const line = "ssh: connect to host kvm2 port 22: No route to host";
  const error = sshError({ ...failure, lines: [line], status: 255 });
  assert.match(error.message, /cannot be reached/);
  assert.deepEqual(error.details, ["connect to host kvm2 port 22: No route to host"]);
});
