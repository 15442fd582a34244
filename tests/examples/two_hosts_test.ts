import assert from "node:assert/strict";
import { Fleet, fleetObstacle, poll } from "../fleet/mod.ts";
import { requirement } from "../support/skip.ts";
import { expectStaddle, listing, staddle } from "./staddle.ts";

const needs = await requirement("fleet", fleetObstacle);
const STACK = "examples/two_hosts/stack.ts";

Deno.test({ name: "examples/two_hosts: one host is cut off in mid-apply", ...needs }, async (t) => {
  await using fleet = await Fleet.up({ hosts: 2 });
  const [first, second] = [fleet.hosts[0]!, fleet.hosts[1]!];
  const options = { state: `${fleet.dir}/two.db` };
  const params = [
    ...["--param", `first=${first.plainUri}`, "--param", `second=${second.plainUri}`],
    ...["--param", `sshConfig=${fleet.ssh.config}`],
  ];
  const before = [await listing(first), await listing(second)];

  await t.step("the other host's machine is made, and the error names the host", async () => {
    const running = staddle(["apply", STACK, ...params, "--yes"], options);
    await poll("a network on the second host", async () => {
      const networks = await second.virsh("net-list", "--all", "--name");
      return networks.includes("work") ? true : undefined;
    }, { timeoutMs: 30_000 });
    await second.link.down();
    const { code, stdout, stderr } = await running;
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout + stderr, /host (")?second/);
    assert.match(await first.virsh("domstate", "worker-first"), /running/);
  });

  await t.step("a plan while it is cut off names it, and still shows the other", async () => {
    const { code, stdout, stderr } = await staddle(["plan", STACK, ...params], options);
    assert.equal(code, 1);
    assert.match(stdout + stderr, /second/);
    const without = await staddle(["plan", STACK, ...params, "--exclude", "second/*"], options);
    assert.equal(without.code, 0, without.stdout + without.stderr);
    assert.match(without.stdout, /^Only outputs change/m);
  });

  await t.step("the next apply completes", async () => {
    await second.link.up();
    await expectStaddle(0, ["apply", STACK, ...params, "--yes"], options);
    assert.match(await second.virsh("domstate", "worker-second"), /running/);
    const text = await expectStaddle(0, ["plan", STACK, ...params, "--detailed-exitcode"], options);
    assert.match(text, /^No changes\./m);
  });

  await t.step("destroy leaves both as they were", async () => {
    await expectStaddle(0, ["destroy", STACK, ...params, "--yes"], options);
    assert.deepEqual([await listing(first), await listing(second)], before);
  });
});
