/**
 * Handles: what a declaration gives back. They hold what is known when a stack is planned, which
 * is everything: names, UUIDs, MAC and IP addresses, paths.
 *
 * A value that cannot be known, because the stack leaves it to the host, is an error that says
 * what to declare.
 *
 * @module
 */

/** What every handle has. */
export interface Handle {
  /** Kind of the resource. */
  readonly kind: "pool" | "image" | "volume" | "network" | "machine";
  /** Address of the resource in the stack, for example `lab/machine.web-0`. */
  readonly resource: string;
  /** Name of the host in the stack. */
  readonly host: string;
  /** Name on the host: of the domain, network, pool, or of the volume in its pool. */
  readonly name: string;
}

/** A storage pool. */
export interface Pool extends Handle {
  /** What it is. */
  readonly kind: "pool";
  /** Folder on the host. @throws {StaddleError} when an existing pool's path was not declared. */
  readonly path: string;
}

/** An image in a host's store, shared by every machine that is cloned from it. */
export interface Image extends Handle {
  /** What it is. */
  readonly kind: "image";
  /** Format of the file. */
  readonly format: "qcow2" | "raw";
  /** File on the host. @throws {StaddleError} when the pool's path or the digest is not known. */
  readonly path: string;
}

/** A storage volume. */
export interface Volume extends Handle {
  /** What it is. */
  readonly kind: "volume";
  /** Format of the file. */
  readonly format: "qcow2" | "raw";
  /** File on the host. @throws {StaddleError} when the pool's path is not known. */
  readonly path: string;
}

/** A libvirt network. */
export interface Network extends Handle {
  /** What it is. */
  readonly kind: "network";
  /** For example `10.30.0.0/24`. @throws {StaddleError} when the network has none. */
  readonly subnet: string;
  /** The host's own address in the subnet. @throws {StaddleError} when the network has none. */
  readonly gateway: string;
  /** Name of the bridge. @throws {StaddleError} when it is left to the host. */
  readonly bridge: string;
}

/** A list of which the first few are taken to be there: asking for one that is not is an error. */
export interface Parts<T> extends ReadonlyArray<T> {
  /** The first. */
  readonly 0: T;
  /** The second. */
  readonly 1: T;
  /** The third. */
  readonly 2: T;
  /** The fourth. */
  readonly 3: T;
}

/** A NIC of a machine. */
export interface Nic {
  /** Name in the machine: `nic0`, `nic1`, … unless declared. */
  readonly name: string;
  /** MAC address, lower case. */
  readonly mac: string;
  /** IP address reserved for it. @throws {StaddleError} when nothing reserves one. */
  readonly ip: string;
}

/** A disk of a machine. */
export interface Disk {
  /** Name in the machine: `root`, `disk1`, `disk2`, … unless declared. */
  readonly name: string;
  /** The volume behind it. */
  readonly volume: Volume;
}

/** A virtual machine. */
export interface Machine extends Handle {
  /** What it is. */
  readonly kind: "machine";
  /** UUID of the libvirt domain, lower case. */
  readonly uuid: string;
  /** IP address of the first NIC that has one. @throws {StaddleError} when none has. */
  readonly address: string;
  /** In the guest's order. @throws {StaddleError} by an index that no NIC has. */
  readonly nics: Parts<Nic>;
  /** The NIC of a name. @throws {StaddleError} when there is none. */
  nic(name: string): Nic;
  /** In the guest's order. @throws {StaddleError} by an index that no disk has. */
  readonly disks: Parts<Disk>;
}

const handles = new WeakSet<object>();

/** Registers an object as a handle, so that nothing else passes for one. */
export function seal<T extends Handle>(handle: T): T {
  handles.add(handle);
  return Object.freeze(handle);
}

/** Whether a value came out of a declaration. */
export function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && handles.has(value);
}

/** A frozen list that answers an index that is not there with an error. */
export function parts<T>(list: readonly T[], missing: (index: number) => Error): Parts<T> {
  return new Proxy(Object.freeze([...list]), {
    get(target, key, receiver) {
      if (typeof key === "string" && /^\d+$/.test(key) && Number(key) >= target.length) {
        throw missing(Number(key));
      }
      return Reflect.get(target, key, receiver);
    },
  }) as unknown as Parts<T>;
}
