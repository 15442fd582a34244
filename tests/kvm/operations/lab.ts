/**
 * A workplace on the real `qemu:///system`: resources under a prefix of their own, steps made of
 * them, and everything taken away at the end, also after a failure.
 *
 * @module
 */

import assert from "node:assert/strict";
import { kvm } from "../../../providers/kvm/mod.ts";
import { kinds } from "../../../providers/kvm/kinds/mod.ts";
import { resourceUuid } from "../../../planner/identity.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { SecretSource } from "../../../providers/secret.ts";
import type {
  FieldChange,
  HostSession,
  JsonObject,
  Lookup,
  Observed,
  Operation,
  Resource,
  Step,
  StepContext,
  StepResult,
  Tenure,
} from "../../../providers/provider.ts";

/** Runs virsh on the lab's host and gives what it printed. */
export async function virsh(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("virsh", {
    args: ["-q", "-c", "qemu:///system", ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`virsh ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout).trim();
}

const quietly = (...args: string[]) => virsh(...args).catch(() => "");

/** The kernel and RAM disk of the test guest, if they were built. */
export const GUEST = new URL("../../../.cache/guest/", import.meta.url).pathname;

/** The workplace. */
export interface Lab extends AsyncDisposable {
  readonly prefix: string;
  /** A folder of this machine: pools and sources. */
  readonly folder: string;
  readonly session: HostSession;
  readonly context: StepContext;
  /** What the operations said meanwhile. */
  readonly progress: string[];
  /** Declares a resource: validated, resolved. Names get the prefix by the caller. */
  declare(kind: string, name: string, spec: JsonObject, tenure?: Tenure): Resource;
  /** Makes it: completed, as a plan would. */
  create(resource: Resource): Promise<StepResult>;
  /** Compares it with what is there and makes the difference; gives the changes too. */
  update(
    resource: Resource,
    previous?: Resource,
  ): Promise<{ changes: readonly FieldChange[] } & StepResult>;
  remove(resource: Resource): Promise<StepResult>;
  wait(resource: Resource): Promise<StepResult>;
  step(operation: Operation, resource: Resource, rest?: Partial<Step>): Step;
  complete(resource: Resource): Resource;
  read(resource: Resource): Promise<Observed | undefined>;
  diff(resource: Resource, previous?: Resource): Promise<readonly FieldChange[]>;
}

/** Opens the workplace. */
export async function openLab(
  options: { readonly secrets?: SecretSource } = {},
): Promise<Lab> {
  const prefix = `ops-${crypto.randomUUID().slice(0, 8)}`;
  const folder = await Deno.makeTempDir({ dir: "/var/tmp", prefix: `${prefix}-` });
  await Deno.chmod(folder, 0o755);
  const provider = kvm(options);
  const signal = new AbortController().signal;
  const session = await provider.connect({ name: "lab", uri: "qemu:///system" }, {
    signal,
    baseDirectory: folder,
  });
  const facts = await session.facts();
  const declared = new Map<string, Resource>();
  const progress: string[] = [];
  const context: StepContext = {
    signal,
    baseDirectory: folder,
    progress: (message) => progress.push(message),
  };
  const lookup: Lookup = {
    stack: prefix,
    resource: (address) => declared.get(address),
    observed: () => undefined,
    facts: () => facts,
  };
  const kindOf = (resource: Resource) => kinds.get(resource.kind)!;

  const lab: Lab = {
    prefix,
    folder,
    session,
    context,
    progress,
    declare(kind, name, spec, tenure = "managed") {
      const address = `lab/${kind}.${name}`;
      const parsed = kinds.get(kind)!.schema.parse(spec) as JsonObject;
      const resource: Resource = {
        address,
        kind,
        host: "lab",
        name,
        uuid: resourceUuid(prefix, address),
        tenure,
        spec: parsed,
        dependsOn: [],
        declaredAt: "stack.ts:1:1",
      };
      const resolved = { ...resource, spec: kinds.get(kind)!.resolve(resource, lookup) };
      declared.set(address, resolved);
      return resolved;
    },
    complete: (resource) => ({ ...resource, spec: kindOf(resource).complete(resource, lookup) }),
    step: (operation, resource, rest = {}) => ({
      id: `${operation}:${resource.address}`,
      operation,
      address: resource.address,
      kind: resource.kind,
      host: "lab",
      key: kindOf(resource).key(resource),
      resource,
      mark: { stack: prefix, address: resource.address, digest: "digest" },
      changes: [],
      needs: [],
      // Nothing in a guest of the lab is of worth.
      ...(operation === "delete" ? { removal: { stop: "power-off" } } : {}),
      ...rest,
    }),
    create: (resource) => session.perform(lab.step("create", lab.complete(resource)), context),
    async update(resource, previous) {
      const changes = await lab.diff(resource, previous);
      const step = lab.step("update", resource, { changes, previous: previous?.spec });
      return { changes, ...await session.perform(step, context) };
    },
    remove: (resource) => session.perform(lab.step("delete", resource), context),
    wait: (resource) => session.perform(lab.step("wait", resource), context),
    async read(resource) {
      const key = kindOf(resource).key(resource);
      const secrets = kindOf(resource).secrets?.(resource);
      const found = await session.read([
        { kind: resource.kind, key, uuid: resource.uuid, secrets },
      ]);
      return found[0];
    },
    async diff(resource, previous) {
      const observed = await lab.read(resource);
      assert.ok(observed, `${resource.address} is not there`);
      return kindOf(resource).diff(resource, observed, { previous: previous?.spec, lookup });
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
      const listed = async (...args: string[]) =>
        (await quietly(...args, "--all", "--name")).split("\n").map((line) => line.trim())
          .filter((name) => name.startsWith(prefix));
      for (const name of await listed("list")) {
        await quietly("destroy", name);
        await quietly("undefine", name, "--nvram", "--managed-save", "--snapshots-metadata");
      }
      for (const name of await listed("net-list")) {
        await quietly("net-destroy", name);
        await quietly("net-undefine", name);
      }
      for (const name of await listed("pool-list")) {
        await quietly("pool-destroy", name);
        await quietly("pool-undefine", name);
      }
      await Deno.remove(folder, { recursive: true });
    },
  };
  return lab;
}

/** Waits for a StaddleError of a code, and gives it. */
export async function refused(code: string, attempt: Promise<unknown>): Promise<StaddleError> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof StaddleError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.render());
    assert.match(error.render(), /host lab|host "lab"/);
    return error;
  }
  assert.fail(`no error ${code}`);
}

/** A pool of the lab in a folder of its own, made. */
export async function makePool(lab: Lab, name = "store"): Promise<Resource> {
  const pool = lab.declare("pool", name, {
    name: `${lab.prefix}-${name}`,
    path: `${lab.folder}/${name}`,
    autostart: false,
  });
  await lab.create(pool);
  return pool;
}

/** SHA-256 of a file, hexadecimal. */
export async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}
