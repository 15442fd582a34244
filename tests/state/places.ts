/**
 * One place of each kind for records, reached by commands through their environment and by a test directly.
 *
 * @module
 */

import { generateX25519Identity } from "age-encryption";
import { DocumentStore } from "../../state/documents/store.ts";
import { httpAddress, httpSite } from "../../state/documents/http_site.ts";
import type { AgeKeys } from "../../state/keyring.ts";
import { PostgresStore } from "../../state/postgres/store.ts";
import { s3Address, s3Site } from "../../state/documents/s3_site.ts";
import { SqliteStore } from "../../state/sqlite/store.ts";
import type { Revision, RunRecord, Store } from "../../state/store.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { row } from "./contract.ts";
import { type BucketServer, bucketServer } from "./servers/bucket.ts";
import { type StateServer, stateServer } from "./servers/managed_state.ts";

/** Where records can be kept. */
export interface Place {
  /** As `STADDLE_STATE` names it. */
  readonly location: string;
  /** Opens it with these keys, whatever the environment says. */
  open(keys?: AgeKeys): Store;
}

/** A place of each kind. */
export interface Places extends AsyncDisposable {
  readonly sqlite: Place;
  readonly postgres: Place;
  readonly s3: Place;
  readonly http: Place;
  readonly bucket: BucketServer;
  readonly gitlab: StateServer;
  /** Variables that a command needs to reach them. */
  readonly env: Readonly<Record<string, string>>;
  /** Another SQLite file. */
  file(): Place;
}

/** Makes them, empty; PostgreSQL on a server of the test's own where it has one, or not at all. */
export async function places(
  { postgres = true }: { readonly postgres?: boolean | PostgresServer } = {},
): Promise<Places> {
  await using opened = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "staddle-places-" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  const database = postgres === true ? opened.use(await postgresServer()) : postgres || undefined;
  const bucket = opened.use(bucketServer());
  const gitlab = opened.use(stateServer("gitlab"));
  const { accessKeyId, secretAccessKey, region } = bucket.credentials;
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    TF_HTTP_USERNAME: gitlab.user,
    TF_HTTP_PASSWORD: gitlab.password,
  };
  const variable = (name: string) => new Map(Object.entries(env)).get(name);
  const keysOf = (keys: AgeKeys | undefined) => ({ keys: () => Promise.resolve(keys) });
  let files = 0;
  const file = (): Place => {
    const location = `${folder}/state${++files}.db`;
    return { location, open: (keys) => new SqliteStore(location, keysOf(keys)) };
  };
  const relational = database?.location("staddle") ?? "";
  const s3 = `s3://records/team?endpoint=${bucket.endpoint}`;
  const held = opened.move();
  return {
    sqlite: file(),
    postgres: {
      location: relational,
      open: (keys) => new PostgresStore(relational, keysOf(keys)),
    },
    s3: {
      location: s3,
      open: (keys) =>
        new DocumentStore(s3Site(s3Address(s3, variable), { variable }), keysOf(keys)),
    },
    http: {
      location: gitlab.address,
      open: (keys) =>
        new DocumentStore(httpSite(httpAddress(gitlab.address, variable)), keysOf(keys)),
    },
    bucket,
    gitlab,
    env,
    file,
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** Keys of someone's own, and the variable that gives them to a command. */
export interface Somebody {
  readonly keys: AgeKeys;
  readonly env: Readonly<Record<string, string>>;
}

/** Makes keys. */
export async function somebody(): Promise<Somebody> {
  const identity = await generateX25519Identity();
  const keys = { identities: [identity], recipients: [], origin: "the test" };
  return { keys, env: { STADDLE_STATE_KEY: identity } };
}

/** Writes a record of stack "shop", and a history of so many runs, each with a journal and a revision. */
export async function fill(store: Store, runs: number): Promise<void> {
  await using lease = await store.lock("shop", "ann@desk (pid 7)");
  for (let number = 1; number <= runs; number++) {
    const id = `run-${number}`;
    const at = `2026-01-02T03:04:${String(number % 60).padStart(2, "0")}.678Z`;
    const run: RunRecord = {
      id,
      stack: "shop",
      command: "apply",
      who: "ann@desk (pid 7)",
      startedAt: at,
      endedAt: at,
      result: "done",
      add: 1,
      change: 0,
      destroy: 0,
      parameters: { number },
    };
    const address = `lab/machine.m${number % 12}`;
    const step = { run: id, step: `create:${address}`, address, operation: "create", at };
    const revision: Revision = { run: id, topology: { number }, plan: { digest: `of ${id}` } };
    await lease.write({
      hosts: { lab: { name: "lab", uri: "test:///default" } },
      put: [row(address)],
      outputs: { number: { value: number, sensitive: true } },
      reservations: { "lab/machine.m1#nic0": "10.0.0.2" },
      run,
      revision,
      journal: [{ ...step, phase: "begin" }, { ...step, phase: "failed", detail: "why" }],
    });
  }
}
