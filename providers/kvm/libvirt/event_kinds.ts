/**
 * The events that can be listened to: what libvirt calls them, how its C callback looks, and what a
 * listener is given. The objects in an event are plain data: name, UUID, id.
 *
 * @module
 */

import { describe, type ObjectKind } from "./calls/objects.ts";
import { readTyped, type TypedParameters } from "./calls/typed_params.ts";
import { type Native, textAt } from "./native.ts";

/** The domain that an event is about. */
export interface DomainReference {
  /** Its name. */
  readonly name: string;
  /** Its UUID, in lower case with dashes. */
  readonly uuid: string;
  /** -1 when it was not running. */
  readonly id: number;
}

/** A network or pool that an event is about. */
export interface ObjectReference {
  /** Its name. */
  readonly name: string;
  /** Its UUID, in lower case with dashes. */
  readonly uuid: string;
}

/** What listeners of each event are given. */
export interface EventMap {
  /** Defined, undefined, started, suspended, resumed, stopped, shut down …: see `DomainEvent`. */
  readonly "domain-lifecycle": {
    readonly domain: DomainReference;
    /** `virDomainEventType`: see `DomainEvent`. */
    readonly event: number;
    /** The detail of that event type. */
    readonly detail: number;
  };
  /** The guest has rebooted. */
  readonly "domain-reboot": { readonly domain: DomainReference };
  /** A device was attached and is there. */
  readonly "device-added": { readonly domain: DomainReference; readonly alias: string };
  /** A device was detached and is gone. */
  readonly "device-removed": { readonly domain: DomainReference; readonly alias: string };
  /** The guest refused to let a device go. */
  readonly "device-removal-failed": { readonly domain: DomainReference; readonly alias: string };
  /** The balloon has another size. */
  readonly "balloon-change": {
    readonly domain: DomainReference;
    /** KiB. */
    readonly actual: number;
  };
  /** Title, description or an element of the metadata has changed. */
  readonly "metadata-change": {
    readonly domain: DomainReference;
    /** `virDomainMetadataType`. */
    readonly type: number;
    readonly uri: string | null;
  };
  /** CPU, block or other tuning has changed. */
  readonly "tunable": { readonly domain: DomainReference; readonly parameters: TypedParameters };
  /** The guest's agent has connected (1) or gone (2). */
  readonly "agent-lifecycle": {
    readonly domain: DomainReference;
    readonly state: number;
    readonly reason: number;
  };
  /** A block job has changed its state; `disk` is the target, for example `vda`. */
  readonly "block-job": {
    readonly domain: DomainReference;
    readonly disk: string;
    readonly type: number;
    readonly status: number;
  };
  /** A disk's image was changed or dropped at start. */
  readonly "disk-change": {
    readonly domain: DomainReference;
    readonly from: string | null;
    readonly to: string | null;
    readonly alias: string;
    readonly reason: number;
  };
  /** A tray was opened (0) or closed (1). */
  readonly "tray-change": {
    readonly domain: DomainReference;
    readonly alias: string;
    readonly reason: number;
  };
  /** The guest's watchdog has fired. */
  readonly "watchdog": { readonly domain: DomainReference; readonly action: number };
  /** A disk reported an error. */
  readonly "io-error": {
    readonly domain: DomainReference;
    readonly path: string | null;
    readonly alias: string;
    readonly action: number;
    readonly reason: string | null;
  };
  /** A job, for example a migration, has ended. */
  readonly "job-completed": {
    readonly domain: DomainReference;
    readonly parameters: TypedParameters;
  };
  /** A disk has been written beyond the threshold that was set. */
  readonly "block-threshold": {
    readonly domain: DomainReference;
    readonly device: string;
    readonly path: string | null;
    readonly threshold: bigint;
    readonly excess: bigint;
  };
  /** A virtio-mem device has another size. */
  readonly "memory-device-size-change": {
    readonly domain: DomainReference;
    readonly alias: string;
    /** KiB. */
    readonly size: bigint;
  };
  /** A network was defined (0), undefined (1), started (2), stopped (3). */
  readonly "network-lifecycle": {
    readonly network: ObjectReference;
    readonly event: number;
    readonly detail: number;
  };
  /** A pool was defined (0), undefined (1), started (2), stopped (3), created (4), deleted (5). */
  readonly "pool-lifecycle": {
    readonly pool: ObjectReference;
    readonly event: number;
    readonly detail: number;
  };
  /** A pool was refreshed. */
  readonly "pool-refresh": { readonly pool: ObjectReference };
  /** A device of the host came (0), went (1), was defined (2) or undefined (3). */
  readonly "node-device-lifecycle": {
    readonly device: string;
    readonly event: number;
    readonly detail: number;
  };
  /** A device of the host has changed. */
  readonly "node-device-update": { readonly device: string };
  /** A secret was defined (0) or undefined (1). */
  readonly "secret-lifecycle": {
    readonly secret: string;
    readonly event: number;
    readonly detail: number;
  };
  /** A secret has another value. */
  readonly "secret-value-changed": { readonly secret: string };
  /** The connection is lost. Not sent for a close that was asked for. */
  readonly "close": { readonly uri: string };
}

