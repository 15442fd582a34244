/**
 * Bad input from end to end: through the real command line, with the text that a person reads, and with
 * nothing touched: no connection to a host, no folder for a record.
 *
 * Where each refusal is shown by a golden text (here: this folder's `golden/`):
 *
 * | Bad input                             | From end to end      | Every shape of it                     |
 * | ------------------------------------- | -------------------- | ------------------------------------- |
 * | type error                            | here                 | tests/stacks/bad_input_test.ts        |
 * | throws, loops, exits, prints          | here                 | tests/stacks/bad_input_test.ts        |
 * | reads a file, environment, network    | here                 | tests/stacks/bad_input_test.ts        |
 * | imports /etc/passwd as text           | here                 | tests/stacks/bad_input_test.ts        |
 * | unknown field, wrong unit             | here                 | tests/stacks/, tests/kvm/kinds/       |
 * | two machines of one name              | here                 | tests/stacks/, tests/planner/         |
 * | memory above maximum, two boot orders | here                 | tests/kvm/machine/bad_input_test.ts   |
 * | NIC without network, shared volume    | here                 | tests/kvm/machine/bad_input_test.ts   |
 * | what only a host's facts can refuse   |                      | tests/kvm/machine/bad_input_test.ts   |
 * | cycle                                 | here (see below)     | tests/planner/validate_test.ts        |
 * | address outside the subnet, full one  | here                 | tests/stacks/, tests/planner/         |
 * | image with a wrong digest             | here, hosts_test.ts  | tests/kvm/operations/storage_test.ts  |
 * | name on the host that is not ours     | hosts_test.ts        | tests/planner/make_plan_test.ts       |
 * | key refused, host key unknown/changed | hosts_test.ts        | tests/kvm/ssh/ssh_test.ts             |
 * | host down, no libvirt, no such pool   | hosts_test.ts        | tests/kvm/ssh/, tests/kvm/host/       |
 * | store locked, corrupt, read-only      | store_test.ts        | tests/state/errors_test.ts            |
 *
 * A cycle cannot be written in the stack language: a handle exists only once its resource is declared, and
 * what it depends on was fixed then. The nearest that an author can write is shown here, and so is a
 * plan file that was edited into a cycle (hosts_test.ts); cycles of a topology that was made otherwise are refused
 * by the planner (tests/planner/golden/topology_errors.txt).
 */

import assert from "node:assert/strict";
import { golden } from "../support/golden.ts";
import { makeProject, type Project, stackText, steady } from "./project.ts";

/** Stands for the address of a host that counts who comes. */
const HOST = "127.0.0.1:65535";

interface Case {
  /** Name of the golden file. */
  readonly name: string;
  /** The body of the stack's function. */
  readonly body: string;
  readonly before?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** It costs a processor its whole time-out, so it is planned alone. */
  readonly costly?: boolean;
}

