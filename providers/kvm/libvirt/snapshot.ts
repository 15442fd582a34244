/**
 * Snapshots and checkpoints of domains.
 *
 * @module
 */

import { type Described, FREE } from "./calls/objects.ts";
import { NamedHandle } from "./handle.ts";
import type { Session } from "./session.ts";

/** A handle on a domain's snapshot. */
export class DomainSnapshot extends NamedHandle {
  /** The domain's name. */
  readonly domain: string;

  /** @internal */
  constructor(session: Session, described: Described, domain: string) {
    super(session, described, FREE.snapshot);
    this.domain = domain;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `snapshot "${this.name}" of domain "${this.domain}"`;
  }

  /** Its XML, with the domain's as it was then. `flags` 1: with passwords. */
  xml(flags = 0): Promise<string> {
    return this._call("virDomainSnapshotGetXMLDesc", flags);
  }

  /** The snapshot before it. Fails with `VIR_ERR_NO_DOMAIN_SNAPSHOT` for the first. */
  async parent(): Promise<DomainSnapshot> {
    const found = await this._call("virDomainSnapshotGetParent", 0);
    return new DomainSnapshot(this._session, found, this.domain);
  }

  /** The snapshots after it. `flags`: `ListSnapshotsFlags`. */
  async children(flags = 0): Promise<DomainSnapshot[]> {
    const found = await this._call("virDomainSnapshotListAllChildren", flags);
    return found.map((described) => new DomainSnapshot(this._session, described, this.domain));
  }

  /** Whether it is the domain's current one. */
  isCurrent(): Promise<boolean> {
    return this._call("virDomainSnapshotIsCurrent", 0);
  }

  /** Whether libvirt holds metadata of it, which undefine must be told to drop. */
  hasMetadata(): Promise<boolean> {
    return this._call("virDomainSnapshotHasMetadata", 0);
  }

  /** Puts the domain back to it. `flags`: `SnapshotRevertFlags`. */
  revert(flags = 0): Promise<void> {
    return this._call("virDomainRevertToSnapshot", flags);
  }

  /** Deletes it. `flags`: `SnapshotDeleteFlags`. */
  delete(flags = 0): Promise<void> {
    return this._call("virDomainSnapshotDelete", flags);
  }
}

/** A handle on a domain's checkpoint. */
export class DomainCheckpoint extends NamedHandle {
  /** The domain's name. */
  readonly domain: string;

  /** @internal */
  constructor(session: Session, described: Described, domain: string) {
    super(session, described, FREE.checkpoint);
    this.domain = domain;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `checkpoint "${this.name}" of domain "${this.domain}"`;
  }

  /** Its XML. */
  xml(flags = 0): Promise<string> {
    return this._call("virDomainCheckpointGetXMLDesc", flags);
  }

  /** Deletes it. */
  delete(flags = 0): Promise<void> {
    return this._call("virDomainCheckpointDelete", flags);
  }
}
