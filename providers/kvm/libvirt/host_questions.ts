/**
 * What can be asked of a host itself, apart from the objects on it: versions, capabilities, hardware, CPUs.
 *
 * @module
 */

import type { NodeInfo } from "./calls/connection.ts";
import type { CallArguments, CallName, CallResult } from "./calls/mod.ts";
import type { Rest } from "./handle.ts";
import type { Session } from "./session.ts";

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

/** The questions that a host answers about itself. */
export abstract class HostQuestions {
  /** @internal */
  readonly _session: Session;

  /** @internal */
  constructor(session: Session) {
    this._session = session;
  }

  /** @internal Makes a call whose first argument is the connection. */
  async _call<K extends CallName>(name: K, ...rest: Rest<K>): Promise<CallResult<K>> {
    const { lane, pointer } = this._session;
    this._session.assertOpen();
    return await lane.call(name, ...([pointer, ...rest] as unknown as CallArguments<K>));
  }

  /** The version of the libvirt at the other end: 1,000,000 × major + 1,000 × minor + release. */
  libVersion(): Promise<number> {
    return this._call("virConnectGetLibVersion");
  }

  /** The hypervisor's version, in the same form. */
  hypervisorVersion(): Promise<number> {
    return this._call("virConnectGetVersion");
  }

  /** The hypervisor's kind, for example `QEMU`. */
  type(): Promise<string> {
    return this._call("virConnectGetType");
  }

  /** The host's own name. */
  hostname(): Promise<string> {
    return this._call("virConnectGetHostname");
  }

  /** The host's capabilities, XML. */
  capabilities(): Promise<string> {
    return this._call("virConnectGetCapabilities");
  }

  /** What domains of a kind can have here, XML. May take seconds the first time: QEMU is probed. */
  domainCapabilities(choice: MachineChoice = {}): Promise<string> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return this._call("virConnectGetDomainCapabilities", emulator, arch, machine, virttype, 0);
  }

  /** Which kinds of storage pool can be had here, XML. */
  poolCapabilities(): Promise<string> {
    return this._call("virConnectGetStoragePoolCapabilities", 0);
  }

  /** CPUs, memory and topology of the host. */
  nodeInfo(): Promise<NodeInfo> {
    return this._call("virNodeGetInfo");
  }

  /** Free memory of the host, in bytes. */
  freeMemory(): Promise<number> {
    return this._call("virNodeGetFreeMemory");
  }

  /** Free pages of each size (KiB), for `cells` NUMA cells from `firstCell` on, cell by cell. */
  freePages(
    sizes: readonly number[],
    firstCell = 0,
    cells = 1,
  ): Promise<readonly number[]> {
    return this._call("virNodeGetFreePages", sizes, firstCell, cells);
  }

  /** Which of the host's CPUs are on line. */
  cpuMap(): Promise<readonly boolean[]> {
    return this._call("virNodeGetCPUMap");
  }

  /** The host's SMBIOS, XML. */
  sysinfo(): Promise<string> {
    return this._call("virConnectGetSysinfo", 0);
  }

  /** The CPU models that libvirt knows for an architecture. */
  cpuModelNames(arch: string): Promise<readonly string[]> {
    return this._call("virConnectGetCPUModelNames", arch);
  }

  /** The most vCPUs that a domain of a type (`kvm`, `qemu`) may have. */
  maxVcpus(type: string | null = null): Promise<number> {
    return this._call("virConnectGetMaxVcpus", type);
  }

  /** Compares a CPU's XML with what the hypervisor offers: 0 differs, 1 the same, 2 offers more. */
  compareCpu(xml: string, choice: MachineChoice = {}): Promise<number> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return this._call("virConnectCompareHypervisorCPU", emulator, arch, machine, virttype, xml, 0);
  }

  /** The CPU that several hosts have in common, XML. */
  baselineCpu(cpus: readonly string[], choice: MachineChoice = {}): Promise<string> {
    const { emulator = null, arch = null, machine = null, virttype = null } = choice;
    return this._call(
      "virConnectBaselineHypervisorCPU",
      { emulator, arch, machine, virttype },
      cpus,
      0,
    );
  }

  /** Turns a native configuration (`qemu-argv`) into domain XML. */
  domainXmlFromNative(format: string, config: string): Promise<string> {
    return this._call("virConnectDomainXMLFromNative", format, config, 0);
  }

  /** Turns domain XML into the hypervisor's own command line. */
  domainXmlToNative(format: string, xml: string): Promise<string> {
    return this._call("virConnectDomainXMLToNative", format, xml, 0);
  }

  /** Whether the other end still answers, as far as this side knows. */
  isAlive(): Promise<boolean> {
    return this._call("virConnectIsAlive");
  }

  /** Whether what travels is encrypted. */
  isEncrypted(): Promise<boolean> {
    return this._call("virConnectIsEncrypted");
  }

  /** Whether what travels cannot be read by others. */
  isSecure(): Promise<boolean> {
    return this._call("virConnectIsSecure");
  }
}
