/**
 * Finding a stack on hosts: those that its file declares, and those that are named by URI.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import { resourceUuid } from "../../planner/identity.ts";
import type { Topology } from "../../planner/topology.ts";
import { StaddleError } from "../../providers/error.ts";
import type { HostDeclaration, Resource } from "../../providers/provider.ts";
import type { EvaluateOptions } from "../../stacks/evaluate.ts";
import {
  RECORD_VERSION,
  type ResourceRecord,
  type StackRecord,
  type Store,
} from "../../state/store.ts";
import { evaluateKnown } from "../evaluate_known.ts";
import { Hosts } from "../hosts.ts";
import type { StackLocation } from "../location.ts";
import { nameOf } from "../open_stack.ts";
import { parseParameters } from "../parameters.ts";
import { asStaddleError, throwAll } from "../render/error_text.ts";
import { LazyProvider, validateStack } from "../session.ts";
import { type Claimed, claimFromHosts } from "./claim.ts";
import { type Contents, readContents } from "./contents.ts";
import { reservationsOnHosts } from "./reservations.ts";

/** Where to look for what. */
export interface FindOptions {
  readonly location: StackLocation;
  /** URIs of hosts, beside those that the stack's file declares. */
  readonly uris: readonly string[];
  readonly param?: readonly string[];
  /** Patterns over addresses of volumes that the person says are the stack's. */
  readonly claim?: readonly string[];
  /** Has the outputs of other stacks; left out where it cannot be read. */
  readonly store?: Store;
  /** Hosts that a record knows, for a stack whose file is not at hand. */
  readonly known?: Readonly<Record<string, HostDeclaration>>;
  readonly signal: AbortSignal;
}

/** What was found, and the hosts, still open. */
export interface FoundStack extends Claimed, AsyncDisposable {
  readonly name: string;
  /** Those on which something was looked for, by the name that the stack gives them. */
  readonly declared: Readonly<Record<string, HostDeclaration>>;
  readonly topology?: Topology;
  readonly hosts: Hosts;
  readonly provider: LazyProvider["load"];
}

/**
 * Looks for a stack on hosts.
 *
 * @throws {StaddleError} for a host that does not answer: half a stack is not good enough.
 */
