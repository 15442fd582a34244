/**
 * Finding a stack on hosts: those that its file declares, and those that are named by URI.
 *
 * @module
 */

import type { Topology } from "../../planner/topology.ts";
import { StaddleError } from "../../providers/error.ts";
import type { HostDeclaration } from "../../providers/provider.ts";
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
  const { location, uris, signal, claim } = options;
  const { kinds } = await import("../../providers/kvm/kinds/mod.ts");
  const evaluated = location.kind === "file" ? await evaluateFile(options, {}) : undefined;
  const name = evaluated?.stack ?? await nameOf(location, signal);
  const declared = evaluated?.hosts ?? options.known ?? {};
  const named = new Set(Object.values(declared).map(({ uri }) => uri));
  const more = uris.filter((uri) => !named.has(uri)).map((uri) => ({ name: uri, uri }));
  const all = [...Object.values(declared), ...more];
  if (all.length === 0) throw noHosts(name);
  const { readRequests } = await import("../../planner/mod.ts");
  const requests = readRequests(evaluated, undefined, kinds);
  const read = await Promise.allSettled(
    all.map((host) =>
      readContents(host, {
        survey: async (host) =>
          (await provider.load()).survey(host, [], { signal, baseDirectory: location.folder }),
        session: (host) => hosts.open(host),
        requests: requests[host.name] ?? [],
      })
    ),
  );
  throwAll(read.flatMap((one) => one.status === "rejected" ? [asStaddleError(one.reason)] : []));
  const contents = read.flatMap((one) => one.status === "fulfilled" ? [one.value] : [])
    .flatMap((one) => renamed(one, name, Object.keys(declared)));
  let topology = evaluated;
  if (topology !== undefined) {
    // Addresses that NICs have got on the way here are not those that follow from their names alone.
    const reservations = reservationsOnHosts(topology, contents);
    const given = topology.reservations;
    if (Object.entries(reservations).some(([nic, ip]) => given[nic] !== ip)) {
      topology = await evaluateFile(options, reservations);
    }
  }
  const claimed = claimFromHosts({ stack: name, kinds, contents, topology, claim });
  const found = Object.fromEntries(contents.map(({ host }) => [host.name, host]));
  return { ...claimed, name, declared: { ...declared, ...found }, topology };
}

/** The topology of the stack's file, evaluated as if these were its record's reservations. */
async function evaluateFile(
  { location, param, signal }: FindOptions,
  reservations: Readonly<Record<string, string>>,
): Promise<Topology | undefined> {
  if (location.kind !== "file") return undefined;
  const { evaluate } = await import("../../stacks/evaluate.ts");
  const parameters = parseParameters(param);
  const { topology } = await evaluate(location.file, { parameters, reservations, signal });
  return await validateStack(topology, { baseDirectory: location.folder, signal });
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
    summary: `Cannot tell which host of stack "${stack}" ${contents.host.uri} is`,
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
