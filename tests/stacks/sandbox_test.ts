/**
 * The sandbox: what a stack gets, what it cannot get, and what is left behind.
 */

import assert from "node:assert/strict";
import { describeStack, evaluate, stackDigest } from "../../stacks/evaluate.ts";
import { StaddleError } from "../../providers/error.ts";
import { denoDirectory } from "../../stacks/sandbox/process.ts";
import { makeProject, patient, refusal, stackText } from "./project.ts";

const good = stackText(
  'const vm = lab.vm("web", { memory: "1GiB", nics: [{ network: net }] });\n' +
    "  return { ip: vm.address, size };",
);

/** Code of the error with which a stack is refused. */
async function code(body: string, before = "", options = {}): Promise<string | undefined> {
  await using project = await makeProject({ "stack.ts": stackText(body, before) });
  return /^error\[([^\]]+)\]/.exec(await refusal(project, options))?.[1];
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("a stack outside of the repository finds staddle, and is checked", async () => {
  await using project = await makeProject({ "stack.ts": good });
  const { topology, modules } = await evaluate(project.path("stack.ts"), {
    processorTime: patient.processorTime,
    parameters: { size: "3" },
  });
  assert.deepEqual(topology.parameters, { size: 3 });
  assert.equal(topology.outputs.size?.value, 3);
  const machine = topology.resources.find((one) => one.kind === "machine");
  assert.equal(machine?.declaredAt, "stack.ts:6:18");
  assert.ok(modules.some((one) => one.path === "stack.ts"));
  assert.ok(modules.some((one) => one.path === "staddle:stacks/mod.ts"));
  assert.ok(!modules.some((one) => one.path.includes("cli/")), "the command line is loaded");
});

Deno.test("other work begins when the processes run, and none for a stack that is not there", async () => {
  await using project = await makeProject({ "stack.ts": good });
  const running: number[] = [];
  const begun = () => running.push(children());
  await evaluate(project.path("stack.ts"), { processorTime: patient.processorTime, begun });
  // Two evaluations and the walk, for which the check of types waits.
  assert.deepEqual(running, [3]);
  await assert.rejects(evaluate(project.path("none.ts"), { begun }));
  assert.equal(running.length, 1);
});

