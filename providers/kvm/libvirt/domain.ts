/**
 * Domains: libvirt's word for machines.
 *
 * @module
 */

import type {
  BlockInfo,
  BlockJobInfo,
  DomainInfo,
  DomainInterface,
  FileSystemInfo,
} from "./calls/domain.ts";
import { type Described, FREE } from "./calls/objects.ts";
import type { TypedParameters } from "./calls/typed_params.ts";
import { DomainTuning } from "./domain_tuning.ts";
import type { Session } from "./session.ts";
import { DomainCheckpoint, DomainSnapshot } from "./snapshot.ts";
import { Stream } from "./stream.ts";

/** A picture of a guest's screen. */
export interface Screenshot {
  /** For example `image/png` or `image/x-portable-pixmap`. */
  readonly mimeType: string;
  /** The picture itself. */
  readonly bytes: Uint8Array;
}

/**
 * A handle on a domain. Every method asks the host, but for the fields. `flags` that say whether the
 * running guest or its configuration is meant are `AffectFlags`.
 */
export class Domain extends DomainTuning {
  /** The UUID, in lower case with dashes. */
  readonly uuid: string;
  /** The id that it had when this handle was made; -1 when it was not running. */
  readonly id: number;

  /** @internal */
  constructor(session: Session, described: Described) {
    super(session, described, FREE.domain);
    this.uuid = described.uuid;
    this.id = described.detail;
  }

  /** What it is, for messages. */
  override toString(): string {
    return `domain "${this.name}"`;
  }

  /** Its XML. `flags`: `DomainXmlFlags`; without INACTIVE the live XML of a domain that runs. */
  xml(flags = 0): Promise<string> {
    return this._call("virDomainGetXMLDesc", flags);
  }

  /** `DomainState` and the reason for it. */
  state(): Promise<{ state: number; reason: number }> {
    return this._call("virDomainGetState");
  }

  /** State, memory, vCPUs, CPU time. */
  info(): Promise<DomainInfo> {
    return this._call("virDomainGetInfo");
  }

  /** Whether it runs or is suspended. */
  isActive(): Promise<boolean> {
    return this._call("virDomainIsActive");
  }

  /** Whether it has a configuration that outlives a stop. */
  isPersistent(): Promise<boolean> {
    return this._call("virDomainIsPersistent");
  }

  /** Whether its configuration was changed while it ran. */
  isUpdated(): Promise<boolean> {
    return this._call("virDomainIsUpdated");
  }

  /** Whether it starts with the host. */
  autostart(): Promise<boolean> {
    return this._call("virDomainGetAutostart");
  }

  /** Says whether it starts with the host. */
  setAutostart(autostart: boolean): Promise<void> {
    return this._call("virDomainSetAutostart", autostart ? 1 : 0);
  }

  /** Starts it. `flags`: `DomainStartFlags`. */
  create(flags = 0): Promise<void> {
    return this._call("virDomainCreateWithFlags", flags);
  }

  /** Asks the guest to shut down; does not wait. `flags`: `ShutdownFlags`. */
  shutdown(flags = 0): Promise<void> {
    return this._call("virDomainShutdownFlags", flags);
  }

  /** Asks the guest to reboot. `flags`: `ShutdownFlags`. */
  reboot(flags = 0): Promise<void> {
    return this._call("virDomainReboot", flags);
  }

  /** Resets it, as the button does. */
  reset(): Promise<void> {
    return this._call("virDomainReset", 0);
  }

  /** Stops it at once, as pulling the plug does. `flags`: `DestroyFlags`. */
  destroy(flags = 0): Promise<void> {
    return this._call("virDomainDestroyFlags", flags);
  }

  /** Stops its CPUs. */
  suspend(): Promise<void> {
    return this._call("virDomainSuspend");
  }

  /** Lets its CPUs go on. */
  resume(): Promise<void> {
    return this._call("virDomainResume");
  }

  /** Puts the guest to sleep by its agent. `target`: 0 memory, 1 disk, 2 both. */
  sleep(target: number): Promise<void> {
    return this._call("virDomainPMSuspendForDuration", target, 0, 0);
  }

  /** Wakes a guest that sleeps. */
  wakeup(): Promise<void> {
    return this._call("virDomainPMWakeup", 0);
  }

  /** Removes its configuration. `flags`: `UndefineFlags`. */
  undefine(flags = 0): Promise<void> {
    return this._call("virDomainUndefineFlags", flags);
  }

