/**
 * Listening to a connection's events.
 *
 * @module
 */

import {
  EVENT_KINDS,
  type EventFamily,
  type EventMap,
  type EventName,
  type RegisteredEvent,
} from "./event_kinds.ts";
import type { Session } from "./session.ts";

/** A listener that was added. Dispose of it to remove the listener. */
export interface EventSubscription extends Disposable, AsyncDisposable {
  /** Resolves when libvirt sends these events; rejects if the driver has none of them. */
  readonly ready: Promise<void>;
}

type AnyListener = (event: never) => void;

interface Registration {
  readonly listeners: Set<AnyListener>;
  readonly stop: () => void;
  readonly callbackId: Promise<number>;
}

const REGISTER = {
  Domain: "virConnectDomainEventRegisterAny",
  Network: "virConnectNetworkEventRegisterAny",
  StoragePool: "virConnectStoragePoolEventRegisterAny",
  NodeDevice: "virConnectNodeDeviceEventRegisterAny",
  Secret: "virConnectSecretEventRegisterAny",
} as const satisfies Record<EventFamily, string>;

const DEREGISTER = {
  Domain: "virConnectDomainEventDeregisterAny",
  Network: "virConnectNetworkEventDeregisterAny",
  StoragePool: "virConnectStoragePoolEventDeregisterAny",
  NodeDevice: "virConnectNodeDeviceEventDeregisterAny",
  Secret: "virConnectSecretEventDeregisterAny",
} as const satisfies Record<EventFamily, string>;

/** The listeners of one connection; libvirt is told of an event's first and last listener. */
export class Events {
  #session: Session | undefined;
  readonly #registrations = new Map<RegisteredEvent, Registration>();
  readonly #closeListeners = new Set<AnyListener>();
  #closing = false;

  /** Says whose events these are, once it is open. */
  attach(session: Session): void {
    this.#session = session;
  }

  /** The connection was lost. */
  lost(): void {
    if (this.#closing || this.#session === undefined) return;
    for (const wake of this.#session.lost) wake();
    const event: EventMap["close"] = { uri: this.#session.uri };
    for (const listener of [...this.#closeListeners]) {
      (listener as (event: EventMap["close"]) => void)(event);
    }
  }

  on<K extends EventName>(name: K, listener: (event: EventMap[K]) => void): EventSubscription {
    if (name === "close") {
      this.#closeListeners.add(listener);
      return subscription(Promise.resolve(), () => {
        this.#closeListeners.delete(listener);
        return Promise.resolve();
      });
    }
    const event = name as RegisteredEvent;
    // The same function may listen twice: each addition has an identity of its own.
    const own: AnyListener = (value) => listener(value);
    const registration = this.#registrations.get(event) ?? this.#register(event);
    registration.listeners.add(own);
    const ready = registration.callbackId.then(() => {});
    ready.catch(() => {
      // Whoever awaits `ready` learns of it; who does not has asked for events that never come.
    });
    return subscription(ready, async () => {
      registration.listeners.delete(own);
      if (registration.listeners.size === 0) await this.#deregister(event, registration);
    });
  }

  #register(name: RegisteredEvent): Registration {
    const { lane, pointer, runtime } = this.#session as Session;
    const { family, id } = EVENT_KINDS[name];
    const listeners = new Set<AnyListener>();
    const listening = runtime.listen((event) => {
      for (const listener of [...listeners]) (listener as (event: unknown) => void)(event);
    });
    const registration: Registration = {
      listeners,
      stop: listening.stop,
      callbackId: lane.call(
        REGISTER[family],
        pointer,
        0n,
        id,
        runtime.callback(name),
        listening.id,
        0n,
      ),
    };
    this.#registrations.set(name, registration);
    registration.callbackId.catch(() => {
      listening.stop();
      if (this.#registrations.get(name) === registration) this.#registrations.delete(name);
    });
    return registration;
  }

  async #deregister(name: RegisteredEvent, registration: Registration): Promise<void> {
    if (this.#registrations.get(name) !== registration || this.#closing) return;
    this.#registrations.delete(name);
    registration.stop();
    const { lane, pointer } = this.#session as Session;
    try {
      const callbackId = await registration.callbackId;
      await lane.call(DEREGISTER[EVENT_KINDS[name].family], pointer, callbackId);
    } catch {
      // Never registered, or the connection is gone: either way nothing is sent any more.
    }
  }

  /** Ends everything, before the connection is closed. */
  async close(): Promise<void> {
    const registrations = [...this.#registrations];
    await Promise.all(registrations.map(([name, it]) => this.#deregister(name, it)));
    this.#closing = true;
    this.#closeListeners.clear();
  }
}

function subscription(ready: Promise<void>, stop: () => Promise<void>): EventSubscription {
  let stopped: Promise<void> | undefined;
  const end = () => stopped ??= stop();
  return {
    ready,
    [Symbol.dispose]: () => void end(),
    [Symbol.asyncDispose]: () => end(),
  };
}
