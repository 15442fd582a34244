/**
 * What carries the stack's mark, and what it stands on: for what no declaration is at hand.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import { resourceUuid } from "../../planner/identity.ts";
import { readVolume } from "../../providers/kvm/kinds/volume/mod.ts";
import type { JsonObject, Observed, Tenure } from "../../providers/provider.ts";
import type { ResourceRecord } from "../../state/store.ts";
import type { HostIndex } from "./host_index.ts";
import type { LeftAlone } from "./left_alone.ts";
import { backingOf, keysByPath } from "./usage.ts";

/** Pool of the host's store, which stacks share. */
const STORE = { name: "staddle", path: "/var/lib/libvirt/staddle" } as const;

/** An address in its parts. */
interface Place {
  /** The host and the nested scopes. */
  readonly scope: string;
  readonly kind: string;
  readonly name: string;
}

function placeOf(address: string): Place | undefined {
  const [, scope, kind, name] = /^(.+)\/([a-z]+)\.([^/]+)$/.exec(address) ?? [];
  return scope === undefined ? undefined : { scope, kind: kind!, name: name! };
}

/** Entries for what carries the mark and for what that stands on, beside those that are known. */
export function entriesByMark(
  host: HostIndex,
  stack: string,
  known: readonly ResourceRecord[],
  left: LeftAlone[],
): ResourceRecord[] {
  const { contents, name } = host;
  const rows = new Map<string, ResourceRecord>();
  const objects = new Map(
    known.filter((row) => row.host === name).map((row) => [slot(row), row.address]),
  );
  const add = (
    address: string,
    found: Observed,
    tenure: Tenure,
    spec: JsonObject,
    needs: readonly string[],
  ): string => {
    const there = objects.get(slot(found));
    if (there !== undefined) return there;
    objects.set(slot(found), address);
    rows.set(address, entryOf(address, found, { host: name, tenure, spec, needs, stack }));
    return address;
  };
  const marked = [...contents.networks, ...contents.machines].filter(({ mark }) =>
    mark?.stack === stack
  );
  const networks = new Map<string, string>();
  for (const network of marked.filter(({ kind }) => kind === "network")) {
    const spec = { name: network.key };
    networks.set(network.key, add(network.mark!.address, network, "managed", spec, []));
  }
  const ground = new Ground(host, stack, add);
  for (const machine of marked.filter(({ kind }) => kind === "machine")) {
    const { address } = machine.mark!;
    const place = placeOf(address);
    if (place === undefined || objects.has(slot(machine))) continue;
    const { disks, drives, boot, networks: nets } = host.usage.get(machine.key)!;
    const needs = [...nets].flatMap((net) => networks.get(net) ?? []);
    for (const [key, disk] of disks) {
      const volume = ground.disk(key, disk, machine, place);
      if (volume !== undefined && "address" in volume) needs.push(volume.address);
      else if (volume !== undefined) {
        const why = { why: volume.why, claimable: false };
        left.push({ address: "", host: name, kind: "volume", key, ...why });
      }
    }
    for (const key of drives) needs.push(...ground.seed(key, machine, place));
    for (const key of boot) needs.push(...ground.image(key));
    add(address, machine, "managed", { name: machine.key }, needs);
  }
  return [...rows.values()];
}