  /** Gives it another name; it must be stopped. This handle keeps the old name. */
  rename(name: string): Promise<void> {
    return this._call("virDomainRename", name, 0);
  }

  /** Saves memory to a file of libvirt's own, and stops; the next start goes on from there. */
  managedSave(flags = 0): Promise<void> {
    return this._call("virDomainManagedSave", flags);
  }

  /** Whether there is a saved state. */
  hasManagedSave(): Promise<boolean> {
    return this._call("virDomainHasManagedSaveImage", 0);
  }

  /** Its XML as it was saved, without passwords: what the next start restores. Since libvirt 3.7.0. */
  managedSaveXml(): Promise<string> {
    return this._call("virDomainManagedSaveGetXMLDesc", 0);
  }

  /** Drops the saved state. */
  removeManagedSave(): Promise<void> {
    return this._call("virDomainManagedSaveRemove", 0);
  }

  /** Saves memory to a file on the host, and stops. */
  save(path: string, xml: string | null = null, flags = 0): Promise<void> {
    return this._call("virDomainSaveFlags", path, xml, flags);
  }

  /** Sends non-maskable interrupt. */
  injectNmi(): Promise<void> {
    return this._call("virDomainInjectNMI", 0);
  }

  /** Presses keys together (`codeset` 0: Linux) and holds them for some milliseconds. */
  sendKeys(keys: readonly number[], holdMilliseconds = 50, codeset = 0): Promise<void> {
    return this._call("virDomainSendKey", codeset, holdMilliseconds, keys);
  }

  /** Warnings about it (deprecated features, taint). libvirt 7.1.0. */
  messages(flags = 0): Promise<readonly string[]> {
    return this._call("virDomainGetMessages", flags);
  }

  /** Number of vCPUs. `flags`: `VcpuFlags`. */
  vcpus(flags = 0): Promise<number> {
    return this._call("virDomainGetVcpusFlags", flags);
  }

  /** Sets the number of vCPUs. `flags`: `VcpuFlags`. */
  setVcpus(count: number, flags = 0): Promise<void> {
    return this._call("virDomainSetVcpusFlags", count, flags);
  }

  /** Sets memory in KiB. `flags`: `MemoryFlags`. */
  setMemory(kib: number, flags = 0): Promise<void> {
    return this._call("virDomainSetMemoryFlags", kib, flags);
  }

  /** Maximum memory in KiB. */
  maxMemory(): Promise<number> {
    return this._call("virDomainGetMaxMemory");
  }

  /** Sets maximum memory in KiB, in the configuration unless `flags` say otherwise. */
  setMaxMemory(kib: number, flags: number = CONFIG): Promise<void> {
    return this._call("virDomainSetMemoryFlags", kib, flags | MEMORY_MAXIMUM);
  }

  /** Seconds between two readings of the balloon's statistics; 0: none. */
  setMemoryStatsPeriod(seconds: number, flags = 0): Promise<void> {
    return this._call("virDomainSetMemoryStatsPeriod", seconds, flags);
  }

  /** Adds the device that the XML describes. `flags`: `AffectFlags`. */
  attachDevice(xml: string, flags = 0): Promise<void> {
    return this._call("virDomainAttachDeviceFlags", xml, flags);
  }

  /** Removes a device. It may still be there when this resolves: wait for `device-removed`. */
  detachDevice(xml: string, flags = 0): Promise<void> {
    return this._call("virDomainDetachDeviceFlags", xml, flags);
  }

  /** Removes the device with an alias. It may still be there when this resolves. */
  detachDeviceAlias(alias: string, flags = 0): Promise<void> {
    return this._call("virDomainDetachDeviceAlias", alias, flags);
  }

  /** Changes a device to what the XML says, whole: what is left out is a wish to remove it. */
  updateDevice(xml: string, flags = 0): Promise<void> {
    return this._call("virDomainUpdateDeviceFlags", xml, flags);
  }

  /** What is done on power off (0), reboot (1), crash (2). */
  setLifecycleAction(type: number, action: number, flags = 0): Promise<void> {
    return this._call("virDomainSetLifecycleAction", type, action, flags);
  }

  /** Gives a running guest's disk a size in bytes. It shrinks without a word. */
  blockResize(disk: string, bytes: number, flags: number = RESIZE_BYTES): Promise<void> {
    return this._call("virDomainBlockResize", disk, bytes, flags | RESIZE_BYTES);
  }

