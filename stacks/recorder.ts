/**
 * What a stack has declared so far, in one pass of its evaluation.
 *
 * @module
 */

import { type AddressRequest, preferredAddress } from "../planner/addresses.ts";
import { resourceUuid } from "../planner/identity.ts";
import { StaddleError } from "../providers/error.ts";
import type {
  DeclaredOptions,
  HostDeclaration,
  JsonObject,
  Tenure,
} from "../providers/provider.ts";
import type { UsedOutput } from "../planner/topology.ts";
import type { Pool } from "./handles.ts";
import type { ForeignStack } from "./foreign_stack.ts";
import { complaint, type Subject } from "./refuse.ts";
import { Secrets } from "./secrets.ts";

/** A declared resource; the spec is settled only when the pass is over. */
export interface Entry {
  readonly address: string;
  readonly kind: string;
  readonly host: string;
  readonly name: string;
  readonly uuid: string;
  readonly tenure: Tenure;
  /** True when what is on the host is to become this. */
  readonly adopt?: boolean;
  readonly dependsOn: readonly string[];
  readonly options: DeclaredOptions | undefined;
  readonly at: string | undefined;
  spec: JsonObject;
}

/** What a renamed resource keeps. */
export interface Identity {
  readonly uuid: string;
  /** Name on the host. */
  readonly name?: string;
  /** What a seed holds, where that is left as it is. */
  readonly texts?: JsonObject;
}

/** A NIC that has an address on a network of this stack. */
export interface Attachment {
  readonly network: string;
  readonly key: string;
  readonly mac: string;
  readonly ip: string;
  /** Name under which the network's DHCP and DNS know it. */
  readonly name: string;
}

/** A host and where it was declared. */
export interface HostEntry {
  readonly declaration: HostDeclaration;
  readonly at: string | undefined;
}

/** Names: of stacks, hosts, scopes, resources, disks. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Collects declarations and refuses two of one name. */
export class Recorder {
  readonly hosts: Map<string, HostEntry> = new Map();
  readonly entries: Map<string, Entry> = new Map();
  readonly attachments: Attachment[] = [];
  readonly requests: AddressRequest[] = [];
  /** Addresses that handles gave out in this pass. */
  readonly given: Map<string, string> = new Map();
  /** Where each request was declared. */
  readonly places: Map<string, string | undefined> = new Map();
  /** Pools of images and volumes, by address. */
  readonly pools: Map<string, Pool> = new Map();
  /** Outputs of other stacks that were used, by stack and output. */
  readonly used: Record<string, Record<string, UsedOutput>> = {};
  /** Those of them that are sensitive. */
  readonly secrets: Secrets = new Secrets();
  readonly #claims = new Map<string, { readonly label: string; readonly at: string | undefined }>();

  /**
   * @param stack Name of the stack.
   * @param settled Addresses to give out: of the pass before, and of the record.
   * @param identities What renamed resources keep, by their address now.
   * @param references What is known of other stacks.
   */
  constructor(
    readonly stack: string,
    readonly settled: Readonly<Record<string, string>>,
    readonly identities: Readonly<Record<string, Identity>> = {},
    readonly references: Readonly<Record<string, ForeignStack>> = {},
  ) {}

  /** Refuses what is no name. */
  checkName(subject: Subject, what: string, name: unknown): asserts name is string {
    if (typeof name === "string" && namePattern.test(name)) return;
    throw complaint(subject, {
      code: "stack.invalid-name",
      message: `${JSON.stringify(name)} is not a name for a ${what}`,
      help: "a name has 1 to 63 letters, digits, . _ or -, and begins with a letter or a digit",
    });
  }

  addHost(declaration: HostDeclaration, at: string | undefined): void {
    const before = this.hosts.get(declaration.name);
    if (before !== undefined) {
      throw twice(`host ${declaration.name}`, "declared", before.at, at);
    }
    this.hosts.set(declaration.name, { declaration, at });
  }

  /**
   * Refuses an address that is taken.
   *
   * @throws {StaddleError} naming both places.
   */
  checkFree(address: string, label: string, at: string | undefined): void {
    const before = this.entries.get(address);
    if (before === undefined) return;
    throw twice(`${label} (${address})`, "declared", before.at, at);
  }

  /** The UUID of an address: derived, unless it is a renamed resource's. */
  uuidOf(address: string): string {
    return this.identities[address]?.uuid ?? resourceUuid(this.stack, address);
  }

  /** Takes a resource in; its address is free. Its UUID is derived unless it brings one. */
  add({ uuid, ...entry }: Omit<Entry, "uuid"> & { readonly uuid?: string | undefined }): Entry {
    const full: Entry = { ...entry, uuid: uuid ?? this.uuidOf(entry.address) };
    this.entries.set(entry.address, full);
    return full;
  }

  /** Refuses two resources that would be one object on a host. */
  claim(host: string, what: string, subject: Subject): void {
    const key = `${host}\n${what}`;
    const before = this.#claims.get(key);
    if (before !== undefined) {
      throw twice(
        `${what} on host ${host}`,
        `used by ${before.label} and by ${subject.label}`,
        before.at,
        subject.at,
        'give one of them another "name"',
      );
    }
    this.#claims.set(key, { label: subject.label, at: subject.at });
  }

  /** The address that a NIC has in this pass. */
  addressFor(request: AddressRequest, at: string | undefined): string {
    this.requests.push(request);
    this.places.set(request.key, at);
    const ip = request.wanted ?? this.settled[request.key] ??
      // A full or senseless subnet is reported when the pass is over; nothing depends on this one.
      preferredAddress(request.subnet, request.key, request) ?? "0.0.0.0";
    this.given.set(request.key, ip);
    return ip;
  }
}

function twice(
  what: string,
  how: string,
  first: string | undefined,
  second: string | undefined,
  help = "give one of them another name, or declare it once and pass the handle on",
): StaddleError {
  const places = [
    ...(second === undefined ? [] : [`${second} (again)`]),
    ...(first === undefined ? [] : [`${first} (first)`]),
  ];
  return new StaddleError({
    code: "stack.duplicate",
    summary: `${what} is ${how}${how === "declared" ? " twice" : ""}`,
    where: places,
    help,
  });
}
