/**
 * Moving entries of a record to other addresses, also of another stack. The object on the host stays what
 * it is: the entry keeps its UUID and its name there, and what is evaluated later takes both from it.
 *
 * @module
 */

import { ownerOf } from "../../planner/leftover.ts";
import { StaddleError } from "../../providers/error.ts";
import type { ResourceRecord, StackRecord } from "../../state/store.ts";
import { noSuchResource } from "./errors.ts";

/** What moves where. */
export interface Move {
  readonly from: StackRecord;
  /** The same record for a move within a stack; undefined for a stack that has none yet. */
  readonly to: StackRecord | undefined;
  readonly toStack: string;
  /** An address, or a scope: everything below it moves. */
  readonly source: string;
  readonly destination: string;
}

/** What a move changes. */
export interface Moved {
  /** From which address to which, in order. */
  readonly pairs: readonly (readonly [from: string, to: string])[];
  /** Entries as they are to be, at their new addresses. */
  readonly rows: readonly ResourceRecord[];
  /** Other entries of the first stack that depend on what moves. */
  readonly dependents: readonly ResourceRecord[];
  /** Hosts of the other stack, or of the same, with the one that the entries are on. */
  readonly hosts: StackRecord["hosts"];
  /** Addresses of NICs that go along, by their new keys. */
  readonly reservations: StackRecord["reservations"];
  /** Their old keys. */
  readonly freed: readonly string[];
}

/**
 * Works a move out.
 *
 * @throws {StaddleError} `state.no-such-resource`, `state.bad-destination`, `state.address-taken`,
 * `state.half-made`, `state.other-host`.
 */
