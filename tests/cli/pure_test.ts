import assert from "node:assert/strict";
import { locateStack } from "../../cli/location.ts";
import { withDigests } from "../../cli/local_files.ts";
import { parseParameters } from "../../cli/parameters.ts";
import { againText } from "../../cli/refused.ts";
import { VERSION } from "../../cli/version.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../../planner/topology.ts";
import { StaddleError } from "../../providers/error.ts";
import { resource } from "./plans.ts";

const code = (expected: string) => (error: unknown): boolean =>
  error instanceof StaddleError && error.code === expected;

Deno.test("the version is the one in deno.json", async () => {
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  assert.equal(VERSION, version);
});

Deno.test("parameters are key=value; the value may hold anything", () => {
  assert.deepEqual(parseParameters(["a=1", "b=x=y", "c="]), { a: "1", b: "x=y", c: "" });
  assert.deepEqual(parseParameters(), {});
  for (const bad of [["a"], ["=1"], ["a=1", "a=2"]]) {
    assert.throws(() => parseParameters(bad), code("usage.bad-parameter"));
  }
});

Deno.test("the command to go on with is ready to be typed", () => {
  assert.equal(
    againText("apply", "my stack.ts", { param: ["n=2"], exclude: ["b/*"] }),
    "staddle apply 'my stack.ts' --param n=2 --exclude 'b/*'",
  );
});

Deno.test("a stack is named by its file, its folder or its recorded name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/stack.ts`, "");
    await Deno.mkdir(`${folder}/empty`);
    const found = { kind: "file", file: `${folder}/stack.ts`, shown: `${folder}/stack.ts`, folder };
    assert.deepEqual(locateStack(folder), found);
    assert.deepEqual(locateStack(`${folder}/stack.ts`), found);
    assert.equal(locateStack("shop", { recorded: true }).kind, "name");
    assert.throws(() => locateStack("shop"), code("stack.not-found"));
    assert.throws(() => locateStack("gone.ts", { recorded: true }), code("stack.not-found"));
    assert.throws(() => locateStack(`${folder}/empty`), code("stack.not-found"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function topology(...specs: { from: string; sha256?: string }[]): Topology {
  return {
    format: TOPOLOGY_FORMAT,
    stack: "s",
    parameters: {},
    hosts: { lab: { name: "lab", uri: "qemu:///system" } },
    resources: specs.map((spec, index) => resource(`lab/image.i${index}`, spec)),
    outputs: {},
    reservations: {},
  };
}

Deno.test("local images get their digest, which is kept beside the record once they have settled", async () => {
  const baseDirectory = await Deno.makeTempDir();
  const cacheFile = `${baseDirectory}/.staddle/files.json`;
  const sums = async (of: Topology): Promise<unknown[]> =>
    (await withDigests(of, { baseDirectory })).resources.map(({ spec }) => spec.sha256);
  try {
    const image = `${baseDirectory}/a.img`;
    await Deno.writeTextFile(image, "");
    const remote = { from: "https://example.org/x.qcow2", sha256: "f" };
    assert.deepEqual(await sums(topology({ from: "./a.img" }, remote)), [EMPTY_SHA256, "f"]);
    await assert.rejects(Deno.stat(cacheFile), Deno.errors.NotFound, "a fresh file is not kept");

    await Deno.utime(image, 1_000, 1_000);
    assert.deepEqual(await sums(topology({ from: `file://${image}` })), [EMPTY_SHA256]);
    const kept = JSON.parse(await Deno.readTextFile(cacheFile));
    assert.equal(kept.files[image].sha256, EMPTY_SHA256);

    kept.files[image].sha256 = "0".repeat(64);
    await Deno.writeTextFile(cacheFile, JSON.stringify(kept));
    assert.deepEqual(await sums(topology({ from: "a.img" })), ["0".repeat(64)], "it is used");
    await Deno.writeTextFile(image, "changed");
    assert.notEqual((await sums(topology({ from: "a.img" })))[0], "0".repeat(64), "size differs");
    await Deno.writeTextFile(cacheFile, "{ broken");
    assert.equal((await sums(topology({ from: "a.img" }))).length, 1);
  } finally {
    await Deno.remove(baseDirectory, { recursive: true });
  }
});

Deno.test("an image that is not the declared one, or not there, is refused before anything else", async () => {
  const baseDirectory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${baseDirectory}/a.img`, "");
    const check = (of: Topology) => withDigests(of, { baseDirectory });
    await check(topology({ from: "a.img", sha256: EMPTY_SHA256.toUpperCase() }));
    await assert.rejects(
      check(topology({ from: "a.img", sha256: "0".repeat(64) })),
      code("image.digest-mismatch"),
    );
    await assert.rejects(check(topology({ from: "b.img" })), code("image.not-found"));
    await assert.rejects(check(topology({ from: "." })), code("image.not-readable"));
    await assert.rejects(
      check(topology({ from: "b.img" }, { from: "c.img" })),
      (error: AggregateError) => error.errors.length === 2,
    );
  } finally {
    await Deno.remove(baseDirectory, { recursive: true });
  }
});
