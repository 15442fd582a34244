/**
 * Secrets: passphrases that libvirt keeps for volumes, networks and graphics.
 *
 * @module
 */

import { type Described, FREE } from "./calls/objects.ts";
import { Handle } from "./handle.ts";
import type { Session } from "./session.ts";

/** A handle on a secret. */
export class Secret extends Handle {
  /** The UUID, in lower case with dashes. */
  readonly uuid: string;
  /** `SecretUsageType`. */
  readonly usageType: number;
  /** What it is for, for example a volume's path or a name. */
  readonly usageId: string;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described.pointer, FREE.secret);
    this.uuid = described.uuid;
    this.usageType = described.detail;
    this.usageId = described.text;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `secret ${this.uuid}`;
  }

  /** Its XML, which never holds the value. */
  xml(): Promise<string> {
    return this._call("virSecretGetXMLDesc", 0);
  }

  /** The value; refused for a private secret. */
  value(): Promise<Uint8Array> {
    return this._call("virSecretGetValue");
  }

  /** Sets the value. */
  setValue(value: Uint8Array): Promise<void> {
    return this._call("virSecretSetValue", value, value.length, 0);
  }

  /** Removes it with its value. */
  undefine(): Promise<void> {
    return this._call("virSecretUndefine");
  }
}
