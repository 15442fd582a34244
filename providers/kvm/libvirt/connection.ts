/**
 * A connection to a host: what can be asked of it, found on it and defined on it.
 *
 * @module
 */

import type { DomainStats, NodeInfo } from "./calls/connection.ts";
import { fromColumns } from "./calls/objects.ts";
import { Domain } from "./domain.ts";
import { readXmls } from "./domain_xmls.ts";
import type { EventMap, EventName } from "./event_kinds.ts";
import { Events, type EventSubscription } from "./events.ts";
import { HostInterface, Network, NwFilter } from "./network.ts";
import { NodeDevice } from "./node_device.ts";
import { Secret } from "./secret.ts";
import type { Session } from "./session.ts";
import { StoragePool, StorageVolume } from "./storage.ts";

/** Which machine domain capabilities, or a CPU baseline, are about; what is left out is the default. */
export interface MachineChoice {
  /** Path of the emulator on the host. */
  readonly emulator?: string;
  /** CPU architecture, for example `x86_64`. */
  readonly arch?: string;
  /** Machine type, for example `q35`. */
  readonly machine?: string;
  /** Kind of virtualization: `kvm` or `qemu`. */
  readonly virttype?: string;
}

/** Milliseconds that closing waits for calls that are under way. */
const CLOSE_GRACE = 2_000;

/**
 * A connection to a host. Any number of calls may be under way; those made in one turn travel
 * together. Four slow calls (changes, guest agent, transfers) run at once, further ones wait; reads go
 * past them.
 */
export class Connection implements AsyncDisposable {
  readonly #session: Session;
  readonly #events: Events;
  readonly #onClosed: (closed: boolean) => Promise<void>;
  readonly #closeCallback: bigint | null;
  #closing: Promise<void> | undefined;
  /** libvirt's own form of the URI. */
  readonly uri: string;
  /** Whether a host that does not answer any more will be noticed. */
  readonly keepalive: boolean;

  /** @internal */
  constructor(
    session: Session,
    init: {
      keepalive: boolean;
      events: Events;
      closeCallback: bigint | null;
      onClosed: (closed: boolean) => Promise<void>;
    },
  ) {
    this.#session = session;
    this.#events = init.events;
    this.#onClosed = init.onClosed;
    this.#closeCallback = init.closeCallback;
    this.uri = session.uri;
    this.keepalive = init.keepalive;
  }

  /** What it is, for messages. */
  toString(): string {
    return `connection to ${this.uri}`;
  }