  /** Sizes of a disk, in bytes. */
  blockInfo(disk: string): Promise<BlockInfo> {
    return this._call("virDomainGetBlockInfo", disk);
  }

  /** The block job of a disk, or null. */
  blockJobInfo(disk: string, flags = 0): Promise<BlockJobInfo | null> {
    return this._call("virDomainGetBlockJobInfo", disk, flags);
  }

  /** Ends a block job. */
  blockJobAbort(disk: string, flags = 0): Promise<void> {
    return this._call("virDomainBlockJobAbort", disk, flags);
  }

  /** Copies what the backing store holds into the disk. */
  blockPull(disk: string, bandwidth = 0, flags = 0): Promise<void> {
    return this._call("virDomainBlockPull", disk, bandwidth, flags);
  }

  /** Copies what the upper files hold into a lower one. */
  blockCommit(
    disk: string,
    options: { base?: string; top?: string; bandwidth?: number; flags?: number } = {},
  ): Promise<void> {
    const { base = null, top = null, bandwidth = 0, flags = 0 } = options;
    return this._call("virDomainBlockCommit", disk, base, top, bandwidth, flags);
  }

  /** Asks for a `block-threshold` event when a disk grows beyond some bytes. */
  setBlockThreshold(device: string, bytes: number): Promise<void> {
    return this._call("virDomainSetBlockThreshold", device, bytes, 0);
  }

  /**
   * Sets description, title or an element of the metadata (`MetadataType`); null removes it. `key` is
   * the element's prefix, `uri` its namespace.
   */
  setMetadata(
    type: number,
    metadata: string | null,
    key: string | null = null,
    uri: string | null = null,
    flags = 0,
  ): Promise<void> {
    return this._call("virDomainSetMetadata", type, metadata, key, uri, flags);
  }

  /** Description, title or an element of the metadata (`MetadataType`). */
  metadata(type: number, uri: string | null = null, flags = 0): Promise<string> {
    return this._call("virDomainGetMetadata", type, uri, flags);
  }

  /** Addresses of its interfaces. `source`: `AddressSource`. */
  interfaceAddresses(source = 0): Promise<readonly DomainInterface[]> {
    return this._call("virDomainInterfaceAddresses", source);
  }

  /** The guest's own host name. `flags`: 1 from leases, 2 from the agent. */
  hostname(flags = 0): Promise<string> {
    return this._call("virDomainGetHostname", flags);
  }

  /** The guest's clock, by its agent. */
  time(): Promise<{ seconds: bigint; nanoseconds: number }> {
    return this._call("virDomainGetTime");
  }

  /** Sets the guest's clock, by its agent. `flags` 1: from its hardware clock. */
  setTime(seconds: bigint, nanoseconds = 0, flags = 0): Promise<void> {
    return this._call("virDomainSetTime", seconds, nanoseconds, flags);
  }

  /** File systems in the guest, by its agent. */
  fileSystems(): Promise<readonly FileSystemInfo[]> {
    return this._call("virDomainGetFSInfo");
  }

  /** Freezes file systems (all of them unless named), by the agent; gives how many. */
  fsFreeze(mountpoints: readonly string[] | null = null): Promise<number> {
    return this._call("virDomainFSFreeze", mountpoints);
  }

  /** Thaws file systems; gives how many. */
  fsThaw(mountpoints: readonly string[] | null = null): Promise<number> {
    return this._call("virDomainFSThaw", mountpoints);
  }

  /** Gives unused blocks back, by the agent. */
  fsTrim(mountpoint: string | null = null, minimum = 0): Promise<void> {
    return this._call("virDomainFSTrim", mountpoint, minimum, 0);
  }

  /** Sets a password in the guest, by the agent. `flags` 1: it is encrypted already. */
  setUserPassword(user: string, password: string, flags = 0): Promise<void> {
    return this._call("virDomainSetUserPassword", user, password, flags);
  }

  /** Brings vCPUs on or off line inside the guest, by the agent; `cpus` as in `0-2,4`. */
  setGuestVcpus(cpus: string, online: boolean): Promise<void> {
    return this._call("virDomainSetGuestVcpus", cpus, online ? 1 : 0, 0);
  }

  /** What the agent sees of its vCPUs. */
  guestVcpus(): Promise<TypedParameters> {
    return this._call("virDomainGetGuestVcpus", 0);
  }

  /** What the agent knows (`GuestInfoTypes`; 0: everything). */
  guestInfo(types = 0, flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetGuestInfo", types, flags);
  }

