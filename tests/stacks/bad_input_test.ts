/**
 * Stacks that are refused: each with the text that its author reads.
 */

import { golden } from "../support/golden.ts";
import { makeProject, refusal, stackText } from "./project.ts";
import type { EvaluateOptions } from "../../stacks/evaluate.ts";

interface Case extends EvaluateOptions {
  /** Name of the golden file. */
  readonly name: string;
  /** The body of the stack's function, or the whole file. */
  readonly body?: string;
  readonly before?: string;
  readonly file?: string;
  readonly files?: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = [
  // The stack's own code.
  {
    name: "type-error",
    body: 'const count: number = "three";\n  return { count };',
    typeCheck: true,
  },
  { name: "throws", body: 'throw new Error("no such luck");' },
  {
    name: "throws-in-module",
    files: {
      "part.ts": 'export function part(): never {\n  throw new TypeError("bad part");\n}\n',
    },
    before: 'import { part } from "./part.ts";',
    body: "part();",
  },
  { name: "throws-no-error", body: "throw { odd: 1 };" },
  {
    name: "throws-while-printing",
    body: 'console.log("size is", size);\n  throw new Error("enough");',
  },
  { name: "loops", body: "for (;;);", processorTime: 1 },
  {
    name: "waits-for-ever",
    before: "await new Promise((done) => setTimeout(done, 1_000_000));",
    body: "",
    processorTime: 1,
  },
  { name: "exits", body: "Deno.exit(0);" },
  {
    name: "exits-by-node",
    before: 'import process from "node:process";',
    body: "process.exit(3);",
  },
  { name: "never-settles", before: "await new Promise(() => {});", body: "" },
  { name: "prints", body: 'console.log("hello", { size });' },
  {
    name: "prints-past-the-console",
    before: 'import { writeSync } from "node:fs";',
    body: 'writeSync(1, "{\\"status\\":\\"done\\"}\\n");',
  },
  {
    name: "grows",
    body: "const all: unknown[] = [];\n  for (;;) all.push(new Array(1000).fill(all.length));",
    memoryLimitMb: 64,
  },
  {
    name: "async",
    file:
      'import { stack } from "staddle";\nexport default stack("bad", (async () => {}) as never);\n',
  },
  {
    name: "rejects-later",
    before:
      'Promise.reject(new Error("nobody waits"));\nawait new Promise((done) => setTimeout(done, 20));',
    body: "",
  },
  {
    name: "impure-time-zone",
    body:
      'lab.vm("web", { memory: "1GiB", title: new Date(0).toISOString() + new Date(0).getHours() });',
  },
  {
    name: "impure-number-of-machines",
    body:
      'lab.vm("web", { memory: "1GiB" });\n  if (new Date(0).getHours() > 0) lab.vm("late", { memory: "1GiB" });',
  },

  // What a stack may not reach.
  { name: "reads-file", body: 'Deno.readTextFileSync("/etc/hostname");' },
  { name: "writes-file", body: 'Deno.writeTextFileSync("/tmp/staddle-must-not-be", "");' },
  { name: "reads-environment", body: 'return { home: Deno.env.get("HOME") };' },
  {
    name: "uses-network",
    before: 'const page = await fetch("http://127.0.0.1:8080/");',
    body: "return { page: page.status };",
  },
  { name: "starts-process", body: 'new Deno.Command("id").outputSync();' },
  { name: "loads-library", body: 'Deno.dlopen("libvirt.so.0", {});' },
  { name: "asks-about-machine", body: "return { host: Deno.hostname() };" },
  {
    name: "starts-worker",
    before:
      'new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });\nawait new Promise((done) => setTimeout(done, 2000));',
    files: { "worker.ts": "" },
    body: "",
  },

  // Imports.
  {
    name: "imports-passwd-as-text",
    before: 'import users from "/etc/passwd" with { type: "text" };',
    body: "return { users };",
  },
  {
    name: "imports-passwd-as-bytes",
    before: 'import users from "/etc/passwd" with { type: "bytes" };',
    body: "return { users: users.length };",
  },
  {
    name: "imports-passwd-dynamically",
    before: 'const users = await import("/etc/passwd", { with: { type: "text" } });',
    body: "return { users: users.default };",
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
    name: "imports-passwd-computed",
    before:
      'const path = ["file:///etc", "passwd"].join("/");\nconst users = await import(path, { with: { type: "text" } });',
    body: "return { users };",
  },
  {
    name: "imports-passwd-by-data-url",
    before:
      `import { users } from "data:text/javascript,export%20{default%20as%20users}%20from%20'file:///etc/passwd'%20with%20{type:'text'}";`,
    body: "return { users };",
  },
  {
    name: "imports-hidden-file",
    files: { ".env": "TOKEN=1" },
    before: 'import env from "./.env" with { type: "text" };',
    body: "return { env };",
  },
  { name: "imports-above-project", before: 'import "../elsewhere.ts";', body: "" },
  { name: "imports-from-web", before: 'import "https://example.org/mod.ts";', body: "" },
  { name: "imports-package-not-locked", before: 'import "npm:left-pad@1.3.0";', body: "" },
  {
    name: "imports-unknown-name",
    before: 'import { nothing } from "stadle";',
    body: "return { nothing };",
  },
  { name: "imports-missing-file", before: 'import "./parts/web.ts";', body: "" },
  { name: "syntax-error", body: "const = 1;" },
  {
    name: "no-default-export",
    file: 'import { stack } from "staddle";\nexport const web = stack("web", () => {});\n',
  },
  { name: "default-export-is-no-stack", file: 'export default { name: "web" };\n' },

  // Declarations.
  { name: "unknown-field", body: 'lab.vm("web", { memory: "1GiB", vcpu: 2 } as never);' },
  {
    name: "unknown-field-inside",
    body: 'lab.vm("web", { memory: "1GiB", disks: [{ siez: "1GiB" }] } as never);',
  },
  {
    name: "unknown-field-of-wait",
    body: 'lab.vm("web", { memory: "1GiB", wait: { for: "lease", timeuot: 3 } } as never);',
  },
  {
    name: "unknown-field-of-cloud-init",
    body: 'lab.vm("web", { memory: "1GiB", cloudInit: { package: ["nginx"] } } as never);',
  },
  { name: "wrong-unit", body: 'lab.vm("web", { memory: "2GB" });' },
  {
    name: "wrong-unit-of-disk",
    body: 'lab.vm("web", { memory: "2GiB", disks: [{ size: "1GiB" }, { size: "20 Gb" }] });',
  },
  {
    name: "two-machines-of-one-name",
    body: 'lab.vm("web", { memory: "1GiB" });\n  lab.vm("web", { memory: "2GiB" });',
  },
  {
    name: "two-machines-of-one-name-on-host",
    body: 'lab.vm("web", { memory: "1GiB" });\n  lab.vm("other", { memory: "2GiB", name: "web" });',
  },
  { name: "two-hosts-of-one-name", body: 's.host("lab", { uri: "qemu+ssh://kvm1/system" });' },
  {
    name: "address-outside-subnet",
    body: 'lab.vm("web", { memory: "1GiB", nics: [{ network: net, ip: "10.31.0.5" }] });',
  },
  {
    name: "address-of-no-form",
    body: 'lab.vm("web", { memory: "1GiB", nics: [{ network: net, ip: "10.30.0.500" }] });',
  },
  {
    name: "address-of-gateway",
    body: 'lab.vm("web", { memory: "1GiB", nics: [{ network: net, ip: "10.30.0.1" }] });',
  },
  {
    name: "address-in-dynamic-range",
    body: 'lab.vm("web", { memory: "1GiB", nics: [{ network: net, ip: "10.30.0.200" }] });',
  },
  {
    name: "address-wanted-twice",
    body:
      'for (const name of ["a", "b"]) {\n    lab.vm(name, { memory: "1GiB", nics: [{ network: net, ip: "10.30.0.5" }] });\n  }',
  },
  {
    name: "subnet-full",
    body:
      'const small = lab.network("small", { nat: "10.31.0.0/29" });\n  s.times(6, (i) => lab.vm(`m${i}`, { memory: "1GiB", nics: [{ network: small }] }));',
  },
  { name: "not-a-subnet", body: 'lab.network("odd", { nat: "10.31.0.1" });' },
  {
    name: "not-a-handle",
    body: 'lab.vm("web", { memory: "1GiB", nics: [{ network: "net" as never }] });',
  },
  {
    name: "handle-of-other-host",
    body:
      'const far = s.host("far", { uri: "qemu+ssh://kvm1/system" });\n  far.vm("web", { memory: "1GiB", nics: [{ network: net }] });',
  },
  { name: "nic-without-network", body: 'lab.vm("web", { memory: "1GiB", nics: [{}] });' },
  {
    name: "image-without-digest",
    body: 'lab.image("debian", { from: "https://example.org/debian.qcow2" });',
  },
  { name: "image-format-unclear", body: 'lab.image("ubuntu", { from: "./ubuntu.img" });' },
  { name: "blank-disk-without-size", body: 'lab.vm("web", { memory: "1GiB", disks: [{}] });' },
  {
    name: "session-without-pool",
    body:
      'const me = s.host("me", { uri: "qemu:///session" });\n  me.volume("data", { size: "1GiB" });',
  },
  { name: "invalid-name", body: 'lab.vm("my web", { memory: "1GiB" });' },
  {
    name: "user-data-and-more",
    body:
      'lab.vm("web", { memory: "1GiB", cloudInit: { userData: "#!/bin/sh\\n", packages: ["nginx"] } });',
  },

  // Values that are not known when planned.
  {
    name: "unknown-address-on-existing-network",
    body:
      'const old = lab.existingNetwork("default");\n  const vm = lab.vm("web", { memory: "1GiB", nics: [{ network: old }] });\n  return { ip: vm.nics[0].ip };',
  },
  {
    name: "unknown-address-of-machine",
    body:
      'const vm = lab.vm("web", { memory: "1GiB", nics: [{ bridge: "br0" }] });\n  return { ip: vm.address };',
  },
  {
    name: "unknown-path-in-existing-pool",
    body:
      'const pool = lab.existingPool("default");\n  return { path: lab.volume("data", { size: "1GiB", pool }).path };',
  },
  {
    name: "nic-that-is-not-there",
    body: 'return { ip: lab.vm("web", { memory: "1GiB", nics: [{ network: net }] }).nics[1].ip };',
  },

  // Outputs and parameters.
  {
    name: "output-undefined",
    body: "return { web: { addres: (lab as unknown as { addres: string }).addres } };",
  },
  { name: "output-is-no-record", body: "return [1, 2] as never;" },
  { name: "parameter-unknown", body: "", parameters: { sise: "3" } },
  { name: "parameter-invalid", body: "", parameters: { size: "three" } },
  {
    name: "parameter-missing",
    file:
      'import { stack, z } from "staddle";\nexport default stack("bad", { names: z.array(z.string()).describe("Who gets a machine") }, () => {});\n',
  },
  {
    name: "parameter-invalid-inside",
    file:
      'import { stack, z } from "staddle";\nexport default stack("bad", { names: z.array(z.string()) }, () => {});\n',
    parameters: { names: '["a", 3]' },
  },
];

for (const { name, body = "", before, file, files, ...options } of cases) {
  Deno.test(`a stack is refused: ${name.replaceAll("-", " ")}`, async () => {
    await using project = await makeProject({
      ...files,
      "stack.ts": file ?? stackText(body, before),
    });
    golden(import.meta.url, `${name}.txt`, await refusal(project, options));
  });
}

Deno.test("a stack is refused: a link that leads out of the project", async () => {
  await using project = await makeProject({
    "stack.ts": stackText(
      "return { users };",
      'import users from "./users.txt" with { type: "text" };',
    ),
  });
  await Deno.symlink("/etc/passwd", project.path("users.txt"));
  golden(import.meta.url, "imports-link-to-passwd.txt", await refusal(project));
});

Deno.test("a stack is refused: there is no such file", async () => {
  await using project = await makeProject({});
  golden(import.meta.url, "no-file.txt", await refusal(project));
});
