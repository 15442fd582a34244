/**
 * Networks, network filters and host interfaces.
 *
 * @module
 */

import type { Lease } from "./calls/network.ts";
import { type Described, FREE } from "./calls/objects.ts";
import { NamedHandle } from "./handle.ts";
import type { Session } from "./session.ts";

/** A change of a network that need not be restarted for it. */
export interface NetworkUpdate {
  /** `NetworkUpdateCommand`. */
  readonly command: number;
  /** `NetworkUpdateSection`. */
  readonly section: number;
  /** Which `<ip>` element is meant, from 0; -1: find it. */
  readonly parentIndex?: number;
  /** The element that is added, changed or removed. */
  readonly xml: string;
  /** `AffectFlags`: the running network, its configuration or both. */
  readonly flags?: number;
}

/** A handle on a network. */
export class Network extends NamedHandle {
  /** The UUID, in lower case with dashes. */
  readonly uuid: string;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.network);
    this.uuid = described.uuid;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `network "${this.name}"`;
  }

  /** Its XML. `flags` 1 (`NetworkXmlFlags.INACTIVE`): the configuration. */
  xml(flags = 0): Promise<string> {
    return this._call("virNetworkGetXMLDesc", flags);
  }

  /** Whether it runs. */
  isActive(): Promise<boolean> {
    return this._call("virNetworkIsActive");
  }

  /** Whether it has a configuration that outlives a stop. */
  isPersistent(): Promise<boolean> {
    return this._call("virNetworkIsPersistent");
  }

  /** Whether it starts with the host. */
  autostart(): Promise<boolean> {
    return this._call("virNetworkGetAutostart");
  }

  /** Says whether it starts with the host. */
  setAutostart(autostart: boolean): Promise<void> {
    return this._call("virNetworkSetAutostart", autostart ? 1 : 0);
  }

  /** Starts it. */
  create(): Promise<void> {
    return this._call("virNetworkCreate");
  }

  /** Stops it: guests on it are cut off. */
  destroy(): Promise<void> {
    return this._call("virNetworkDestroy");
  }

  /** Removes its configuration. */
  undefine(): Promise<void> {
    return this._call("virNetworkUndefine");
  }

  /** Changes a part of it without a restart. */
  update(update: NetworkUpdate): Promise<void> {
    const { command, section, parentIndex = -1, xml, flags = 0 } = update;
    return this._call("virNetworkUpdate", command, section, parentIndex, xml, flags);
  }

  /** The leases that its DHCP server gave; those of one MAC address if named. */
  dhcpLeases(mac: string | null = null): Promise<readonly Lease[]> {
    return this._call("virNetworkGetDHCPLeases", mac);
  }

  /** The host's bridge of a network that runs. */
  bridgeName(): Promise<string> {
    return this._call("virNetworkGetBridgeName");
  }

  /** Sets description, title or an element of the metadata. libvirt 9.7.0 here and on the host. */
  setMetadata(
    type: number,
    metadata: string | null,
    key: string | null = null,
    uri: string | null = null,
    flags = 0,
  ): Promise<void> {
    return this._call("virNetworkSetMetadata", type, metadata, key, uri, flags);
  }

  /** Description, title or an element of the metadata. libvirt 9.7.0 here and on the host. */
  metadata(type: number, uri: string | null = null, flags = 0): Promise<string> {
    return this._call("virNetworkGetMetadata", type, uri, flags);
  }
}

/** A handle on a network filter. */
export class NwFilter extends NamedHandle {
  /** The UUID, in lower case with dashes. */
  readonly uuid: string;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.nwfilter);
    this.uuid = described.uuid;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `network filter "${this.name}"`;
  }

  /** Its XML. */
  xml(): Promise<string> {
    return this._call("virNWFilterGetXMLDesc", 0);
  }

  /** Removes it. */
  undefine(): Promise<void> {
    return this._call("virNWFilterUndefine");
  }
}

/** A handle on an interface of the host. */
export class HostInterface extends NamedHandle {
  /** Its MAC address. */
  readonly mac: string;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.interface);
    this.mac = described.text;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `host interface "${this.name}"`;
  }

  /** Its XML. `flags` 1: the configuration. */
  xml(flags = 0): Promise<string> {
    return this._call("virInterfaceGetXMLDesc", flags);
  }

  /** Whether it is up. */
  isActive(): Promise<boolean> {
    return this._call("virInterfaceIsActive");
  }
}