  /** Seconds that calls of the agent may take. -2: for ever, -1: libvirt's default, 0: no wait. */
  setAgentTimeout(seconds: number): Promise<void> {
    return this._call("virDomainAgentSetResponseTimeout", seconds, 0);
  }

  /** Sends a command to the guest agent; both sides are JSON. Needs libvirt-qemu.so.0. */
  agentCommand(json: string, timeoutSeconds = -1): Promise<string> {
    return this._call("virDomainQemuAgentCommand", json, timeoutSeconds, 0);
  }

  /** Sends a command to QEMU's monitor (JSON; `flags` 1: human form). Taints the domain. */
  monitorCommand(command: string, flags = 0): Promise<string> {
    return this._call("virDomainQemuMonitorCommand", command, flags);
  }

  /** Opens a console by its alias (null: the first). `flags` 1: take it from who holds it. */
  openConsole(device: string | null = null, flags = 0): Promise<Stream> {
    return this.#openStream("virDomainOpenConsole", device, flags);
  }

  /** Opens a channel by its name (null: the first). `flags` 1: take it from who holds it. */
  openChannel(name: string | null = null, flags = 0): Promise<Stream> {
    return this.#openStream("virDomainOpenChannel", name, flags);
  }

  #openStream(
    call: "virDomainOpenConsole" | "virDomainOpenChannel",
    device: string | null,
    flags: number,
  ): Promise<Stream> {
    return this._using((pointer) =>
      Stream._open(
        this._session,
        `${call === "virDomainOpenConsole" ? "console" : "channel"} of ${this}`,
        true,
        (stream) => this._session.lane.call(call, pointer, device, stream, flags),
      )
    );
  }

  /** A picture of a screen. */
  screenshot(screen = 0): Promise<Screenshot> {
    return this._using(async (pointer) => {
      let mimeType = "";
      const stream = await Stream._open(
        this._session,
        `screen of ${this}`,
        false,
        async (stream) => {
          mimeType = await this._session.lane.call(
            "virDomainScreenshot",
            pointer,
            stream,
            screen,
            0,
          );
        },
      );
      const bytes = await new Response(stream.readable).bytes();
      return { mimeType, bytes };
    });
  }

  /** Ends the job that runs on this domain. */
  abortJob(): Promise<void> {
    return this._call("virDomainAbortJob");
  }

  /** Its snapshots. `flags`: `ListSnapshotsFlags`. */
  async snapshots(flags = 0): Promise<DomainSnapshot[]> {
    const found = await this._call("virDomainListAllSnapshots", flags);
    return found.map((described) => new DomainSnapshot(this._session, described, this.name));
  }

  /** A snapshot by its name. */
  async snapshotByName(name: string): Promise<DomainSnapshot> {
    const found = await this._call("virDomainSnapshotLookupByName", name, 0);
    return new DomainSnapshot(this._session, found, this.name);
  }

  /** The current snapshot, or null. */
  async currentSnapshot(): Promise<DomainSnapshot | null> {
    if (!await this._call("virDomainHasCurrentSnapshot", 0)) return null;
    const found = await this._call("virDomainSnapshotCurrent", 0);
    return new DomainSnapshot(this._session, found, this.name);
  }

  /** Takes a snapshot. `flags`: `SnapshotCreateFlags`. */
  async createSnapshot(xml: string, flags = 0): Promise<DomainSnapshot> {
    const made = await this._call("virDomainSnapshotCreateXML", xml, flags);
    return new DomainSnapshot(this._session, made, this.name);
  }

  /** Its checkpoints. */
  async checkpoints(flags = 0): Promise<DomainCheckpoint[]> {
    const found = await this._call("virDomainListAllCheckpoints", flags);
    return found.map((described) => new DomainCheckpoint(this._session, described, this.name));
  }

  /** Makes a checkpoint. */
  async createCheckpoint(xml: string, flags = 0): Promise<DomainCheckpoint> {
    const made = await this._call("virDomainCheckpointCreateXML", xml, flags);
    return new DomainCheckpoint(this._session, made, this.name);
  }
}

/** `VIR_DOMAIN_AFFECT_CONFIG`. */
const CONFIG = 2;
/** `VIR_DOMAIN_MEM_MAXIMUM`. */
const MEMORY_MAXIMUM = 4;
/** `VIR_DOMAIN_BLOCK_RESIZE_BYTES`. */
const RESIZE_BYTES = 1;