  get #lane() {
    this.#session.assertOpen();
    return this.#session.lane;
  }

  get #pointer(): bigint {
    return this.#session.pointer;
  }

  /** The version of the libvirt at the other end: 1,000,000 × major + 1,000 × minor + release. */
  async libVersion(): Promise<number> {
    return await this.#lane.call("virConnectGetLibVersion", this.#pointer);
  }

  /** The hypervisor's version, in the same form. */
  async hypervisorVersion(): Promise<number> {
    return await this.#lane.call("virConnectGetVersion", this.#pointer);
  }

  /** The hypervisor's kind, for example `QEMU`. */
  async type(): Promise<string> {
    return await this.#lane.call("virConnectGetType", this.#pointer);
  }

  /** The host's own name. */
  async hostname(): Promise<string> {
    return await this.#lane.call("virConnectGetHostname", this.#pointer);
  }

  /** The host's capabilities, XML. */
  async capabilities(): Promise<string> {
    return await this.#lane.call("virConnectGetCapabilities", this.#pointer);
  }

  /** What domains of a kind can have here, XML. May take seconds the first time: QEMU is probed. */
  async domainCapabilities(choice: MachineChoice = {}): Promise<string> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return await this.#lane.call(
      "virConnectGetDomainCapabilities",
      this.#pointer,
      emulator,
      arch,
      machine,
      virttype,
      0,
    );
  }

  /** Which kinds of storage pool can be had here, XML. */
  async poolCapabilities(): Promise<string> {
    return await this.#lane.call("virConnectGetStoragePoolCapabilities", this.#pointer, 0);
  }

  /** CPUs, memory and topology of the host. */
  async nodeInfo(): Promise<NodeInfo> {
    return await this.#lane.call("virNodeGetInfo", this.#pointer);
  }

  /** Free memory of the host, in bytes. */
  async freeMemory(): Promise<number> {
    return await this.#lane.call("virNodeGetFreeMemory", this.#pointer);
  }

  /** Free pages of each size (KiB), for `cells` NUMA cells from `firstCell` on, cell by cell. */
  async freePages(
    sizes: readonly number[],
    firstCell = 0,
    cells = 1,
  ): Promise<readonly number[]> {
    return await this.#lane.call("virNodeGetFreePages", this.#pointer, sizes, firstCell, cells);
  }

  /** Which of the host's CPUs are on line. */
  async cpuMap(): Promise<readonly boolean[]> {
    return await this.#lane.call("virNodeGetCPUMap", this.#pointer);
  }

  /** The host's SMBIOS, XML. */
  async sysinfo(): Promise<string> {
    return await this.#lane.call("virConnectGetSysinfo", this.#pointer, 0);
  }

  /** The CPU models that libvirt knows for an architecture. */
  async cpuModelNames(arch: string): Promise<readonly string[]> {
    return await this.#lane.call("virConnectGetCPUModelNames", this.#pointer, arch);
  }

  /** The most vCPUs that a domain of a type (`kvm`, `qemu`) may have. */
  async maxVcpus(type: string | null = null): Promise<number> {
    return await this.#lane.call("virConnectGetMaxVcpus", this.#pointer, type);
  }

  /** Compares a CPU's XML with what the hypervisor offers: 0 differs, 1 the same, 2 offers more. */
  async compareCpu(xml: string, choice: MachineChoice = {}): Promise<number> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return await this.#lane.call(
      "virConnectCompareHypervisorCPU",
      this.#pointer,
      emulator,
      arch,
      machine,
      virttype,
      xml,
      0,
    );
  }

  /** The CPU that several hosts have in common, XML. */
  async baselineCpu(cpus: readonly string[], choice: MachineChoice = {}): Promise<string> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return await this.#lane.call(
      "virConnectBaselineHypervisorCPU",
      this.#pointer,
      { emulator, arch, machine, virttype },
      cpus,
      0,
    );
  }

  /** Turns a native configuration (`qemu-argv`) into domain XML. */
  async domainXmlFromNative(format: string, config: string): Promise<string> {
    return await this.#lane.call(
      "virConnectDomainXMLFromNative",
      this.#pointer,
      format,
      config,
      0,
    );
  }

  /** Turns domain XML into the hypervisor's own command line. */
  async domainXmlToNative(format: string, xml: string): Promise<string> {
    return await this.#lane.call("virConnectDomainXMLToNative", this.#pointer, format, xml, 0);
  }

  /** Whether the other end still answers, as far as this side knows. */
  async isAlive(): Promise<boolean> {
    return await this.#lane.call("virConnectIsAlive", this.#pointer);
  }

  /** Whether what travels is encrypted. */
  async isEncrypted(): Promise<boolean> {
    return await this.#lane.call("virConnectIsEncrypted", this.#pointer);
  }

  /** Whether what travels cannot be read by others. */
  async isSecure(): Promise<boolean> {
    return await this.#lane.call("virConnectIsSecure", this.#pointer);
  }

  /** All domains, or those that match `ListDomainsFlags`. */
  async domains(flags = 0): Promise<Domain[]> {
    const found = await this.#lane.call("virConnectListAllDomains", this.#pointer, flags);
    return fromColumns(found).map((described) => new Domain(this.#session, described));
  }

  /**
   * The XML of many domains, in their order, asked for in portions: much cheaper than one by one. What
   * cannot be read, for example because it went away, is an error in its place. `flags`:
   * `DomainXmlFlags`.
   */
  async domainXmls(
    domains: readonly Domain[],
    flags = 0,
  ): Promise<readonly (string | Error)[]> {
    return await readXmls(this.#lane, domains, flags);
  }

  /** A domain by its name. */
  async domainByName(name: string): Promise<Domain> {
    const found = await this.#lane.call("virDomainLookupByName", this.#pointer, name);
    return new Domain(this.#session, found);
  }

  /** A domain by its UUID. */
  async domainByUuid(uuid: string): Promise<Domain> {
    const found = await this.#lane.call("virDomainLookupByUUIDString", this.#pointer, uuid);
    return new Domain(this.#session, found);
  }

  /** A running domain by its id. */
  async domainById(id: number): Promise<Domain> {
    const found = await this.#lane.call("virDomainLookupByID", this.#pointer, id);
    return new Domain(this.#session, found);
  }

  /** Defines a domain, or changes the configuration of one. `flags`: `DefineDomainFlags`. */
  async defineDomain(xml: string, flags = 0): Promise<Domain> {
    const made = await this.#lane.call("virDomainDefineXMLFlags", this.#pointer, xml, flags);
    return new Domain(this.#session, made);
  }

  /** Starts a domain that is gone when it stops. `flags`: `DomainStartFlags`. */
  async createDomain(xml: string, flags = 0): Promise<Domain> {
    const made = await this.#lane.call("virDomainCreateXML", this.#pointer, xml, flags);
    return new Domain(this.#session, made);
  }

  /** Goes on with a domain that `save` wrote to a file. */
  async restoreDomain(path: string, xml: string | null = null, flags = 0): Promise<void> {
    await this.#lane.call("virDomainRestoreFlags", this.#pointer, path, xml, flags);
  }

  /** State and numbers of all domains in one call. `stats`: `DomainStatsTypes`, 0: all. */
  async allDomainStats(
    options: { stats?: number; flags?: number } = {},
  ): Promise<readonly DomainStats[]> {
    const { stats = 0, flags = 0 } = options;
    return await this.#lane.call("virConnectGetAllDomainStats", this.#pointer, stats, flags);
  }

  /** State and numbers of some domains in one call. */
  async domainStats(
    domains: readonly Domain[],
    options: { stats?: number; flags?: number } = {},
  ): Promise<readonly DomainStats[]> {
    const { stats = 0, flags = 0 } = options;
    const lane = this.#lane;
    const holdings = domains.map((domain) => domain._holding());
    for (const holding of holdings) holding.use();
    try {
      return await lane.call(
        "virDomainListGetStats",
        holdings.map(({ pointer }) => pointer),
        stats,
        flags,
      );
    } finally {
      for (const holding of holdings) holding.unuse();
    }
  }

  /** All networks, or those that match `ListNetworksFlags`. */
  async networks(flags = 0): Promise<Network[]> {
    const found = await this.#lane.call("virConnectListAllNetworks", this.#pointer, flags);
    return found.map((described) => new Network(this.#session, described));
  }

  /** A network by its name. */
  async networkByName(name: string): Promise<Network> {
    const found = await this.#lane.call("virNetworkLookupByName", this.#pointer, name);
    return new Network(this.#session, found);
  }

  /** A network by its UUID. */
  async networkByUuid(uuid: string): Promise<Network> {
    const found = await this.#lane.call("virNetworkLookupByUUIDString", this.#pointer, uuid);
    return new Network(this.#session, found);
  }

  /** Defines a network. `flags` 1: validate (libvirt 7.7.0). */
  async defineNetwork(xml: string, flags = 0): Promise<Network> {
    const made = flags === 0
      ? await this.#lane.call("virNetworkDefineXML", this.#pointer, xml)
      : await this.#lane.call("virNetworkDefineXMLFlags", this.#pointer, xml, flags);
    return new Network(this.#session, made);
  }

  /** Starts a network that is gone when it stops. */
  async createNetwork(xml: string): Promise<Network> {
    const made = await this.#lane.call("virNetworkCreateXML", this.#pointer, xml);
    return new Network(this.#session, made);
  }

  /** All pools, or those that match `ListPoolsFlags`. */
  async pools(flags = 0): Promise<StoragePool[]> {
    const found = await this.#lane.call("virConnectListAllStoragePools", this.#pointer, flags);
    return found.map((described) => new StoragePool(this.#session, described));
  }

  /** A pool by its name. */
  async poolByName(name: string): Promise<StoragePool> {
    const found = await this.#lane.call("virStoragePoolLookupByName", this.#pointer, name);
    return new StoragePool(this.#session, found);
  }

  /** A pool by its UUID. */
  async poolByUuid(uuid: string): Promise<StoragePool> {
    const found = await this.#lane.call("virStoragePoolLookupByUUIDString", this.#pointer, uuid);
    return new StoragePool(this.#session, found);
  }

  /** A pool by the path of its target. */
  async poolByTargetPath(path: string): Promise<StoragePool> {
    const found = await this.#lane.call("virStoragePoolLookupByTargetPath", this.#pointer, path);
    return new StoragePool(this.#session, found);
  }

  /** Defines a pool. `flags` 1: validate. */
  async definePool(xml: string, flags = 0): Promise<StoragePool> {
    const made = await this.#lane.call("virStoragePoolDefineXML", this.#pointer, xml, flags);
    return new StoragePool(this.#session, made);
  }

  /** Starts a pool that is gone when it stops. `flags`: `PoolCreateFlags`. */
  async createPool(xml: string, flags = 0): Promise<StoragePool> {
    const made = await this.#lane.call("virStoragePoolCreateXML", this.#pointer, xml, flags);
    return new StoragePool(this.#session, made);
  }

  /** Looks for what pools of a type could stand on, XML. */
  async findPoolSources(type: string, source: string | null = null): Promise<string> {
    return await this.#lane.call(
      "virConnectFindStoragePoolSources",
      this.#pointer,
      type,
      source,
      0,
    );
  }

  /** A volume of any active pool by its path. */
  async volumeByPath(path: string): Promise<StorageVolume> {
    const { volume, pool } = await this.#lane.call(
      "virStorageVolLookupByPath",
      this.#pointer,
      path,
    );
    return new StorageVolume(this.#session, volume, pool);
  }

  /** A volume of any active pool by its key. */
  async volumeByKey(key: string): Promise<StorageVolume> {
    const { volume, pool } = await this.#lane.call("virStorageVolLookupByKey", this.#pointer, key);
    return new StorageVolume(this.#session, volume, pool);
  }

  /** All secrets. */
  async secrets(flags = 0): Promise<Secret[]> {
    const found = await this.#lane.call("virConnectListAllSecrets", this.#pointer, flags);
    return found.map((described) => new Secret(this.#session, described));
  }

  /** A secret by its UUID. */
  async secretByUuid(uuid: string): Promise<Secret> {
    const found = await this.#lane.call("virSecretLookupByUUIDString", this.#pointer, uuid);
    return new Secret(this.#session, found);
  }

  /** A secret by what it is for (`SecretUsageType`). */
  async secretByUsage(type: number, id: string): Promise<Secret> {
    const found = await this.#lane.call("virSecretLookupByUsage", this.#pointer, type, id);
    return new Secret(this.#session, found);
  }

  /** Defines a secret; its value is set afterwards. */
  async defineSecret(xml: string, flags = 0): Promise<Secret> {
    const made = await this.#lane.call("virSecretDefineXML", this.#pointer, xml, flags);
    return new Secret(this.#session, made);
  }

  /** All network filters. */
  async nwfilters(): Promise<NwFilter[]> {
    const found = await this.#lane.call("virConnectListAllNWFilters", this.#pointer, 0);
    return found.map((described) => new NwFilter(this.#session, described));
  }

  /** A network filter by its name. */
  async nwfilterByName(name: string): Promise<NwFilter> {
    const found = await this.#lane.call("virNWFilterLookupByName", this.#pointer, name);
    return new NwFilter(this.#session, found);
  }

  /** Defines a network filter. */
  async defineNwfilter(xml: string): Promise<NwFilter> {
    const made = await this.#lane.call("virNWFilterDefineXML", this.#pointer, xml);
    return new NwFilter(this.#session, made);
  }

  /** All devices of the host, or those that match `ListNodeDevicesFlags`. */
  async nodeDevices(flags = 0): Promise<NodeDevice[]> {
    const found = await this.#lane.call("virConnectListAllNodeDevices", this.#pointer, flags);
    return found.map((described) => new NodeDevice(this.#session, described));
  }

  /** A device of the host by its name. */
  async nodeDeviceByName(name: string): Promise<NodeDevice> {
    const found = await this.#lane.call("virNodeDeviceLookupByName", this.#pointer, name);
    return new NodeDevice(this.#session, found);
  }

  /** Makes a device that is gone when it is destroyed, for example a mediated one. */
  async createNodeDevice(xml: string): Promise<NodeDevice> {
    const made = await this.#lane.call("virNodeDeviceCreateXML", this.#pointer, xml, 0);
    return new NodeDevice(this.#session, made);
  }

  /** Defines a mediated device. libvirt 7.3.0. */
  async defineNodeDevice(xml: string): Promise<NodeDevice> {
    const made = await this.#lane.call("virNodeDeviceDefineXML", this.#pointer, xml, 0);
    return new NodeDevice(this.#session, made);
  }

  /** The host's interfaces. Many hosts have no driver for them (`VIR_ERR_NO_SUPPORT`). */
  async interfaces(flags = 0): Promise<HostInterface[]> {
    const found = await this.#lane.call("virConnectListAllInterfaces", this.#pointer, flags);
    return found.map((described) => new HostInterface(this.#session, described));
  }

  /** One of the host's interfaces by its name. */
  async interfaceByName(name: string): Promise<HostInterface> {
    const found = await this.#lane.call("virInterfaceLookupByName", this.#pointer, name);
    return new HostInterface(this.#session, found);
  }

  /**
   * Listens to events of one kind. Await `ready` to know that none is missed from there on. Dispose of
   * what is returned to stop.
   */
  on<K extends EventName>(event: K, listener: (event: EventMap[K]) => void): EventSubscription {
    this.#session.assertOpen();
    return this.#events.on(event, listener);
  }

  /**
   * Closes the connection and every handle that came from it. Calls that have not begun are rejected;
   * those that are under way are waited for two seconds, then given up.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const session = this.#session;
    session.closed = true;
    const reason = `the connection to ${this.uri} was closed`;
    session.lane.close(reason);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const idle = await Promise.race([
      session.lane.idle().then(() => true),
      new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), CLOSE_GRACE);
      }),
    ]);
    clearTimeout(timer);
    if (idle) return await this.#finish(reason);
    session.lane.abandon(reason);
    // Given up here, but not leaked: closed as soon as libvirt lets go of it.
    void session.lane.idle().then(() => this.#finish(reason));
  }

  async #finish(reason: string): Promise<void> {
    const { lane, holdings, pointer, runtime } = this.#session;
    let closed = false;
    lane.reopen();
    try {
      await this.#events.close();
      for (const holding of [...holdings]) holding.release();
      await lane.call("virConnectClose", pointer, this.#closeCallback);
      closed = true;
    } catch {
      // The Workers are gone, because a call never came back: libvirt keeps the connection.
      runtime.keepCallbacks();
    } finally {
      lane.close(reason);
      await this.#onClosed(closed);
    }
  }

  /** Closes the connection. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
