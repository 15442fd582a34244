/**
 * Storage pools and their volumes.
 *
 * @module
 */

import { type Described, FREE } from "./calls/objects.ts";
import type { PoolInfo, VolumeInfo } from "./calls/storage.ts";
import { NamedHandle } from "./handle.ts";
import type { Session } from "./session.ts";
import { Stream } from "./stream.ts";
import { download, type TransferOptions, upload } from "./transfer.ts";

/** A handle on a storage pool. */
export class StoragePool extends NamedHandle {
  /** The UUID, in lower case with dashes. */
  readonly uuid: string;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.pool);
    this.uuid = described.uuid;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `pool "${this.name}"`;
  }

  /** Its XML. `flags` 1 (`StorageXmlFlags.INACTIVE`): the configuration. */
  xml(flags = 0): Promise<string> {
    return this._call("virStoragePoolGetXMLDesc", flags);
  }

  /** State and sizes. */
  info(): Promise<PoolInfo> {
    return this._call("virStoragePoolGetInfo");
  }

  /** Whether it runs: volumes can be used only then. */
  isActive(): Promise<boolean> {
    return this._call("virStoragePoolIsActive");
  }

  /** Whether it has a configuration that outlives a stop. */
  isPersistent(): Promise<boolean> {
    return this._call("virStoragePoolIsPersistent");
  }

  /** Whether it starts with the host. */
  autostart(): Promise<boolean> {
    return this._call("virStoragePoolGetAutostart");
  }

  /** Says whether it starts with the host. */
  setAutostart(autostart: boolean): Promise<void> {
    return this._call("virStoragePoolSetAutostart", autostart ? 1 : 0);
  }

  /** Makes what it stands on, for example its directory. `flags`: `PoolBuildFlags`. */
  build(flags = 0): Promise<void> {
    return this._call("virStoragePoolBuild", flags);
  }

  /** Starts it. `flags`: `PoolCreateFlags`. */
  create(flags = 0): Promise<void> {
    return this._call("virStoragePoolCreate", flags);
  }

  /** Looks again which volumes there are. */
  refresh(): Promise<void> {
    return this._call("virStoragePoolRefresh", 0);
  }

  /** Stops it; its data stays. */
  destroy(): Promise<void> {
    return this._call("virStoragePoolDestroy");
  }

  /** Deletes what it stands on, for example its (empty) directory. It must be stopped. */
  delete(flags = 0): Promise<void> {
    return this._call("virStoragePoolDelete", flags);
  }

  /** Removes its configuration; its data stays. */
  undefine(): Promise<void> {
    return this._call("virStoragePoolUndefine");
  }

  /** Its volumes, as of its last refresh. */
  async volumes(flags = 0): Promise<StorageVolume[]> {
    const found = await this._call("virStoragePoolListAllVolumes", flags);
    return found.map((described) => new StorageVolume(this._session, described, this.name));
  }

  /** A volume by its name. */
  async volumeByName(name: string): Promise<StorageVolume> {
    const found = await this._call("virStorageVolLookupByName", name);
    return new StorageVolume(this._session, found, this.name);
  }

  /** Makes a volume. `flags`: `VolumeCreateFlags`. */
  async createVolume(xml: string, flags = 0): Promise<StorageVolume> {
    const made = await this._call("virStorageVolCreateXML", xml, flags);
    return new StorageVolume(this._session, made, this.name);
  }

  /** Makes a volume with the content of another, on the host. */
  createVolumeFrom(xml: string, source: StorageVolume, flags = 0): Promise<StorageVolume> {
    return source._using(async (pointer) => {
      const made = await this._call("virStorageVolCreateXMLFrom", xml, pointer, flags);
      return new StorageVolume(this._session, made, this.name);
    });
  }
}

/** A handle on a volume. */
export class StorageVolume extends NamedHandle {
  /** What names it uniquely on the host; for files their path. */
  readonly key: string;
  /** The pool's name. */
  readonly pool: string;

  /** @internal */
  constructor(session: Session, described: Described, pool: string) {
    super(session, described, FREE.volume);
    this.key = described.text;
    this.pool = pool;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `volume "${this.name}" in pool "${this.pool}"`;
  }

  /** Its path on the host. */
  path(): Promise<string> {
    return this._call("virStorageVolGetPath");
  }

  /** Its XML. */
  xml(): Promise<string> {
    return this._call("virStorageVolGetXMLDesc", 0);
  }

  /** Type and sizes. `flags` 1: `allocation` is the file's physical size. */
  info(flags = 0): Promise<VolumeInfo> {
    return this._call("virStorageVolGetInfoFlags", flags);
  }

  /** Gives it another capacity, in bytes. `flags`: `VolumeResizeFlags`. */
  resize(bytes: number, flags = 0): Promise<void> {
    return this._call("virStorageVolResize", bytes, flags);
  }

  /** Overwrites its content (`algorithm`: `virStorageVolWipeAlgorithm`, 0: zeroes). */
  wipe(algorithm = 0): Promise<void> {
    return this._call("virStorageVolWipePattern", algorithm, 0);
  }

  /** Deletes it. `flags`: `VolumeDeleteFlags`. */
  delete(flags = 0): Promise<void> {
    return this._call("virStorageVolDelete", flags);
  }

  /**
   * Writes into it from a local file or a stream.
   *
   * With `sparse` (the default for a file) holes are sent as holes. A hole leaves what the volume holds
   * there: use it on a fresh volume. Gives the bytes written, holes included.
   *
   * A local file needs read permission for it.
   */
  upload(
    source: string | URL | ReadableStream<Uint8Array>,
    options: TransferOptions = {},
  ): Promise<number> {
    return this._using((pointer) => upload(this._session, `${this}`, pointer, source, options));
  }

  /**
   * Reads it into a local file (which is replaced) or a stream.
   *
   * With `sparse` (the default for a file) holes stay holes. Gives the bytes read, holes included.
   *
   * A local file needs write permission for it.
   */
  download(
    target: string | URL | WritableStream<Uint8Array>,
    options: TransferOptions = {},
  ): Promise<number> {
    return this._using((pointer) => download(this._session, `${this}`, pointer, target, options));
  }

  /** Opens it for writing piece by piece. `flags` 1: holes may be sent. */
  openUpload(offset = 0, length = 0, flags = 0): Promise<Stream> {
    return this._using((pointer) =>
      Stream._open(
        this._session,
        `upload to ${this}`,
        false,
        (stream) =>
          this._session.lane.call("virStorageVolUpload", pointer, stream, offset, length, flags),
      )
    );
  }

  /** Opens it for reading piece by piece. `flags` 1: holes are told of. */
  openDownload(offset = 0, length = 0, flags = 0): Promise<Stream> {
    return this._using((pointer) =>
      Stream._open(
        this._session,
        `download of ${this}`,
        false,
        (stream) =>
          this._session.lane.call("virStorageVolDownload", pointer, stream, offset, length, flags),
      )
    );
  }
}
