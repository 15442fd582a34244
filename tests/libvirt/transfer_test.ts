/** Moving data between files or web streams and volumes. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  Libvirt,
  LibvirtError,
  type StoragePool,
  type StorageVolume,
} from "../../providers/kvm/libvirt/mod.ts";
import { PrivateDaemon, systemAnswers } from "./support.ts";

const MIB = 1_048_576;
const system = await systemAnswers();

async function sha256(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

async function blocks(path: string): Promise<number> {
  return (await Deno.stat(path)).blocks ?? 0;
}

function onPool(
  name: string,
  body: (pool: StoragePool, folder: string) => Promise<void>,
): void {
  Deno.test(name, { ignore: !system }, async () => {
    const folder = await Deno.makeTempDir({ prefix: "lvt-transfer-" });
    try {
      await using libvirt = await Libvirt.open();
      await using daemon = await PrivateDaemon.start(libvirt);
      await using connection = await libvirt.connect(daemon.uri);
      const pool = await connection.createPool(
        `<pool type='dir'><name>lvt</name><target><path>${folder}</path></target></pool>`,
      );
      await body(pool, folder);
      await pool.destroy();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function makeVolume(pool: StoragePool, name: string, bytes: number): Promise<StorageVolume> {
  return pool.createVolume(
    `<volume><name>${name}</name><capacity>${bytes}</capacity><allocation>0</allocation>` +
      "<target><format type='raw'/></target></volume>",
  );
}

/** 24 MiB: data, a hole of 16 MiB, data, a hole to the end; not aligned to chunks. */
async function makeSource(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  const noise = crypto.getRandomValues(new Uint8Array(65_536));
  for (let index = 0; index < 37; index++) await file.write(noise);
  await file.seek(20 * MIB, Deno.SeekMode.Start);
  await file.write(noise.subarray(0, 65_536 - 3));
  await file.truncate(24 * MIB);
}

onPool("a file with holes goes up and comes back the same, holes and all", async (pool, folder) => {
  const source = `${folder}/source.raw`;
  await makeSource(source);
  const volume = await makeVolume(pool, "sparse.img", 24 * MIB);
  const progress: number[] = [];
  assert.equal(
    await volume.upload(source, { onProgress: (bytes) => progress.push(bytes) }),
    24 * MIB,
  );
  assert.equal(progress.at(-1), 24 * MIB);
  const path = await volume.path();
  assert.equal(await sha256(path), await sha256(source));
  assert.ok(await blocks(path) <= await blocks(source) + 64, "the volume has the file's holes");

  const target = `${folder}/target.raw`;
  assert.equal(await volume.download(target), 24 * MIB);
  assert.equal(await sha256(target), await sha256(source));
  assert.equal((await Deno.stat(target)).size, 24 * MIB);
  assert.ok(await blocks(target) <= await blocks(source) + 64, "the copy has the file's holes");

  const full = await makeVolume(pool, "full.img", 24 * MIB);
  await full.upload(source, { sparse: false });
  assert.equal(await sha256(await full.path()), await sha256(source));
});

onPool(
  "web streams of any piece size go up and come back, with and without holes",
  async (pool, folder) => {
    const source = `${folder}/source.raw`;
    await makeSource(source);
    const digest = await sha256(source);
    for (const sparse of [false, true]) {
      const volume = await makeVolume(pool, `stream-${sparse}.img`, 24 * MIB);
      const file = await Deno.open(source);
      assert.equal(await volume.upload(file.readable, { sparse }), 24 * MIB);
      const path = await volume.path();
      assert.equal(await sha256(path), digest);
      if (sparse) assert.ok(await blocks(path) * 512 < 4 * MIB, "zeroes became holes");
      const hash = createHash("sha256");
      let bytes = 0;
      const sink = new WritableStream<Uint8Array>({
        write(piece) {
          hash.update(piece);
          bytes += piece.length;
        },
      });
      assert.equal(await volume.download(sink, { sparse }), 24 * MIB);
      assert.equal(bytes, 24 * MIB);
      assert.equal(hash.digest("hex"), digest);
    }
  },
);

onPool("a part of a volume is written and read", async (pool, folder) => {
  const volume = await makeVolume(pool, "part.img", MIB);
  const piece = crypto.getRandomValues(new Uint8Array(10_000));
  const stream = new Response(piece).body as ReadableStream<Uint8Array>;
  await volume.upload(stream, { offset: 5_000, length: 10_000 });
  await volume.download(`${folder}/piece`, { offset: 5_000, length: 10_000, sparse: false });
  assert.deepEqual(await Deno.readFile(`${folder}/piece`), piece);
});

onPool("a transfer is stopped by its signal, and the connection lives on", async (pool) => {
  const volume = await makeVolume(pool, "endless.img", 1_024 * MIB);
  const controller = new AbortController();
  const endless = new ReadableStream<Uint8Array>({
    pull: (stream) => stream.enqueue(new Uint8Array(MIB).fill(1)),
  });
  await assert.rejects(
    volume.upload(endless, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    }),
    /enough/,
  );
  assert.equal((await pool.volumes()).length, 1);
});

onPool("a transfer that cannot be is an error of its own kind", async (pool, folder) => {
  const volume = await makeVolume(pool, "small.img", 1_000);
  await assert.rejects(volume.upload(`${folder}/none`), Deno.errors.NotFound);
  await volume.delete();
  await Deno.writeTextFile(`${folder}/file`, "text");
  await assert.rejects(volume.upload(`${folder}/file`), (error: unknown) => {
    assert.ok(error instanceof LibvirtError);
    assert.equal(error.call, "virStorageVolUpload");
    return true;
  });
});
