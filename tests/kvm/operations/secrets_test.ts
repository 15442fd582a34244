/** Passwords of displays on the real daemon: set, changed while QEMU runs, kept by everything else. */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { SecretSource } from "../../../providers/secret.ts";
import { type Lab, openLab, refused, virsh } from "./lab.ts";

const values: Readonly<Record<string, string>> = {
  first: "one&'\"<",
  second: "two",
  long: "x".repeat(60),
};

const source: SecretSource = {
  resolve: (name) => {
    const value = values[name];
    if (value !== undefined) return Promise.resolve(value);
    const summary = `secret "${name}" has no value here`;
    return Promise.reject(new StaddleError({ code: "secret.not-found", summary }));
  },
};

/** A machine without an operating system that runs, with a display. */
function declare(lab: Lab, display: JsonObject, more: JsonObject = {}): Resource {
  return lab.declare("machine", "desk", {
    name: `${lab.prefix}-desk`,
    accel: "tcg",
    memory: "64MiB",
    disks: [],
    nics: [],
    displays: [{ name: "desk", type: "vnc", ...display }],
    shutdown: { timeout: 1, force: true },
    ...more,
  });
}

const password = (secret: string): JsonObject => ({ password: { secret } });

/** What libvirt itself has of the password, running and saved; absent: none. */
async function passwords(lab: Lab): Promise<readonly (string | undefined)[]> {
  const texts = await Promise.all([
    virsh("dumpxml", "--security-info", `${lab.prefix}-desk`),
    virsh("dumpxml", "--security-info", "--inactive", `${lab.prefix}-desk`),
  ]);
  const unescaped = (text: string) =>
    text.replaceAll("&apos;", "'").replaceAll("&quot;", '"').replaceAll("&lt;", "<")
      .replaceAll("&amp;", "&");
  return texts.map((text) => {
    const found = /<graphics [^>]* passwd='([^']*)'/.exec(text)?.[1];
    return found === undefined ? undefined : unescaped(found);
  });
}

const processOf = (lab: Lab) => Deno.readTextFile(`/run/libvirt/qemu/${lab.prefix}-desk.pid`);

const paths = (changes: readonly { path: string; disruption: string }[]) =>
  changes.map(({ path, disruption }) => `${path} ${disruption}`);

for (const type of ["vnc", "spice"]) {
  Deno.test(`password of a running ${type} display: set, changed, limited, by the same QEMU`, async () => {
    await using lab = await openLab({ secrets: source });
    const machine = declare(lab, { type, ...password("first") });
    const made = await lab.create(machine);
    assert.deepEqual(made.observed?.secrets, {
      "displays[desk].password": { config: "same", live: "same" },
    });
    assert.deepEqual(await passwords(lab), [values.first, values.first]);
    assert.deepEqual(await lab.diff(machine, machine), []);
    const before = await processOf(lab);

    const next = declare(lab, { type, ...password("second"), connected: "keep" });
    const { changes, differs } = await lab.update(next, machine);
    assert.equal(differs, undefined);
    assert.deepEqual(paths(changes).sort(), [
      "displays[desk].connected live",
      "displays[desk].password live",
    ]);
    assert.deepEqual(await passwords(lab), [values.second, values.second]);
    assert.equal(await processOf(lab), before);

    // Of the display another field, and the password goes along.
    const limited = declare(lab, {
      type,
      ...password("second"),
      connected: "keep",
      passwordValidTo: "2099-01-31T12:00:00Z",
    });
    const limit = await lab.update(limited, next);
    assert.deepEqual(paths(limit.changes), ["displays[desk].passwordValidTo live"]);
    assert.deepEqual(await passwords(lab), [values.second, values.second]);
    assert.deepEqual(await lab.diff(limited, limited), []);
    assert.equal(await processOf(lab), before);
    assert.doesNotMatch(JSON.stringify([made, changes, limit]), /two|one&/);
  });
}