function slot({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return `${kind}\n${key}`;
}

type Add = (
  address: string,
  found: Observed,
  tenure: Tenure,
  spec: JsonObject,
  needs: readonly string[],
) => string;

/** What machines stand on. */
class Ground {
  constructor(readonly host: HostIndex, readonly stack: string, readonly add: Add) {}

  /** A disk's volume: the stack's if it bears the name that a machine's disk gets, or lies in its pool. */
  disk(
    key: string,
    disk: string | undefined,
    machine: Observed,
    { scope, name }: Place,
  ): { readonly address: string } | { readonly why: string } | undefined {
    const { host } = this;
    const found = host.find("volume", key);
    if (found === undefined) return undefined;
    const other = host.usersOf(key).find((user) => !host.isOurs(user));
    if (other !== undefined) {
      return { why: `machine "${other}" uses it too, which is not this stack's` };
    }
    const [pool, file] = split(key);
    const [, stem = file, format] = /^(.*)\.(qcow2|raw)$/.exec(file) ?? [];
    const own = format !== undefined && stem === `${machine.key}-${disk}`;
    const ground = this.#pool(pool);
    if (!own && ground?.managed !== true) {
      return { why: `nothing says that the stack has made it: it may have been there before` };
    }
    const address = own ? `${scope}/volume.${name}-${disk}` : `${host.name}/volume.${stem}`;
    const spec = { pool, volume: file, format: format ?? "raw" };
    const keyOf = keysByPath(host.contents.pools);
    const backing = backingOf(found, keyOf);
    const needs = [
      ...(ground === undefined ? [] : [ground.address]),
      ...(backing === undefined ? [] : this.image(backing)),
    ];
    return { address: this.add(address, found, "managed", spec, needs) };
  }

  /** A medium: the stack's if it bears the name of a seed of this machine. */
  seed(key: string, machine: Observed, { scope, name }: Place): string[] {
    const found = this.host.find("seed", key);
    const [pool, file] = split(key);
    const prefix = `${machine.key}-seed-`;
    if (found === undefined || !file.startsWith(prefix)) return this.image(key);
    if (!/^[0-9a-f]{12}\.iso$/.test(file.slice(prefix.length))) return [];
    const ground = this.#pool(pool);
    const needs = ground === undefined ? [] : [ground.address];
    const address = `${scope}/seed.${name}`;
    return [this.add(address, found, "managed", { pool, volume: file }, needs)];
  }

  /** An image: what bears a stamp. Stacks share it; it goes when nobody uses it any more. */
  image(key: string): string[] {
    const found = this.host.find("image", key);
    const [pool, file] = split(key);
    const [, name, , format] = /^(.*)-([0-9a-f]{12})\.(qcow2|raw)$/.exec(file) ?? [];
    if (found === undefined || name === undefined) return [];
    const ground = this.#pool(pool);
    const needs = ground === undefined ? [] : [ground.address];
    const spec = { pool, volume: file, format: format!, from: "", sha256: "" };
    return [this.add(`${this.host.name}/image.${name}`, found, "shared", spec, needs)];
  }

  /** The pool that a volume is in, if the stack has made it or shares it. */
  #pool(name: string): { readonly address: string; readonly managed: boolean } | undefined {
    const { host, stack } = this;
    const found = host.find("pool", name);
    if (found === undefined) return undefined;
    const path = readPath(found);
    if (name === STORE.name && path === STORE.path) {
      const address = this.add(`${host.name}/pool.${name}`, found, "shared", { ...STORE }, []);
      return { address, managed: false };
    }
    const uuid = found.uuid?.toLowerCase();
    const address = poolAddresses(host.name, name).find((one) => resourceUuid(stack, one) === uuid);
    if (address === undefined) return undefined;
    return { address: this.add(address, found, "managed", { name }, []), managed: true };
  }
}

function readPath({ source }: Observed): string | undefined {
  return /<path>([^<]*)<\/path>/.exec(String(source.xml))?.[1];
}

/** Addresses that a pool of this name may have: `front-data` is `data` in the scope `front`, or itself. */
function poolAddresses(host: string, name: string): string[] {
  const parts = name.split("-");
  // As many as there are ways to cut the name; nobody nests deeper than this.
  const cuts = Math.min(parts.length - 1, 8);
  return Array.from({ length: 2 ** cuts }, (_, choice) => {
    let text = parts[0]!;
    for (let index = 1; index < parts.length; index++) {
      const cut = index <= cuts && (choice >> (index - 1)) % 2 === 1;
      text += `${cut ? "/" : "-"}${parts[index]}`;
    }
    const last = text.lastIndexOf("/");
    return `${host}/${text.slice(0, last + 1)}pool.${text.slice(last + 1)}`;
  });
}

function split(key: string): [pool: string, file: string] {
  const cut = key.indexOf("/");
  return [key.slice(0, cut), key.slice(cut + 1)];
}

function entryOf(
  address: string,
  found: Observed,
  { host, tenure, spec, needs, stack }: {
    readonly host: string;
    readonly tenure: Tenure;
    readonly spec: JsonObject;
    readonly needs: readonly string[];
    readonly stack: string;
  },
): ResourceRecord {
  const { kind, key } = found;
  const known = kind === "volume" ? withCapacity(spec, found) : spec;
  const name = placeOf(address)?.name ?? key;
  const uuid = found.uuid ?? resourceUuid(stack, address);
  return {
    address,
    kind,
    host,
    key,
    status: "present",
    resource: { address, kind, host, name, uuid, tenure, spec: known, dependsOn: [] },
    specDigest: digest(known),
    fingerprint: found.fingerprint,
    needs: [...new Set(needs)].sort(),
  };
}

function withCapacity(spec: JsonObject, { source }: Observed): JsonObject {
  const { capacity } = readVolume(String(source.xml));
  return capacity === undefined ? spec : { ...spec, capacity };
}
