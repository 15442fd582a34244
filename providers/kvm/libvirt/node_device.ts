/**
 * Devices of the host.
 *
 * @module
 */

import { type Described, FREE } from "./calls/objects.ts";
import { NamedHandle } from "./handle.ts";
import type { Session } from "./session.ts";

/** A handle on a device of the host, for example `pci_0000_00_02_0`. */
export class NodeDevice extends NamedHandle {
  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.device);
  }

  /** What it is, for messages. */
  override toString(): string {
    return `host device "${this.name}"`;
  }

  /** Its XML. */
  xml(flags = 0): Promise<string> {
    return this._call("virNodeDeviceGetXMLDesc", flags);
  }

  /** The name of the device that it hangs on; null for the root. */
  parent(): Promise<string | null> {
    return this._call("virNodeDeviceGetParent");
  }

  /** What it can do, for example `pci`, `net`, `mdev_types`. */
  capabilities(): Promise<readonly string[]> {
    return this._call("virNodeDeviceListCaps");
  }

  /** Takes it from its driver, so that a guest can have it. `driver`: `vfio` unless null. */
  detach(driver: string | null = null): Promise<void> {
    return this._call("virNodeDeviceDetachFlags", driver, 0);
  }

  /** Gives it back to its driver. */
  reattach(): Promise<void> {
    return this._call("virNodeDeviceReAttach");
  }

  /** Resets it. */
  reset(): Promise<void> {
    return this._call("virNodeDeviceReset");
  }

  /** Starts a defined (mediated) device. libvirt 7.3.0. */
  create(): Promise<void> {
    return this._call("virNodeDeviceCreate", 0);
  }

  /** Stops a mediated or virtual device. */
  destroy(): Promise<void> {
    return this._call("virNodeDeviceDestroy");
  }

  /** Removes its configuration. libvirt 7.3.0. */
  undefine(): Promise<void> {
    return this._call("virNodeDeviceUndefine", 0);
  }

  /** Whether it is there now. libvirt 7.8.0. */
  isActive(): Promise<boolean> {
    return this._call("virNodeDeviceIsActive");
  }

  /** Whether it has a configuration. libvirt 7.8.0. */
  isPersistent(): Promise<boolean> {
    return this._call("virNodeDeviceIsPersistent");
  }

  /** Whether it starts with the host. libvirt 7.8.0. */
  autostart(): Promise<boolean> {
    return this._call("virNodeDeviceGetAutostart");
  }

  /** Says whether it starts with the host. libvirt 7.8.0. */
  setAutostart(autostart: boolean): Promise<void> {
    return this._call("virNodeDeviceSetAutostart", autostart ? 1 : 0);
  }
}
