import assert from "node:assert/strict";
import { makePool, openLab, refused, sha256, virsh } from "./lab.ts";
import type { Lab } from "./lab.ts";
import type { Resource, Step } from "../../../providers/provider.ts";

async function qemuImg(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("qemu-img", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A qcow2 of 64 MiB with some content. */
async function makeImage(lab: Lab, name: string): Promise<string> {
  const raw = `${lab.folder}/${name}.raw`;
  using file = await Deno.create(raw);
  await file.truncate(64 << 20);
  for (let block = 0; block < 48; block++) {
    await file.seek(block << 20, Deno.SeekMode.Start);
    await file.write(crypto.getRandomValues(new Uint8Array(65536)));
  }
  const path = `${lab.folder}/${name}.qcow2`;
  await qemuImg("convert", "-O", "qcow2", raw, path);
  return path;
}

async function declareImage(lab: Lab, pool: Resource, path: string): Promise<Resource> {
  return lab.declare("image", "base", {
    pool: pool.address,
    name: "base",
    from: path,
    sha256: await sha256(path),
    format: "qcow2",
  }, "shared");
}

Deno.test("pool: made, made once more, changed, taken away", async () => {
  await using lab = await openLab();
  const path = `${lab.folder}/new`;
  const pool = lab.declare("pool", "p", { name: `${lab.prefix}-p`, path, autostart: false });
  const made = await lab.create(pool);
  assert.equal(made.observed?.source.active, true);
  assert.equal(made.observed?.uuid, pool.uuid);
  await lab.create(pool);
  assert.deepEqual(await lab.diff(pool), []);

  await virsh("pool-destroy", `${lab.prefix}-p`);
  const again = { ...pool, spec: { ...pool.spec, autostart: true } };
  const { changes, observed } = await lab.update(again);
  assert.deepEqual(changes.map(({ path }) => path).sort(), ["active", "autostart"]);
  assert.equal(observed?.source.active, true);
  assert.equal(observed?.source.autostart, true);

  await Deno.writeTextFile(`${path}/somebody's`, "keep me");
  const { notes } = await lab.remove(pool);
  assert.match(notes.join(), /still holds "somebody's"/);
  assert.equal(await Deno.readTextFile(`${path}/somebody's`), "keep me");
  assert.equal(await lab.read(pool), undefined);
  await lab.remove(pool);
});

Deno.test("pool: what a cut left behind is finished", async () => {
  await using lab = await openLab();
  const path = `${lab.folder}/half`;
  const pool = lab.declare("pool", "p", { name: `${lab.prefix}-p`, path });
  await virsh("pool-define-as", `${lab.prefix}-p`, "dir", "--target", path);
  const other = await refused("kvm.name-taken", lab.create(pool));
  assert.match(other.render(), /has the UUID/);
  assert.match(await virsh("pool-info", `${lab.prefix}-p`), /State: +inactive/);
  await virsh("pool-undefine", `${lab.prefix}-p`);
  const xml = `${lab.folder}/pool.xml`;
  await Deno.writeTextFile(
    xml,
    `<pool type='dir'><name>${lab.prefix}-p</name><uuid>${pool.uuid}</uuid><target><path>${path}</path></target></pool>`,
  );
  await virsh("pool-define", xml);
  await lab.create(pool);
  assert.deepEqual(await lab.diff(lab.complete(pool)), []);
});

Deno.test("pool: a shared one is kept while it holds something", async () => {
  await using lab = await openLab();
  const spec = { name: `${lab.prefix}-s`, path: `${lab.folder}/s`, autostart: false };
  const pool = lab.declare("pool", "s", spec, "shared");
  await lab.create(pool);
  await Deno.writeTextFile(`${lab.folder}/s/other.img`, "x");
  const kept = await lab.remove(pool);
  assert.match(kept.notes.join(), /was kept: it still holds "other.img"/);
  assert.equal(kept.observed?.source.active, true);
  await Deno.remove(`${lab.folder}/s/other.img`);
  assert.equal((await lab.remove(pool)).observed, undefined);
});

Deno.test("image: uploaded sparse, once; kept while a volume stands on it", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const path = await makeImage(lab, "base");
  const image = await declareImage(lab, pool, path);
  const made = await lab.create(image);
  const there = `${lab.folder}/store/${image.spec.volume}`;
  assert.equal(made.observed?.source.path, there);
  assert.equal(await sha256(there), image.spec.sha256);
  assert.ok(lab.progress.some((line) => line.startsWith("uploading")));
  const before = (await Deno.stat(there)).mtime;
  await lab.create(image);
  assert.deepEqual((await Deno.stat(there)).mtime, before);

  const volume = lab.declare("volume", "v", {
    pool: pool.address,
    name: "v.qcow2",
    format: "qcow2",
    image: image.address,
    capacity: "128MiB",
  });
  await lab.create(volume);
  await lab.create(volume);
  assert.deepEqual(await lab.diff(volume), []);
  const kept = await lab.remove(image);
  assert.match(kept.notes.join(), /was kept: volume ".*v\.qcow2" stands on it/);
  assert.ok(kept.observed);
  await lab.remove(volume);
  const gone = await lab.remove(image);
  assert.equal(gone.observed, undefined);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${lab.folder}/store`)), []);
});

Deno.test("image: half uploaded, it counts as absent and is made anew", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const image = await declareImage(lab, pool, await makeImage(lab, "base"));
  const torn = `${lab.folder}/store/${image.spec.volume}`;
  await Deno.writeFile(
    torn,
    (await Deno.readFile(`${lab.folder}/base.qcow2`)).subarray(0, 1 << 20),
  );
  assert.equal(await lab.read(image), undefined);
  await lab.create(image);
  assert.equal(await sha256(torn), image.spec.sha256);
});

Deno.test("image: killed in mid-upload, the next run finishes it", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const path = `${lab.folder}/big.raw`;
  {
    using file = await Deno.create(path);
    const block = crypto.getRandomValues(new Uint8Array(65536));
    for (let count = 0; count < 3200; count++) await file.write(block);
  }
  const image = lab.declare("image", "big", {
    pool: pool.address,
    name: "big",
    from: path,
    sha256: await sha256(path),
    format: "raw",
  }, "shared");
  const step = lab.step("create", lab.complete(image));
  const script = `${lab.folder}/child.ts`;
  await Deno.writeTextFile(
    script,
    `import { kvm } from ${JSON.stringify(import.meta.resolve("../../../providers/kvm/mod.ts"))};
     const signal = new AbortController().signal;
     const session = await kvm().connect({ name: "lab", uri: "qemu:///system" }, { signal, baseDirectory: "/" });
     await session.perform(JSON.parse(Deno.args[0]), { signal, baseDirectory: "/", progress: (line) => console.log(line) });
     console.log("done");`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--config",
      new URL("../../../deno.json", import.meta.url).pathname,
      script,
      JSON.stringify(step),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("uploading")) {
      child.kill("SIGKILL");
      break;
    }
  }
  await child.status;
  assert.match(said, /uploading/);
  assert.ok(!said.includes("done"));
  assert.equal(await lab.read(image), undefined);
  await lab.create(image);
  assert.equal(await sha256(`${lab.folder}/store/${image.spec.volume}`), image.spec.sha256);
});

Deno.test("image: what is wrong with the file is said before anything is uploaded", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const path = await makeImage(lab, "base");
  const image = await declareImage(lab, pool, path);
  const withSpec = (spec: Resource["spec"]) => ({ ...image, spec: { ...image.spec, ...spec } });
  const create = (resource: Resource) => lab.create(resource);
  await assert.rejects(create(withSpec({ sha256: "0".repeat(64) })), /image.*differs/);
  await assert.rejects(create(withSpec({ format: "raw" })), /is qcow2, and declared as raw/);
  await qemuImg(
    "create",
    "-q",
    "-f",
    "qcow2",
    "-b",
    path,
    "-F",
    "qcow2",
    `${lab.folder}/over.qcow2`,
  );
  const over = `${lab.folder}/over.qcow2`;
  await assert.rejects(
    create(withSpec({ from: over, sha256: await sha256(over) })),
    /is not whole: it reads another file/,
  );
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${lab.folder}/store`)), []);
});

