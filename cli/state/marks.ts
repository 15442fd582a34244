/**
 * The marks of what has moved or is forgotten, brought up to date on the hosts.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import { StaddleError } from "../../providers/error.ts";
import type { JsonObject, Step } from "../../providers/provider.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { Hosts } from "../hosts.ts";
import { asStaddleError, throwAll } from "../render/error_text.ts";
import { LazyProvider } from "../session.ts";
import type { NamedStack } from "./locked.ts";
import type { Moved } from "./move.ts";

/** Hosts that are open, and what is to be marked on them. */
export interface Marks extends AsyncDisposable {
  /** Writes the marks; gives the entries whose fingerprint has changed by that. */
  write(): Promise<ResourceRecord[]>;
}

/** A spec that declares nothing but the name: whatever else the object has stays as it is. */
const BARE: Readonly<Record<string, JsonObject>> = {
  machine: { disks: [], nics: [] },
  network: {},
};

/**
 * Opens the hosts of what moves. A host that does not answer is an error before anything is written.
 *
 * @param stack The stack that it belongs to from now on.
 */
export async function markMoved(
  { folder, stop }: NamedStack,
  { rows, hosts: declarations }: Moved,
  stack: string,
): Promise<Marks> {
  const marked = rows.filter(carriesMark);
  const provider = new LazyProvider();
  const signal = stop.cancel;
  const hosts = new Hosts(provider.load, { signal, baseDirectory: folder });
  const close = async (): Promise<void> => {
    await hosts[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  };
  try {
    const { sessions, errors } = await hosts.sessions(
      declarations,
      marked.map(({ host }) => host),
    );
    throwAll([...errors.values()].map(asStaddleError));
    return {
      [Symbol.asyncDispose]: close,
      async write() {
        const fresh: ResourceRecord[] = [];
        for (const row of marked) {
          const session = sessions.get(row.host)!;
          const [before] = await session.read([
            { kind: row.kind, key: row.key, uuid: row.resource.uuid },
          ]);
          // What is gone has nothing to be marked: the next plan says that it is gone.
          if (before === undefined) continue;
          const { observed } = await session.perform(markingStep(row, before.key, stack), {
            signal,
            baseDirectory: folder,
            progress: () => {},
          });
          // Of what has drifted the fingerprint stays as it was, or nobody would notice.
          if (before.fingerprint === row.fingerprint) {
            fresh.push({ ...row, fingerprint: observed?.fingerprint });
          }
        }
        return fresh;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whether an entry stands for an object with a mark of its own. */
function carriesMark({ kind, resource }: ResourceRecord): boolean {
  return Object.hasOwn(BARE, kind) && resource.tenure === "managed";
}

/**
 * Takes the mark off all that entries stand for. Nothing else on the hosts is changed.
 *
 * @throws {StaddleError} `state.marks-not-reached` where a host does not answer; no mark is gone then.
 */
export async function takeMarksOff(
  { folder, stop }: NamedStack,
  record: StackRecord,
  rows: readonly ResourceRecord[],
): Promise<void> {
  const marked = rows.filter(carriesMark);
  if (marked.length === 0) return;
  const context = { signal: stop.cancel, baseDirectory: folder, progress: () => {} };
  await using provider = new LazyProvider();
  await using hosts = new Hosts(provider.load, context);
  const { sessions, errors } = await hosts.sessions(record.hosts, marked.map(({ host }) => host));
  if (errors.size > 0) throw notReached(record.stack, errors);
  for (const row of marked) {
    const { address, kind, host, key, resource } = row;
    await sessions.get(host)!.perform({
      id: `delete:${address}`,
      operation: "delete",
      retain: true,
      address,
      kind,
      host,
      key,
      resource,
      mark: { stack: record.stack, address, digest: row.specDigest },
      changes: [],
      needs: [],
    }, context);
  }
}

function notReached(stack: string, errors: ReadonlyMap<string, unknown>): StaddleError {
  return new StaddleError({
    code: "state.marks-not-reached",
    summary: `Cannot take the marks of stack "${stack}" off: ` +
      `${[...errors.keys()].join(", ")} did not answer; nothing is removed`,
    details: [...errors.values()].map((error) => asStaddleError(error).message),
    help:
      "make the host answer, or say --keep-mark: then the record alone is changed, and a stack " +
      "that declares them still takes them back",
  });
}

function markingStep(row: ResourceRecord, key: string, stack: string): Step {
  const { address, kind, host, resource } = row;
  const spec = { ...BARE[kind], name: key };
  return {
    id: `update:${address}`,
    operation: "update",
    address,
    kind,
    host,
    key,
    resource: { ...resource, spec },
    mark: { stack, address, digest: digest(resource.spec) },
    changes: [],
    needs: [],
  };
}