const cases: readonly Case[] = [
  // The stack's own code.
  {
    name: "type-error",
    body: 'const size: number = "2GiB";\n  lab.vm("web", { memory: size });',
  },
  { name: "throws", body: 'throw new Error("no such luck");' },
  { name: "loops", body: "for (;;);", costly: true },
  { name: "exits", body: "Deno.exit(0);" },
  { name: "prints", body: 'console.log("about to begin");' },

  // What a stack may not reach.
  { name: "reads-file", body: 'return { name: Deno.readTextFileSync("/etc/hostname") };' },
  { name: "reads-environment", body: 'return { home: Deno.env.get("HOME") };' },
  {
    name: "uses-network",
    before: `const page = await fetch("http://${HOST}/");`,
    body: "return { status: page.status };",
  },
  {
    name: "imports-passwd",
    before: 'import users from "/etc/passwd" with { type: "text" };',
    body: "return { users };",
  },
  {
    name: "imports-passwd-by-module",
    files: {
      "part.ts": 'export { default as users } from "file:///etc/passwd" with { type: "text" };\n',
    },
    before: 'import { users } from "./part.ts";',
    body: "return { users };",
  },
  {
    name: "imports-passwd-dynamically",
    before:
      'const path = ["/etc", "passwd"].join("/");\nconst { default: users } = await import(path, { with: { type: "text" } });',
    body: "return { users };",
  },

  // Declarations.
  { name: "unknown-field", body: 'lab.vm("web", { memory: "1GiB", vcpu: 2 });' },
  { name: "wrong-unit", body: 'lab.vm("web", { memory: "2GB" });' },
  {
    name: "two-machines-of-one-name",
    body: 'lab.vm("web", { memory: "1GiB" });\n  lab.vm("web", { memory: "2GiB" });',
  },
  {
    name: "memory-above-maximum",
    body: 'lab.vm("web", { memory: "4GiB", maxMemory: "2GiB" });',
  },
  {
    name: "two-boot-orders",
    body:
      'lab.vm("web", { memory: "1GiB", bootOrder: ["hd"], disks: [{ file: "/srv/a.img", bootOrder: 1 }] });',
  },
  { name: "nic-without-network", body: 'lab.vm("web", { memory: "1GiB", nics: [{}] });' },
  {
    name: "volume-of-two-machines",
    body:
      'const volume = lab.volume("data", { pool: lab.pool("store", { path: "/srv/store" }), size: "1GiB" });\n  for (const name of ["a", "b"]) lab.vm(name, { memory: "1GiB", disks: [{ volume }] });',
  },
  {
    name: "cycle-of-declarations",
    body:
      'const a = lab.vm("a", { memory: "1GiB", dependsOn: [b] });\n  const b = lab.vm("b", { memory: "1GiB", dependsOn: [a] });',
  },
  {
    name: "address-outside-subnet",
    body:
      'const net = lab.network("net", { nat: "10.30.0.0/24" });\n  lab.vm("web", { memory: "1GiB", nics: [{ network: net, ip: "10.31.0.5" }] });',
  },
  {
    name: "subnet-full",
    body:
      'const net = lab.network("net", { nat: "10.31.0.0/29" });\n  s.times(6, (i) => lab.vm(`m${i}`, { memory: "1GiB", nics: [{ network: net }] }));',
  },
  {
    name: "image-with-wrong-digest",
    files: { "disk.raw": "not what was declared" },
    body: `lab.image("disk", { from: "./disk.raw", sha256: "${"0".repeat(64)}" });`,
  },
];

/** The stack's file, on a host that counts who comes. */
function declared(address: string, body: string, before = ""): string {
  return stackText(body, `{ uri: "qemu+ssh://root@${HOST}/system" }`, before)
    .replaceAll(HOST, address);
}

/** A host that counts who comes: nobody should. */
function watchedHost(): Disposable & {
  readonly address: string;
  readonly calls: () => number;
} {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let calls = 0;
  void (async () => {
    for await (const connection of listener) {
      calls++;
      connection.close();
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    calls: () => calls,
    [Symbol.dispose]: () => listener.close(),
  };
}

/** Both commands refuse in the same words, with exit status 1 and nothing on standard output. */
async function refusal(project: Project, costly: boolean): Promise<string> {
  const [planned, applied] = await Promise.all([
    project.run(["plan", "stack.ts"]),
    costly ? undefined : project.run(["apply", "stack.ts", "--yes"]),
  ]);
  assert.deepEqual([planned.code, planned.stdout], [1, ""], planned.stderr);
  if (!costly) assert.deepEqual(applied, planned, "apply says what plan says");
  return planned.stderr;
}

for (const { name, body, before, files, costly = false } of cases) {
  Deno.test(`refused, with nothing touched: ${name.replaceAll("-", " ")}`, async () => {
    using host = watchedHost();
    await using project = await makeProject({
      ...files,
      "stack.ts": declared(host.address, body, before),
    });
    // A file that has just been written is looked at anew each time: this one is older.
    for (const file of Object.keys(files ?? {})) {
      await Deno.utime(project.path(file), 1_700_000_000, 1_700_000_000);
    }
    const shown = await refusal(project, costly);
    golden(
      import.meta.url,
      `${name}.txt`,
      steady(shown, { [project.folder]: "<project>", [host.address]: "<host>" }),
    );
    await project.checkUntouched();
    assert.equal(host.calls(), 0, "the host was called");
  });
}

Deno.test("what a resource depends on is fixed when it is declared: no cycle comes of it", async () => {
  await using project = await makeProject({
    "stack.ts": stackText(
      `const needs: Machine[] = [];
  const a = lab.vm("a", { memory: "1GiB", dependsOn: needs });
  needs.push(lab.vm("b", { memory: "1GiB", dependsOn: [a] }));`,
      '{ uri: "qemu:///system" }',
      'import type { Machine } from "staddle";',
    ),
  });
  const { stdout, stderr, code } = await project.run(["graph", "stack.ts"]);
  assert.equal(code, 0, stderr);
  const edges = stdout.split("\n").filter((line) => line.includes("->"));
  assert.deepEqual(edges, ["  n1 -> n0 [style = dashed]"], stdout);
  assert.match(stdout, /n0 \[label = "machine\.a"/);
});