Deno.test("volume: blank, full copy with more room, grown", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const image = await declareImage(lab, pool, await makeImage(lab, "base"));
  await lab.create(image);
  const spec = {
    pool: pool.address,
    name: "copy.raw",
    format: "raw",
    image: image.address,
    clone: "full",
    capacity: "96MiB",
  };
  const copy = lab.declare("volume", "copy", spec);
  await lab.create(copy);
  assert.equal((await Deno.stat(`${lab.folder}/store/copy.raw`)).size, 96 << 20);
  assert.deepEqual(await lab.diff(copy), []);
  const blank = lab.declare("volume", "blank", {
    pool: pool.address,
    name: "b.qcow2",
    format: "qcow2",
    capacity: "10MiB",
  });
  await lab.create(blank);
  const larger = { ...blank, spec: { ...blank.spec, capacity: 20 << 20 } };
  const { changes } = await lab.update(larger, blank);
  assert.deepEqual(changes.map(({ path }) => path), ["capacity"]);
  assert.deepEqual(await lab.diff(larger), []);
  await lab.remove(copy);
  await lab.remove(copy);
  assert.equal(await lab.read(copy), undefined);
});

Deno.test("volume: a torn full copy is made anew, somebody's file is not touched", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const image = await declareImage(lab, pool, await makeImage(lab, "base"));
  await lab.create(image);
  const spec = {
    pool: pool.address,
    name: "copy.raw",
    format: "raw",
    image: image.address,
    clone: "full",
  };
  const copy = lab.declare("volume", "copy", spec);
  await Deno.writeTextFile(`${lab.folder}/store/copy.raw`, "torn");
  await Deno.writeTextFile(`${lab.folder}/store/copy.raw.part`, "");
  assert.equal(await lab.read(copy), undefined);
  await lab.create(copy);
  assert.equal((await Deno.stat(`${lab.folder}/store/copy.raw`)).size, 64 << 20);
  const other = lab.declare("volume", "other", {
    pool: pool.address,
    name: "other.qcow2",
    format: "qcow2",
    capacity: "1MiB",
  });
  await Deno.writeTextFile(`${lab.folder}/store/other.qcow2`, "somebody's");
  // libvirt has not looked at the folder since: it refuses by itself.
  await refused("kvm.exists", lab.create(other));
  assert.ok(await lab.read(other));
  const error = await refused("kvm.name-taken", lab.create(other));
  assert.match(error.render(), /differs in format/);
  assert.equal(await Deno.readTextFile(`${lab.folder}/store/other.qcow2`), "somebody's");
});

