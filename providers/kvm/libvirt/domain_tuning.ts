/**
 * What the host grants to a domain: scheduling, memory, disk and network limits, CPU pins, I/O
 * threads.
 *
 * `flags` are `AffectFlags` throughout. CPU lists are numbers of host CPUs.
 *
 * @module
 */

import type { IoThreadInfo, JobStats } from "./calls/tuning.ts";
import type { TypedParameters } from "./calls/typed_params.ts";
import { NamedHandle } from "./handle.ts";
import { toEntries, type TypedInput } from "./typed_kinds.ts";

/** The tuning of a domain. */
export abstract class DomainTuning extends NamedHandle {
  /** CPU shares, periods and quotas (`cpu_shares`, `vcpu_period`, `vcpu_quota` …). */
  schedulerParameters(flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetSchedulerParametersFlags", flags);
  }

  /** Sets CPU shares, periods (microseconds) and quotas. */
  setSchedulerParameters(parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetSchedulerParametersFlags", toEntries(parameters), flags);
  }

  /** Block I/O weights (`weight`, `device_weight` …). */
  blkioParameters(flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetBlkioParameters", flags);
  }

  /** Sets block I/O weights. */
  setBlkioParameters(parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetBlkioParameters", toEntries(parameters), flags);
  }

  /** Memory limits in KiB (`hard_limit`, `soft_limit`, `swap_hard_limit`, `min_guarantee`). */
  memoryParameters(flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetMemoryParameters", flags);
  }

  /** Sets memory limits in KiB. */
  setMemoryParameters(parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetMemoryParameters", toEntries(parameters), flags);
  }

  /** NUMA memory policy (`numa_nodeset`, `numa_mode`). */
  numaParameters(flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetNumaParameters", flags);
  }

  /** Sets the NUMA memory policy. */
  setNumaParameters(parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetNumaParameters", toEntries(parameters), flags);
  }

  /** Limits of a disk's I/O (`total_bytes_sec`, `read_iops_sec` …); `disk` is a target, `vda`. */
  blockIoTune(disk: string, flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetBlockIoTune", disk, flags);
  }

  /** Sets limits of a disk's I/O. */
  setBlockIoTune(disk: string, parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetBlockIoTune", disk, toEntries(parameters), flags);
  }

  /** Bandwidth of an interface (`inbound.average` in KiB/s …); `device` is a target or a MAC. */
  interfaceParameters(device: string, flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetInterfaceParameters", device, flags);
  }

  /** Sets the bandwidth of an interface. */
  setInterfaceParameters(device: string, parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetInterfaceParameters", device, toEntries(parameters), flags);
  }

  /** Counters of a disk: requests, bytes, times. */
  blockStats(disk: string, flags = 0): Promise<TypedParameters> {
    return this._call("virDomainBlockStatsFlags", disk, flags);
  }

  /** Which performance events are counted. */
  perfEvents(flags = 0): Promise<TypedParameters> {
    return this._call("virDomainGetPerfEvents", flags);
  }

  /** Says which performance events are counted. */
  setPerfEvents(events: Readonly<Record<string, boolean>>, flags = 0): Promise<void> {
    return this._call("virDomainSetPerfEvents", toEntries(events), flags);
  }

  /** The job that runs on this domain (migration, save …) and its numbers. */
  jobStats(flags = 0): Promise<JobStats> {
    return this._call("virDomainGetJobStats", flags);
  }

  /** The host CPUs that each vCPU may run on. */
  async vcpuPins(flags = 0): Promise<readonly (readonly number[])[]> {
    const count = await this._call("virDomainGetVcpusFlags", (flags & 3) | VCPU_MAXIMUM);
    return await this._call("virDomainGetVcpuPinInfo", count, await this.#hostCpus(), flags);
  }

  /** Says which host CPUs a vCPU may run on. */
  async pinVcpu(vcpu: number, cpus: readonly number[], flags = 0): Promise<void> {
    await this._call("virDomainPinVcpuFlags", vcpu, cpus, await this.#hostCpus(), flags);
  }

  /** The host CPUs that the emulator's own threads may run on. */
  async emulatorPin(flags = 0): Promise<readonly number[]> {
    return await this._call("virDomainGetEmulatorPinInfo", await this.#hostCpus(), flags);
  }

  /** Says which host CPUs the emulator's own threads may run on. */
  async pinEmulator(cpus: readonly number[], flags = 0): Promise<void> {
    await this._call("virDomainPinEmulator", cpus, await this.#hostCpus(), flags);
  }

  /** The I/O threads and their host CPUs. */
  ioThreads(flags = 0): Promise<readonly IoThreadInfo[]> {
    return this._call("virDomainGetIOThreadInfo", flags);
  }

  /** Says which host CPUs an I/O thread may run on. */
  async pinIoThread(id: number, cpus: readonly number[], flags = 0): Promise<void> {
    await this._call("virDomainPinIOThread", id, cpus, await this.#hostCpus(), flags);
  }

  /** Adds an I/O thread. */
  addIoThread(id: number, flags = 0): Promise<void> {
    return this._call("virDomainAddIOThread", id, flags);
  }

  /** Removes an I/O thread. */
  deleteIoThread(id: number, flags = 0): Promise<void> {
    return this._call("virDomainDelIOThread", id, flags);
  }

  /** Sets an I/O thread's polling (`poll_max_ns`, `poll_grow`, `poll_shrink`). */
  setIoThreadParameters(id: number, parameters: TypedInput, flags = 0): Promise<void> {
    return this._call("virDomainSetIOThreadParams", id, toEntries(parameters), flags);
  }

  /** Copies a disk to another place while the guest runs; `destination` is a `<disk>` element. */
  blockCopy(
    disk: string,
    destination: string,
    parameters: TypedInput = {},
    flags = 0,
  ): Promise<void> {
    return this._call("virDomainBlockCopy", disk, destination, toEntries(parameters), flags);
  }

  /** Moves the guest to another host, which is reached from here or from the present host. */
  migrateToUri(uri: string | null, parameters: TypedInput = {}, flags = 0): Promise<void> {
    return this._call("virDomainMigrateToURI3", uri, toEntries(parameters), flags);
  }

  #hostCpus(): Promise<number> {
    return this._using(async () =>
      (await this._session.lane.call("virNodeGetCPUMap", this._session.pointer)).length
    );
  }
}

/** `VIR_DOMAIN_VCPU_MAXIMUM`. */
const VCPU_MAXIMUM = 4;