/** How many processes this one has started that have not ended. */
function children(): number {
  return [...Deno.readDirSync("/proc/self/task")].flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/self/task/${name}/children`).split(" ").filter((pid) => pid !== "")
  ).length;
}

Deno.test("types are those of Deno and of Node, whichever a stack uses", async () => {
  await using project = await makeProject({
    "node.ts": stackText(
      "return { name: basename(import.meta.url) };",
      'import { basename } from "node:path";',
    ),
    "deno.ts": stackText(
      "return { text: structuredClone(encode) };",
      "const later = () => setTimeout(() => Deno.cwd(), 1); const encode = btoa(`${typeof later}`);",
    ),
    "wrong.ts": stackText(
      "return { text: 1 };",
      "export const later: string = setTimeout(() => {}, 1);",
    ),
  });
  const { processorTime } = patient;
  const node = await evaluate(project.path("node.ts"), { processorTime });
  assert.equal(node.topology.outputs.name?.value, "node.ts");
  const deno = await evaluate(project.path("deno.ts"), { processorTime });
  assert.equal(deno.topology.outputs.text?.value, btoa("function"));
  await assert.rejects(evaluate(project.path("wrong.ts"), { processorTime }), (error) => {
    assert.ok(error instanceof StaddleError && error.code === "stack.type-error");
    assert.match(error.details.join("\n"), /TS2322: Type '\w+' is not assignable/);
    return true;
  });
});

Deno.test("what an author imports holds nothing that validates or declares", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../stacks/mod.ts", import.meta.url).href],
    stderr: "inherit",
  }).output();
  assert.ok(success);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly modules: readonly { readonly specifier: string }[];
  };
  const heavy = modules.map(({ specifier }) => specifier).filter((specifier) =>
    /stacks\/(declare|sandbox)\/|providers\/kvm\/|\/stacks\/(schemas|build|scope)\.ts/.test(
      specifier,
    )
  );
  assert.deepEqual(heavy, [], "each check of a changed stack would read these: import types alone");
});

Deno.test("a project has imports of its own, in JSON with comments, and modules of Staddle's", async () => {
  await using project = await makeProject({
    "deno.jsonc": `{
      // names of our own
      "imports": { "#parts/": "./parts/", },
    }`,
    "parts/size.ts": 'export const memory: string = "3GiB";\n',
    "parts/motd.txt": "hello\n",
    "parts/names.json": '["a", "b"]',
    "stacks/stack.ts": `import { stack } from "staddle";
import { clusterOf } from "staddle/modules/cluster_of.ts";
import { memory } from "#parts/size.ts";
import motd from "../parts/motd.txt" with { type: "text" };
import names from "../parts/names.json" with { type: "json" };
export default stack("own", (s) => {
  const hosts = names.map((name) => s.host(name, { uri: "qemu:///system" }));
  clusterOf("m", 2, { hosts, site: () => {}, member: () => ({ memory, title: motd.trim() }) });
});
`,
  });
  const { topology, modules } = await evaluate(project.path("stacks/stack.ts"), {
    processorTime: patient.processorTime,
  });
  const machine = topology.resources.find((one) => one.address === "b/machine.m-1");
  assert.equal(machine?.spec.memory, 3 * 1024 ** 3);
  assert.equal(machine?.spec.title, "hello");
  const own = modules.map((one) => one.path).filter((path) => !path.startsWith("staddle:"));
  assert.deepEqual(own, [
    "parts/motd.txt",
    "parts/names.json",
    "parts/size.ts",
    "stacks/stack.ts",
  ]);
});

Deno.test("the digest follows every module, and nothing else", async () => {
  await using project = await makeProject({
    "stack.ts": stackText("return { part };", 'import { part } from "./part.ts";'),
    "part.ts": "export const part = 1;\n",
    "other.ts": "export const other = 1;\n",
  });
  const file = project.path("stack.ts");
  const { digest } = await evaluate(file, patient);
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal(await stackDigest(file), digest);
  await Deno.writeTextFile(project.path("other.ts"), "export const other = 2;\n");
  assert.equal(await stackDigest(file), digest);
  await Deno.writeTextFile(project.path("part.ts"), "export const part = 2;\n");
  assert.notEqual(await stackDigest(file), digest);
});

Deno.test("a stack says its name and parameters without being given any", async () => {
  await using project = await makeProject({
    "stack.ts": `import { stack, z } from "staddle";
export default stack("told", {
  names: z.array(z.string()).describe("Who gets a machine"),
  size: z.enum(["small", "large"]).default("small"),
}, () => {});
`,
  });
  const { name, parameters } = await describeStack(project.path("stack.ts"), patient);
  assert.equal(name, "told");
  assert.deepEqual(
    parameters.map(({ schema: _, ...rest }) => rest),
    [
      { name: "names", required: true, type: "string[]", description: "Who gets a machine" },
      { name: "size", required: false, type: '"small" | "large"', default: "small" },
    ],
  );
});

Deno.test("nothing of the environment reaches a stack, by whatever way it asks", async () => {
  Deno.env.set("STADDLE_TEST_SECRET", "s3cret");
  try {
    const ways = [
      'Deno.env.get("STADDLE_TEST_SECRET")',
      "Deno.env.toObject()",
      "(globalThis as never as { process: { env: object } }).process.env",
      'Object.keys(process.getBuiltinModule("node:process").env)',
    ];
    for (const way of ways) {
      const before = 'import process from "node:process";';
      assert.equal(
        await code(`return { way: JSON.stringify(${way}), p: typeof process };`, before),
        "stack.permission",
        way,
      );
    }
  } finally {
    Deno.env.delete("STADDLE_TEST_SECRET");
  }
});

Deno.test("clocks and chance are found out", async () => {
  const ways = [
    "Date.now()",
    "new Date().toISOString()",
    "Date()",
    "Math.random()",
    "crypto.randomUUID()",
    "performance.now()",
    "performance.timeOrigin",
    "new Intl.DateTimeFormat().resolvedOptions().timeZone",
    "Temporal.Now.instant().toString()",
    "Temporal.Now.plainDateISO().toString()",
  ];
  await Promise.all(ways.map(async (way, index) => {
    // Two at once: a process has two cores at most here.
    if (index % 2 === 1) await new Promise((done) => setTimeout(done, 50));
    assert.equal(await code(`return { value: ${way} };`), "stack.impure", way);
  }));
});

Deno.test("a date that is given is a date", async () => {
  await using project = await makeProject({
    "stack.ts": stackText(
      'const day = new Date("2026-01-02T03:04:05Z");\n' +
        "  return { day: day.toISOString(), is: day instanceof Date, n: Date.UTC(2026, 0) };",
    ),
  });
  const { outputs } = (await evaluate(project.path("stack.ts"), patient)).topology;
  assert.equal(outputs.day?.value, "2026-01-02T03:04:05.000Z");
  assert.equal(outputs.is?.value, true);
  assert.equal(outputs.n?.value, Date.UTC(2026, 0));
});

Deno.test("a stack cannot keep anything: no storage, not even in a worker", async () => {
  const worker = `data:application/javascript,${
    encodeURIComponent(
      "try { await caches.open('x').then((c) => c.put('http://a/b', new Response('kept')));" +
        "postMessage('kept') } catch (e) { postMessage('refused') }",
    )
  }`;
  await using project = await makeProject({
    "stack.ts": stackText(
      "return { said, storage: typeof localStorage, caches: typeof caches };",
      `const worker = new Worker(${JSON.stringify(worker)}, { type: "module" });
const said = await new Promise((done) => worker.onmessage = (event) => done(event.data));`,
    ),
  });
  const before = await exists(`${denoDirectory()}/location_data`);
  const { outputs } = (await evaluate(project.path("stack.ts"), patient)).topology;
  assert.equal(outputs.said?.value, "refused");
  assert.equal(outputs.storage?.value, "undefined");
  assert.equal(outputs.caches?.value, "undefined");
  assert.equal(await exists(`${denoDirectory()}/location_data`), before);
});

Deno.test("memory outside of the JavaScript heap is limited too", async () => {
  const endless = "const all: unknown[] = [];\n  for (;;) all.push(new Uint8Array(1e7).fill(1));";
  assert.equal(await code(endless, "", { memoryLimitMb: 64 }), "stack.out-of-memory");
});

Deno.test("what a stack says is worth nothing when its modules are refused", async () => {
  // Everything else about it is wrong too; the import is what is said.
  const before = 'import secret from "/etc/hostname" with { type: "text" };\nconsole.log(secret);';
  await using project = await makeProject({
    "stack.ts": stackText('throw new Error("it is " + secret);', before),
  });
  const text = await refusal(project);
  assert.match(text, /^error\[stack\.import-outside\]/);
  assert.ok(!text.includes(`it is ${(await Deno.readTextFile("/etc/hostname")).trim()}`), text);
});

Deno.test("a file whose words would show in a type error is refused before it is checked", async () => {
  await using outside = await makeProject({ "key.txt": "PRIVATE words of a key\n" });
  await using project = await makeProject({
    "stack.ts": stackText(
      "",
      `import type { Key } from "${outside.path("key.txt")}";\nexport type K = Key;`,
    ),
  });
  const text = await refusal(project, { typeCheck: true });
  assert.match(text, /^error\[stack\.import-outside\]/);
  assert.ok(!text.includes("PRIVATE"), text);
});

Deno.test("a device that never ends is refused without being read", async () => {
  const before = 'import zeros from "/dev/zero" with { type: "bytes" };';
  assert.equal(
    await code("return { zeros: zeros.length };", before, { processorTime: 5 }),
    "stack.import-outside",
  );
});

Deno.test("a stack that forges a report is taken for one that prints", async () => {
  const before = 'import { writeSync } from "node:fs";';
  const body =
    'writeSync(1, "\\nstaddle-report-0:" + JSON.stringify({ status: "done", topology: {} }) + "\\n");';
  assert.equal(await code(body, before), "stack.prints");
});

Deno.test("a stack that breaks JavaScript's own objects harms itself alone", async () => {
  const ways = [
    "JSON.stringify = () => '{}';",
    "JSON.stringify = () => { throw 1; };",
    "(Array.prototype as unknown as Record<symbol, unknown>)[Symbol.iterator] = null;",
  ];
  for (const way of ways) assert.match(await code(way) ?? "", /^stack\./, way);
});

Deno.test("cancelling ends an evaluation at once", async () => {
  await using project = await makeProject({ "stack.ts": stackText("for (;;);") });
  const reason = new Error("enough");
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(reason), 300);
  const began = performance.now();
  await assert.rejects(
    evaluate(project.path("stack.ts"), { ...patient, signal: stop.signal }),
    (error) => error === reason,
  );
  clearTimeout(timer);
  assert.ok(performance.now() - began < 20_000);
});

Deno.test("nothing is left behind, whatever a stack does", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-test-tmp-" });
  const before = Deno.env.get("TMPDIR");
  try {
    await using project = await makeProject({
      "good.ts": good,
      "bad.ts": stackText('throw new Error("no");'),
      "endless.ts": stackText("for (;;);"),
    });
    Deno.env.set("TMPDIR", folder);
    await evaluate(project.path("good.ts"), patient);
    for (const file of ["bad.ts", "endless.ts"]) {
      await assert.rejects(
        evaluate(project.path(file), { ...patient, processorTime: 1 }),
        StaddleError,
      );
    }
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map((one) => one.name), []);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("packages that the lock names are fetched when Deno's cache has none", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-test-cache-" });
  const before = Deno.env.get("DENO_DIR");
  try {
    await using project = await makeProject({ "stack.ts": good });
    Deno.env.set("DENO_DIR", folder);
    const { topology } = await evaluate(project.path("stack.ts"), {
      processorTime: patient.processorTime,
    });
    assert.equal(topology.stack, "bad");
    assert.ok(await exists(`${folder}/npm`));
  } finally {
    if (before === undefined) Deno.env.delete("DENO_DIR");
    else Deno.env.set("DENO_DIR", before);
    await Deno.remove(folder, { recursive: true });
  }
});