export function moveRows(move: Move): Moved {
  const { from, to, toStack, source } = move;
  const mapping = mappingOf(move);
  const pairs = [...mapping].sort(([a], [b]) => (a < b ? -1 : 1));
  const within = toStack === from.stack;
  const there = new Set((to?.resources ?? []).map(({ address }) => address));
  for (const [before, after] of pairs) {
    if (there.has(after) && !(within && mapping.has(after))) throw taken(toStack, after, before);
  }
  const hosts: Record<string, StackRecord["hosts"][string]> = { ...to?.hosts };
  const rename = (address: string): string => mapping.get(address) ?? address;
  const rows = from.resources.filter(({ address }) => mapping.has(ownerOf(address))).map((row) => {
    const { address, host, status, resource } = row;
    if (status !== "present" && status !== "waiting") throw halfMade(from.stack, row);
    const owner = ownerOf(address);
    const fresh = mapping.get(owner)! + address.slice(owner.length);
    const onHost = fresh.slice(0, fresh.indexOf("/"));
    const declared = from.hosts[host];
    if (declared !== undefined) {
      const known = hosts[onHost];
      if (known !== undefined && known.uri !== declared.uri) {
        throw otherHost(fresh, known.uri, address, declared.uri);
      }
      hosts[onHost] = known ?? { ...declared, name: onHost };
    }
    const needs = within
      ? row.needs.map(rename)
      : row.needs.flatMap((need) => mapping.get(need) ?? []);
    return {
      ...row,
      address: fresh,
      host: onHost,
      needs,
      resource: {
        ...resource,
        address: mapping.get(owner)!,
        host: onHost,
        name: fresh.slice(fresh.lastIndexOf("/") + 1).replace(/^[a-z]+\./, "").replace(/#.*$/, ""),
        dependsOn: resource.dependsOn.map(rename),
      },
    };
  });
  if (rows.length === 0) throw noSuchResource(from.stack, source, from.resources);
  const dependents = from.resources
    .filter(({ address, needs }) =>
      !mapping.has(ownerOf(address)) && needs.some((need) => mapping.has(need))
    )
    .map((row) => ({
      ...row,
      needs: within ? row.needs.map(rename) : row.needs.filter((need) => !mapping.has(need)),
    }));
  const reservations: Record<string, string> = {};
  const freed: string[] = [];
  for (const [nic, ip] of Object.entries(from.reservations)) {
    const machine = ownerOf(nic);
    const fresh = mapping.get(machine);
    if (fresh === undefined) continue;
    freed.push(nic);
    reservations[fresh + nic.slice(machine.length)] = ip;
  }
  return { pairs, rows, dependents, hosts, reservations, freed };
}

/** From each address that moves to where it goes. */
function mappingOf({ from, toStack, source, destination }: Move): Map<string, string> {
  const addresses = from.resources.map(({ address }) => address).filter((one) =>
    !one.includes("#")
  );
  const mapping = new Map<string, string>();
  const single = partsOf(source);
  if (single !== undefined && addresses.includes(source)) {
    const target = partsOf(destination);
    if (target === undefined || target.kind !== single.kind) {
      throw badDestination(destination, `that is no address of a ${single.kind}, like ${source}`);
    }
    mapping.set(source, destination);
    if (single.kind === "machine") {
      // What is declared inside a machine has an address that follows from the machine's.
      const row = from.resources.find(({ address }) => address === source)!;
      for (const need of row.needs) {
        const part = partsOf(need);
        if (part === undefined || part.scope !== single.scope || !addresses.includes(need)) {
          continue;
        }
        const own = part.kind === "seed"
          ? part.name === single.name
          : part.kind === "volume" && part.name.startsWith(`${single.name}-`);
        if (!own) continue;
        const rest = part.name.slice(single.name.length);
        mapping.set(need, `${target.scope}/${part.kind}.${target.name}${rest}`);
      }
    }
  } else {
    const below = addresses.filter((address) => address.startsWith(`${source}/`));
    if (below.length === 0) throw noSuchResource(from.stack, source, from.resources);
    if (partsOf(destination) !== undefined || !/^[^/]+(\/[^/]+)*$/.test(destination)) {
      throw badDestination(destination, "that is no host, and no scope on one, like lab/front");
    }
    for (const address of below) {
      mapping.set(address, `${destination}${address.slice(source.length)}`);
    }
  }
  const idle = toStack === from.stack && [...mapping].every(([a, b]) => a === b);
  if (idle) throw badDestination(destination, "it has that address already");
  return mapping;
}

interface Parts {
  /** The host and the nested scopes. */
  readonly scope: string;
  readonly kind: string;
  readonly name: string;
}

function partsOf(address: string): Parts | undefined {
  const [, scope, kind, name] =
    /^([^/:#]+(?:\/[^/:#]+)*)\/(pool|image|volume|seed|network|machine)\.([^/:#]+)$/
      .exec(address) ?? [];
  return scope === undefined ? undefined : { scope, kind: kind!, name: name! };
}

function badDestination(destination: string, why: string): StaddleError {
  return new StaddleError({
    code: "state.bad-destination",
    summary: `Cannot move to "${destination}": ${why}`,
    help: 'an address is "<host>[/<scope>…]/<kind>.<name>", in another stack "<stack>:<address>"',
  });
}

function taken(stack: string, address: string, source: string): StaddleError {
  return new StaddleError({
    code: "state.address-taken",
    summary: `Cannot move ${source}: stack "${stack}" has a ${address} already`,
    help: "move that one away first, or forget it with staddle state rm",
  });
}

function halfMade(stack: string, { address, status }: ResourceRecord): StaddleError {
  return new StaddleError({
    code: "state.half-made",
    summary: `Cannot move ${address}: a run of stack "${stack}" was stopped while it was ${status}`,
    help: "let staddle apply finish it first",
  });
}

function otherHost(after: string, there: string, before: string, here: string): StaddleError {
  return new StaddleError({
    code: "state.other-host",
    summary: `Cannot move ${before} to ${after}: they are on two hosts`,
    details: [`${before} is on ${here}`, `${after} would be on ${there}`],
    help: "an object stays on the host that it is on",
  });
}