export async function findOnHosts(options: FindOptions): Promise<FoundStack> {
  const { location, signal } = options;
  const provider = new LazyProvider();
  const hosts = new Hosts(provider.load, { signal, baseDirectory: location.folder });
  const close = async (): Promise<void> => {
    await hosts[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  };
  try {
    void provider.load();
    return {
      ...await search(options, hosts, provider),
      hosts,
      provider: provider.load,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Result = Omit<FoundStack, "hosts" | "provider" | typeof Symbol.asyncDispose>;

async function search(
  options: FindOptions,
  hosts: Hosts,
  provider: LazyProvider,
): Promise<Result> {
  const { location, signal, claim } = options;
  const { kinds } = await import("../../providers/kvm/kinds/mod.ts");
  const name = await nameOf(location, signal);
  const evaluate = (known: Known) => evaluateFile(options, name, known);
  let known: Known = { resources: [], reservations: {} };
  let topology = await evaluate(known);
  const declared = topology?.hosts ?? options.known ?? {};
  const read = (topology: Topology | undefined) =>
    readAll({ ...options, name, declared, topology, hosts, provider });
  let contents = await read(topology);
  if (topology !== undefined) {
    // What was moved or renamed on the way here keeps its identity: its mark has the address of today.
    const renamed = markedElsewhere(name, contents);
    if (renamed.length > 0) {
      known = { ...known, resources: renamed };
      topology = await evaluate(known);
      contents = await read(topology);
    }
    // Addresses that NICs have got on the way here are not those that follow from their names alone.
    const reservations = reservationsOnHosts(topology!, contents);
    const given = topology!.reservations;
    if (Object.entries(reservations).some(([nic, ip]) => given[nic] !== ip)) {
      topology = await evaluate({ ...known, reservations });
    }
  }
  const claimed = claimFromHosts({ stack: name, kinds, contents, topology, claim });
  const found = Object.fromEntries(contents.map(({ host }) => [host.name, host]));
  return { ...claimed, name, declared: { ...declared, ...found }, topology };
}

interface ReadAllOptions extends FindOptions {
  readonly name: string;
  readonly declared: Readonly<Record<string, HostDeclaration>>;
  readonly topology: Topology | undefined;
  readonly hosts: Hosts;
  readonly provider: LazyProvider;
}

/** Reads every host, those that are named by their URI under the name that the marks on them give. */
async function readAll(options: ReadAllOptions): Promise<Contents[]> {
  const { name, declared, topology, uris, location, signal, hosts, provider } = options;
  const named = new Set(Object.values(declared).map(({ uri }) => uri));
  const more = uris.filter((uri) => !named.has(uri)).map((uri) => ({ name: uri, uri }));
  const all = [...Object.values(declared), ...more];
  if (all.length === 0) throw noHosts(name);
  const [{ readRequests }, { kinds }] = await Promise.all([
    import("../../planner/mod.ts"),
    import("../../providers/kvm/kinds/mod.ts"),
  ]);
  const requests = readRequests(topology, undefined, kinds);
  const read = await Promise.allSettled(
    all.map((host) =>
      readContents(host, {
        survey: async (host) =>
          (await provider.load()).survey(host, {}, { signal, baseDirectory: location.folder }),
        session: (host) => hosts.open(host),
        requests: requests[host.name] ?? [],
      })
    ),
  );
  throwAll(read.flatMap((one) => one.status === "rejected" ? [asStaddleError(one.reason)] : []));
  return read.flatMap((one) => one.status === "fulfilled" ? [one.value] : [])
    .flatMap((one) => renamed(one, name, Object.keys(declared)));
}

/** What is known of a stack before it is evaluated, as its record would have it. */
type Known = Pick<StackRecord, "resources" | "reservations">;

async function evaluateFile(
  { location, param, signal, store }: FindOptions,
  stack: string,
  known: Known,
): Promise<Topology | undefined> {
  if (location.kind !== "file") return undefined;
  const { file } = location;
  const { evaluate } = await import("../../stacks/evaluate.ts");
  const parameters = parseParameters(param);
  const run = (more: Partial<EvaluateOptions>) => evaluate(file, { ...more, parameters, signal });
  const record: StackRecord = {
    version: RECORD_VERSION,
    stack,
    lineage: "",
    serial: 0,
    hosts: {},
    outputs: {},
    ...known,
  };
  // Where the store cannot be read there are no other stacks to refer to: one that is not there serves.
  const { openStore } = await import("../../state/mod.ts");
  await using nothing = openStore(`${location.folder}/.staddle/none`);
  const { topology } = await evaluateKnown(run, store ?? nothing, record);
  return await validateStack(topology, { baseDirectory: location.folder, signal });
}

/** What carries the stack's mark under another UUID than its address gives. */
function markedElsewhere(stack: string, contents: readonly Contents[]): ResourceRecord[] {
  return contents.flatMap(({ host, machines, networks }) =>
    [...machines, ...networks].flatMap(({ kind, key, uuid, mark }): ResourceRecord[] => {
      if (mark?.stack !== stack || uuid === undefined) return [];
      const { address } = mark;
      if (uuid.toLowerCase() === resourceUuid(stack, address)) return [];
      const resource: Resource = {
        address,
        kind,
        host: host.name,
        name: address.slice(address.lastIndexOf(".") + 1),
        uuid,
        tenure: "managed",
        spec: { name: key },
        dependsOn: [],
      };
      const row = { address, kind, host: host.name, key, resource, needs: [] };
      return [{ ...row, status: "present", specDigest: digest(resource.spec) }];
    })
  );
}

/** A host that was named by its URI gets the name that the stack's marks give it. */
function renamed(contents: Contents, stack: string, taken: readonly string[]): Contents[] {
  if (contents.host.name !== contents.host.uri) return [contents];
  const names = new Set(
    [...contents.machines, ...contents.networks]
      .flatMap(({ mark }) => mark?.stack === stack ? [mark.address.split("/")[0]!] : []),
  );
  const [name] = names;
  if (name === undefined) return []; // Nothing of the stack is there.
  if (names.size === 1 && !taken.includes(name)) {
    return [{ ...contents, host: { name, uri: contents.host.uri } }];
  }
  throw new StaddleError({
    code: "state.host-name-taken",
    summary: `Cannot tell which of the hosts of stack "${stack}" ${contents.host.uri} is`,
    details: [`by the marks on it, it is ${[...names].join(" and ")}`],
    help: "name the stack's file in place of its name, or each host once",
  });
}

function noHosts(name: string): StaddleError {
  return new StaddleError({
    code: "state.no-hosts",
    summary: `Cannot look for stack "${name}": nobody says on which hosts`,
    help: "name their URIs, for example qemu:///system, or the stack's file",
  });
}