Deno.test("password of a display that was started without: at its next start", async () => {
  await using lab = await openLab({ secrets: source });
  const bare = declare(lab, {});
  await lab.create(bare);
  const wanted = declare(lab, password("first"));
  const { changes, notes } = await lab.update(wanted, bare);
  assert.deepEqual(paths(changes), ["displays[desk].password next-boot"]);
  assert.deepEqual(notes, ["pending restart: displays[desk].password"]);
  assert.deepEqual(await passwords(lab), [undefined, values.first]);
  assert.deepEqual(await lab.diff(wanted, wanted), []);
  const now = declare(lab, password("first"), { whenRestartNeeded: "now" });
  const restarted = await lab.update(now, wanted);
  assert.deepEqual(paths(restarted.changes), ["displays[desk].password restart"]);
  assert.deepEqual(await passwords(lab), [values.first, values.first]);
  assert.deepEqual(await lab.diff(now, now), []);
});

Deno.test("a password stays through other fields' updates, and through a start that is taken back", async () => {
  await using lab = await openLab({ secrets: source });
  const machine = declare(lab, password("first"));
  await lab.create(machine);
  // Nobody here knows its value: it is no part of what these update.
  const unknown = { displays: [{ name: "desk", type: "vnc", ...password("unknown") }] };
  const as = (more: JsonObject): Resource => ({
    ...machine,
    spec: { ...machine.spec, ...unknown, ...more },
  });
  const titled = as({ title: "another", cpu: { mode: "custom", model: "qemu64" } });
  const first = await lab.update(titled, as({}));
  assert.deepEqual(paths(first.changes).filter((path) => path.includes("display")), []);
  assert.deepEqual(await passwords(lab), [values.first, values.first]);

  const huge = as({
    cpu: { mode: "custom", model: "qemu64" },
    memoryBacking: { hugepages: true },
    whenRestartNeeded: "now",
  });
  const error = await refused("machine.start-failed", lab.update(huge, titled));
  assert.match(error.render(), /former definition was put back, and it runs with that again/);
  assert.doesNotMatch(Deno.inspect(error), /one&/);
  assert.deepEqual(await passwords(lab), [values.first, values.first]);

  // As somebody declares it who says nothing of the password.
  const silent = declare(lab, {}, { title: "a third" });
  await lab.update(silent, declare(lab, {}));
  assert.deepEqual(await passwords(lab), [values.first, values.first]);
});

Deno.test("without a value nothing is changed; what does not stay as it was set is an error", async () => {
  // Another value each time: what was set is not what is looked for afterwards.
  let spoken = "";
  await using lab = await openLab({
    secrets: {
      resolve: (name) => name === "fickle" ? Promise.resolve(spoken += "x") : source.resolve(name),
    },
  });
  // One that is off follows at once: nothing is waited for.
  const off = { power: "off" };
  const machine = declare(lab, password("first"), off);
  await lab.create(machine);
  const missing = lab.update(declare(lab, password("missing"), { ...off, title: "new" }), machine);
  const { code } = await missing.then(() => ({ code: "none" }), (error) => error as StaddleError);
  assert.equal(code, "secret.not-found");
  assert.deepEqual(await passwords(lab), [values.first, values.first]);
  assert.equal(
    (await lab.diff(declare(lab, password("first"), { ...off, title: "new" }), machine)).length,
    1,
  );

  const error = await refused(
    "kvm.not-applied",
    lab.update(declare(lab, password("fickle"), off), machine),
  );
  assert.match(
    error.render(),
    /displays\[desk\]\.password: declared \(sensitive\), the host has \(sensitive\)/,
  );
  assert.doesNotMatch(error.render(), /x{2}/);
});

Deno.test("defined and not started by a run that was cut off: finished with the password", async () => {
  await using lab = await openLab({ secrets: source });
  const bare = declare(lab, {}, { power: "off" });
  await lab.create(bare);
  const machine = declare(lab, password("first"));
  await lab.create(machine);
  assert.deepEqual(await passwords(lab), [values.first, values.first]);
  await lab.create(machine);
  assert.deepEqual(await lab.diff(machine, machine), []);
});

Deno.test("what a display cannot take is refused before libvirt has it", async () => {
  await using lab = await openLab({ secrets: source });
  const long = lab.create(declare(lab, password("long")));
  const error = await long.then(() => undefined, (thrown) => thrown as StaddleError);
  assert.equal(error?.code, "secret.too-long");
  assert.equal(await lab.read(declare(lab, {})), undefined);
  await lab.create(declare(lab, { type: "spice", ...password("long") }));
  assert.deepEqual(await passwords(lab), [values.long, values.long]);
});