Deno.test("volume: half made and then declared with another capacity, it is made anew", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const blank = (capacity: string) =>
    lab.declare("volume", "v", { pool: pool.address, name: "v.raw", format: "raw", capacity });
  const [first, second, other] = ["1MiB", "2MiB", "3MiB"].map(blank) as [
    Resource,
    Resource,
    Resource,
  ];
  const path = `${lab.folder}/store/v.raw`;
  const finish = (more: Partial<Step>) =>
    lab.session.perform(lab.step("create", lab.complete(second), more), lab.context);

  await lab.create(first);
  await finish({ previous: first.spec });
  assert.equal((await Deno.stat(path)).size, 2 << 20);
  assert.deepEqual(await lab.diff(second), []);
  await lab.remove(second);

  // Also where two runs were stopped on it, one after the other.
  await lab.create(first);
  await finish({ previous: other.spec, unsettled: [first.spec] });
  assert.deepEqual(await lab.diff(second), []);
  await lab.remove(second);

  // What no run was making has come from elsewhere.
  await lab.create(first);
  for (const more of [{}, { previous: other.spec }]) {
    const error = await refused("kvm.name-taken", finish(more));
    assert.match(error.render(), /v\.raw differs in capacity/);
  }
  assert.equal((await Deno.stat(path)).size, 1 << 20);
});