/** The name of an event. */
export type EventName = keyof EventMap;

/** Events that libvirt sends on a registration, which is all but `close`. */
export type RegisteredEvent = Exclude<EventName, "close">;

/** Whose event it is: decides by which call it is registered. */
export type EventFamily = "Domain" | "Network" | "StoragePool" | "NodeDevice" | "Secret";

type Words = readonly (number | bigint)[];
type Decode<T> = (native: Native, words: Words) => T;

interface EventKind<T> {
  readonly family: EventFamily;
  /** `virDomainEventID` and its like. */
  readonly id: number;
  /** Between the object and the callback's data. */
  readonly parameters: readonly Deno.NativeType[];
  readonly decode: Decode<T>;
}

function object(kind: ObjectKind, native: Native, words: Words) {
  return describe(kind, native, words[1] as bigint);
}

function domain(native: Native, words: Words): DomainReference {
  const { name, uuid, detail } = object("domain", native, words);
  return { name, uuid, id: detail };
}

function reference(kind: "network" | "pool", native: Native, words: Words): ObjectReference {
  const { name, uuid } = object(kind, native, words);
  return { name, uuid };
}

const int = (words: Words, index: number) => Number(words[index]);
const text = (words: Words, index: number) => textAt(words[index] as bigint);

function withAlias(id: number): EventKind<{ domain: DomainReference; alias: string }> {
  return {
    family: "Domain",
    id,
    parameters: ["u64"],
    decode: (native, words) => ({ domain: domain(native, words), alias: text(words, 2) ?? "" }),
  };
}

