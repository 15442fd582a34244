/**
 * Disks that cannot be written or have no room left, made by mounts in a namespace of their own.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { SqliteStore } from "../../state/mod.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";
import { row } from "./contract.ts";

interface Outcome {
  readonly load: string;
  readonly lock: string;
  readonly after: string;
}

const program = new URL("./disk_process.ts", import.meta.url).pathname;

/** Runs a script and then the uses of `file`; all mounts go with the namespace. */
async function inNamespace(folder: string, script: string, file: string): Promise<Outcome> {
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-euc", `${script}\nexec "$DENO" run -A "$PROGRAM" "$FILE"`],
    cwd: folder,
    env: { DENO: Deno.execPath(), PROGRAM: program, FILE: file },
  }).output();
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  const shown = text.decode(stdout).replaceAll(file, "<file>").replaceAll(folder, "<folder>");
  return JSON.parse(shown);
}

async function place(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-disk-" });
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const needs = await requirement("mount-namespace", async () => {
  const { success, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", "mount -t tmpfs none /mnt"],
  }).output();
  return success ? undefined : new TextDecoder().decode(stderr).trim();
});

Deno.test({
  name: "a record on a read-only disk can be read, not locked",
  ...needs,
  fn: async () => {
    await using here = await place();
    const disk = join(here.folder, "disk");
    const file = join(disk, "state.db");
    {
      await using store = new SqliteStore(file);
      await using lease = await store.lock("shop", "ann");
      await lease.write({ put: [row("lab/machine.web")] });
    }
    const outcome = await inNamespace(
      here.folder,
      "mount --bind disk disk; mount -o remount,bind,ro disk",
      file,
    );
    assert.equal(outcome.load, "ok: serial 1");
    assert.equal(outcome.after, "ok: whole");
    golden(import.meta.url, "read_only.txt", outcome.lock);
  },
});

Deno.test({
  name: "no record can be made on a read-only disk, and there is none to read",
  ...needs,
  fn: async () => {
    await using here = await place();
    await Deno.mkdir(join(here.folder, "disk"));
    const outcome = await inNamespace(
      here.folder,
      "mount --bind disk disk; mount -o remount,bind,ro disk",
      join(here.folder, "disk", ".staddle", "state.db"),
    );
    assert.equal(outcome.load, "ok: no record");
    golden(import.meta.url, "read_only_new.txt", outcome.lock);
  },
});

Deno.test({
  name: "a disk that fills up in the middle refuses a write and keeps all before it",
  ...needs,
  fn: async () => {
    await using here = await place();
    await Deno.mkdir(join(here.folder, "disk"));
    const outcome = await inNamespace(
      here.folder,
      "mount -t tmpfs -o size=2m none disk",
      join(here.folder, "disk", "state.db"),
    );
    assert.equal(outcome.load, "ok: no record");
    golden(import.meta.url, "disk_full.txt", outcome.lock);
    assert.equal(outcome.after, "ok: whole");
  },
});

Deno.test({
  name: "no record can be made on a full disk",
  ...needs,
  fn: async () => {
    await using here = await place();
    await Deno.mkdir(join(here.folder, "disk"));
    const outcome = await inNamespace(
      here.folder,
      "mount -t tmpfs -o size=64k none disk; head -c 64k /dev/zero > disk/filler",
      join(here.folder, "disk", "state.db"),
    );
    golden(import.meta.url, "disk_full_new.txt", outcome.lock);
  },
});

Deno.test({
  name: "a disk that fails in the middle of a write keeps all before it",
  ...needs,
  fn: async () => {
    await using here = await place();
    // A file that may not grow beyond 2 MiB, and nobody who is told so by a signal.
    const outcome = await inNamespace(
      here.folder,
      "trap '' XFSZ; ulimit -f 4096",
      join(here.folder, "state.db"),
    );
    assert.equal(outcome.load, "ok: no record");
    golden(import.meta.url, "disk_fails.txt", outcome.lock);
    assert.equal(outcome.after, "ok: whole");
  },
});
