/**
 * Storage pools, and the store that is used when none is named.
 *
 * @module
 */

import { isHandle, type Pool, seal } from "../handles.ts";
import { complaint, type Subject, validate } from "../refuse.ts";
import { poolSchema } from "../schemas.ts";
import {
  addressOf,
  adoptedUuid,
  checkFields,
  commonFields,
  type Context,
  nameOnHost,
  record,
  reference,
  subjectOf,
  unknown,
} from "./context.ts";
import type { PoolOptions } from "../types/pool.ts";

/** Name and folder of the store that is used when a declaration names no pool. */
export const STORE = { name: "staddle", path: "/var/lib/libvirt/staddle" } as const;

/** Declares a pool. */
export function declarePool(
  context: Context,
  name: string,
  options: unknown,
  tenure: "managed" | "existing",
): Pool {
  const subject = subjectOf(context, "pool", name);
  const fields = tenure === "managed" ? ["path", "autostart", "xml", "adopt"] : ["path"];
  checkFields(subject, options, [...commonFields, ...fields]);
  const given = options as Partial<PoolOptions>;
  if (tenure === "managed" && given.path === undefined) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["path"],
      message: "is required",
      help: 'give the folder on the host, for example path: "/srv/machines", or use ' +
        "existingPool() for a pool that is there already",
    });
  }
  // An existing pool goes by the name that it has on the host, wherever it is declared.
  const onHost = tenure === "existing"
    ? given.name ?? name
    : nameOnHost(context, "pool", name, given.name);
  const spec = validate(subject, poolSchema, {
    name: onHost,
    path: given.path,
    autostart: tenure === "existing" ? undefined : given.autostart,
    xml: given.xml,
  });
  context.recorder.claim(context.host, `pool "${onHost}"`, subject);
  const { dependsOn } = given;
  const adopt = adoptedUuid(subject, given.adopt);
  const entry = record(context, subject, { kind: "pool", name, tenure, spec, dependsOn, adopt });
  return poolHandle(entry.address, context.host, onHost, given.path);
}

function poolHandle(
  resource: string,
  host: string,
  name: string,
  path: string | undefined,
): Pool {
  return seal({
    kind: "pool",
    resource,
    host,
    name,
    get path(): string {
      if (path !== undefined) return path;
      throw unknown(
        `pool ${name}`,
        "its path",
        `declare it: existingPool("${name}", { path: "…" })`,
      );
    },
  });
}

/** The pool that a declaration names, or the host's store, which is declared by its first use. */
export function poolOrStore(
  context: Context,
  subject: Subject,
  path: readonly PropertyKey[],
  pool: unknown,
): Pool {
  if (pool !== undefined) return reference<Pool>(context, subject, path, "pool", pool);
  const onHost: Context = { ...context, scopes: [] };
  const address = addressOf(onHost, "pool", STORE.name);
  const { recorder } = context;
  if (!recorder.entries.has(address)) {
    const uri = recorder.hosts.get(context.host)!.declaration.uri;
    if (/^[a-z]+(\+[a-z0-9]+)?:\/\/[^/]*\/session/.test(uri)) {
      throw complaint(subject, {
        code: "stack.no-store",
        path,
        message:
          `host ${context.host} is a session (${uri}): it cannot use the store in ${STORE.path}`,
        help: `declare a pool in a folder that your user owns and name it: pool: ` +
          `host.pool("machines", { path: "/home/…/machines" })`,
      });
    }
    const spec = validate(subject, poolSchema, { ...STORE });
    recorder.claim(context.host, `pool "${STORE.name}"`, { ...subject, label: "the store" });
    const options = { dependsOn: [], options: undefined };
    record(onHost, subject, { kind: "pool", name: STORE.name, tenure: "shared", spec, options });
  }
  return poolHandle(address, context.host, STORE.name, STORE.path);
}

/** Path of a file in a pool; undefined when the pool's path is not known. */
export function fileIn(context: Context, pool: Pool, file: string): string | undefined {
  const path = context.recorder.entries.get(pool.resource)?.spec.path;
  return typeof path === "string" ? `${path.replace(/\/+$/, "")}/${file}` : undefined;
}

/** What to say about a file whose pool's path is not known. */
export function declarePath(pool: unknown): string {
  const name = isHandle(pool) ? pool.name : "…";
  return `declare the pool's path: existingPool("${name}", { path: "…" })`;
}