/** Every event but `close`. */
export const EVENT_KINDS: { readonly [K in RegisteredEvent]: EventKind<EventMap[K]> } = {
  "domain-lifecycle": {
    family: "Domain",
    id: 0,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      event: int(words, 2),
      detail: int(words, 3),
    }),
  },
  "domain-reboot": {
    family: "Domain",
    id: 1,
    parameters: [],
    decode: (native, words) => ({ domain: domain(native, words) }),
  },
  "watchdog": {
    family: "Domain",
    id: 3,
    parameters: ["i32"],
    decode: (native, words) => ({ domain: domain(native, words), action: int(words, 2) }),
  },
  "io-error": {
    family: "Domain",
    id: 6,
    parameters: ["u64", "u64", "i32", "u64"],
    decode: (native, words) => ({
      domain: domain(native, words),
      path: text(words, 2),
      alias: text(words, 3) ?? "",
      action: int(words, 4),
      reason: text(words, 5),
    }),
  },
  "disk-change": {
    family: "Domain",
    id: 9,
    parameters: ["u64", "u64", "u64", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      from: text(words, 2),
      to: text(words, 3),
      alias: text(words, 4) ?? "",
      reason: int(words, 5),
    }),
  },
  "tray-change": {
    family: "Domain",
    id: 10,
    parameters: ["u64", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      alias: text(words, 2) ?? "",
      reason: int(words, 3),
    }),
  },
  "balloon-change": {
    family: "Domain",
    id: 13,
    parameters: ["u64"],
    decode: (native, words) => ({ domain: domain(native, words), actual: int(words, 2) }),
  },
  "device-removed": withAlias(15),
  "block-job": {
    family: "Domain",
    id: 16,
    parameters: ["u64", "i32", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      disk: text(words, 2) ?? "",
      type: int(words, 3),
      status: int(words, 4),
    }),
  },
  "tunable": {
    family: "Domain",
    id: 17,
    parameters: ["u64", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      parameters: readTyped(words[2] as bigint, int(words, 3)),
    }),
  },
  "agent-lifecycle": {
    family: "Domain",
    id: 18,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      state: int(words, 2),
      reason: int(words, 3),
    }),
  },
  "device-added": withAlias(19),
  "job-completed": {
    family: "Domain",
    id: 21,
    parameters: ["u64", "i32"],
    decode: (native, words) => ({
      domain: domain(native, words),
      parameters: readTyped(words[2] as bigint, int(words, 3)),
    }),
  },
  "device-removal-failed": withAlias(22),
  "metadata-change": {
    family: "Domain",
    id: 23,
    parameters: ["i32", "u64"],
    decode: (native, words) => ({
      domain: domain(native, words),
      type: int(words, 2),
      uri: text(words, 3),
    }),
  },
  "block-threshold": {
    family: "Domain",
    id: 24,
    parameters: ["u64", "u64", "u64", "u64"],
    decode: (native, words) => ({
      domain: domain(native, words),
      device: text(words, 2) ?? "",
      path: text(words, 3),
      threshold: BigInt(words[4] ?? 0),
      excess: BigInt(words[5] ?? 0),
    }),
  },
  "memory-device-size-change": {
    family: "Domain",
    id: 26,
    parameters: ["u64", "u64"],
    decode: (native, words) => ({
      domain: domain(native, words),
      alias: text(words, 2) ?? "",
      size: BigInt(words[3] ?? 0),
    }),
  },
  "network-lifecycle": {
    family: "Network",
    id: 0,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      network: reference("network", native, words),
      event: int(words, 2),
      detail: int(words, 3),
    }),
  },
  "pool-lifecycle": {
    family: "StoragePool",
    id: 0,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      pool: reference("pool", native, words),
      event: int(words, 2),
      detail: int(words, 3),
    }),
  },
  "pool-refresh": {
    family: "StoragePool",
    id: 1,
    parameters: [],
    decode: (native, words) => ({ pool: reference("pool", native, words) }),
  },
  "node-device-lifecycle": {
    family: "NodeDevice",
    id: 0,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      device: object("device", native, words).name,
      event: int(words, 2),
      detail: int(words, 3),
    }),
  },
  "node-device-update": {
    family: "NodeDevice",
    id: 1,
    parameters: [],
    decode: (native, words) => ({ device: object("device", native, words).name }),
  },
  "secret-lifecycle": {
    family: "Secret",
    id: 0,
    parameters: ["i32", "i32"],
    decode: (native, words) => ({
      secret: object("secret", native, words).uuid,
      event: int(words, 2),
      detail: int(words, 3),
    }),
  },
  "secret-value-changed": {
    family: "Secret",
    id: 1,
    parameters: [],
    decode: (native, words) => ({ secret: object("secret", native, words).uuid }),
  },
};

/** A C callback: one of the events, or a stream that can go on. */
export type CallbackShape = RegisteredEvent | "stream";

/** The C parameters and the meaning of a callback; the callback's data comes last. */
export interface CallbackKind {
  readonly parameters: readonly Deno.NativeType[];
  readonly decode: Decode<unknown>;
}

/** Every callback. */
export const CALLBACKS: Readonly<Record<CallbackShape, CallbackKind>> = {
  ...(Object.fromEntries(
    Object.entries(EVENT_KINDS).map(([name, { parameters, decode }]) => [
      name,
      // The connection, the object, what the event adds, the callback's data.
      { parameters: ["u64", "u64", ...parameters, "u64"], decode },
    ]),
  ) as unknown as Record<RegisteredEvent, CallbackKind>),
  stream: { parameters: ["u64", "i32", "u64"], decode: (_, words) => int(words, 1) },
};