Deno.test("volume: no such pool, said with what to do", async () => {
  await using lab = await openLab();
  const pool = lab.declare("pool", "none", { name: `${lab.prefix}-none` }, "existing");
  const volume = lab.declare("volume", "v", {
    pool: pool.address,
    name: "v.raw",
    format: "raw",
    capacity: "1MiB",
  });
  const error = await refused("kvm.no-pool", lab.create(volume));
  assert.match(error.help!, /pool-list/);
});

Deno.test("seed: uploaded, repaired after a cut", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const seed = lab.declare("seed", "s", {
    pool: pool.address,
    name: "web",
    userData: "#cloud-config\nhostname: web\n",
    metaData: "instance-id: x\n",
  });
  const made = await lab.create(seed);
  const path = String(made.observed?.source.path);
  const digest = await sha256(path);
  await Deno.truncate(path, 3000);
  assert.deepEqual((await lab.diff(seed)).map((change) => change.path), ["content"]);
  await lab.update(seed);
  assert.equal(await sha256(path), digest);
  await lab.remove(seed);
  assert.equal(await lab.read(seed), undefined);
});

Deno.test("a full pool: said before anything is sent, and with more room it goes on", async () => {
  await using lab = await openLab();
  const folder = `${lab.folder}/store`;
  const mount = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("mount", { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  await Deno.mkdir(folder);
  await mount("-t", "tmpfs", "-o", "size=2m", lab.prefix, folder);
  try {
    const pool = await makePool(lab);
    const image = await declareImage(lab, pool, await makeImage(lab, "base"));
    const error = await refused("kvm.no-space", lab.create(image));
    assert.match(error.render(), /are to be uploaded, [\d.]+ \w+ are free/);
    assert.equal(await lab.read(image), undefined);
    assert.equal(await virsh("vol-list", `${lab.prefix}-store`), "");
    await mount("-o", "remount,size=64m", folder);
    await lab.create(image);
    assert.equal(await sha256(`${folder}/${image.spec.volume}`), image.spec.sha256);
  } finally {
    await virsh("pool-destroy", `${lab.prefix}-store`).catch(() => {});
    await new Deno.Command("umount", { args: [folder] }).output();
  }
});

Deno.test("several at once in one pool: uploads, copies and seeds do not disturb each other", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  const image = await declareImage(lab, pool, await makeImage(lab, "base"));
  await lab.create(image);
  const path = await makeImage(lab, "other");
  const other = lab.declare("image", "other", {
    pool: pool.address,
    name: "other",
    from: path,
    sha256: await sha256(path),
    format: "qcow2",
  }, "shared");
  const copies = [0, 1, 2].map((number) =>
    lab.declare("volume", `copy-${number}`, {
      pool: pool.address,
      name: `copy-${number}.raw`,
      format: "raw",
      image: image.address,
      clone: "full",
    })
  );
  const overlay = lab.declare("volume", "over", {
    pool: pool.address,
    name: "over.qcow2",
    format: "qcow2",
    image: image.address,
  });
  const seed = lab.declare("seed", "s", {
    pool: pool.address,
    name: "s",
    userData: "#cloud-config\n",
    metaData: "instance-id: x\n",
  });
  const all = [other, ...copies, overlay, seed];
  await Promise.all(all.map((resource) => lab.create(resource)));
  for (const resource of all) assert.deepEqual(await lab.diff(resource), [], resource.address);
  const digests = new Set(
    await Promise.all([0, 1, 2].map((number) => sha256(`${lab.folder}/store/copy-${number}.raw`))),
  );
  assert.deepEqual([...digests], [await sha256(`${lab.folder}/base.raw`)]);
});

Deno.test("a pool that is not active: said, with what to do", async () => {
  await using lab = await openLab();
  const pool = await makePool(lab);
  await virsh("pool-destroy", `${lab.prefix}-store`);
  const volume = lab.declare("volume", "v", {
    pool: pool.address,
    name: "v.raw",
    format: "raw",
    capacity: "1MiB",
  });
  const error = await refused("kvm.pool-inactive", lab.create(volume));
  assert.match(error.help!, /virsh pool-start/);
});
