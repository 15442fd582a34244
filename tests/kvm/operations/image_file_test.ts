import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { imageFile, type ImageRequest } from "../../../providers/kvm/operations/image_file.ts";
import { StaddleError } from "../../../providers/error.ts";

const content = new Uint8Array(9 << 20).map((_, index) => index % 251);
const sha256 = createHash("sha256").update(content).digest("hex");
const other = createHash("sha256").update("something else").digest("hex");

interface Site extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  requests: number;
}

async function serve(handler: () => Response): Promise<Site> {
  const folder = await Deno.makeTempDir();
  const before = Deno.env.get("XDG_CACHE_HOME");
  Deno.env.set("XDG_CACHE_HOME", `${folder}/cache`);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    site.requests++;
    return handler();
  });
  const site: Site = {
    url: `http://127.0.0.1:${server.addr.port}/image.raw`,
    folder,
    requests: 0,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      if (before === undefined) Deno.env.delete("XDG_CACHE_HOME");
      else Deno.env.set("XDG_CACHE_HOME", before);
      await Deno.remove(folder, { recursive: true });
    },
  };
  return site;
}

function request(from: string, rest: Partial<ImageRequest> = {}): ImageRequest {
  return {
    from,
    sha256,
    baseDirectory: "/",
    signal: new AbortController().signal,
    progress: () => {},
    ...rest,
  };
}

async function kept(site: Site): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(`${site.folder}/cache/staddle/images`)) {
    names.push(entry.name);
  }
  return names;
}

function code(expected: string) {
  return (error: unknown) => {
    assert.ok(error instanceof StaddleError, String(error));
    assert.equal(error.code, expected, error.render());
    return true;
  };
}

Deno.test("an image is downloaded once, also for several hosts at once", async () => {
  await using site = await serve(() => new Response(content));
  const seen: number[] = [];
  const wanted = request(site.url, { progress: (_, fraction) => seen.push(fraction ?? -1) });
  const [first, second] = await Promise.all([imageFile(wanted), imageFile(wanted)]);
  assert.deepEqual(first, second);
  assert.equal(first!.bytes, content.length);
  assert.deepEqual(await Deno.readFile(first!.path), content);
  await imageFile(wanted);
  assert.equal(site.requests, 1);
  assert.deepEqual(await kept(site), [sha256]);
  assert.ok(seen.some((fraction) => fraction > 0 && fraction < 1), seen.join());
});

Deno.test("a download with a wrong digest is refused and not kept", async () => {
  await using site = await serve(() => new Response(content));
  await assert.rejects(imageFile(request(site.url, { sha256: other })), (error: StaddleError) => {
    code("image.digest")(error);
    assert.deepEqual(error.details, [`declared: ${other}`, `found:    ${sha256}`]);
    return true;
  });
  assert.deepEqual(await kept(site), []);
});

Deno.test("a kept image that was damaged is fetched anew", async () => {
  await using site = await serve(() => new Response(content));
  const { path } = await imageFile(request(site.url));
  await Deno.truncate(path, 100);
  const again = await imageFile(request(site.url));
  assert.equal(again.bytes, content.length);
  assert.equal(site.requests, 2);
});

Deno.test("a download that fails names the server's answer and leaves nothing behind", async () => {
  await using site = await serve(() =>
    new Response("no", { status: 404, statusText: "Not Found" })
  );
  await assert.rejects(imageFile(request(site.url)), (error: StaddleError) => {
    code("image.download")(error);
    assert.match(error.message, /answered 404 Not Found/);
    return true;
  });
  assert.deepEqual(await kept(site), []);
});

Deno.test("a download that breaks off is an error", async () => {
  await using site = await serve(() =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(content.subarray(0, 1000));
          setTimeout(() => controller.error(new Error("gone")), 50);
        },
      }),
    )
  );
  await assert.rejects(imageFile(request(site.url)), code("image.download"));
  assert.deepEqual(await kept(site), []);
});

Deno.test("a download is given up when the run is cancelled", async () => {
  await using site = await serve(() =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(content) }))
  );
  const controller = new AbortController();
  const pending = imageFile(request(site.url, { signal: controller.signal }));
  setTimeout(() => controller.abort(new Error("cancelled")), 100);
  await assert.rejects(pending, /cancelled/);
  assert.deepEqual(await kept(site), []);
});

Deno.test("a file beside the stack is checked, not copied", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/disk.raw`, content);
    const found = await imageFile(request("./disk.raw", { baseDirectory: folder }));
    assert.equal(found.path, `${folder}/disk.raw`);
    await assert.rejects(
      imageFile(request("./disk.raw", { baseDirectory: folder, sha256: other })),
      code("image.digest"),
    );
    await assert.rejects(
      imageFile(request("./none.raw", { baseDirectory: folder })),
      code("image.not-found"),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
