/**
 * The KVM provider: libvirt's QEMU driver on this machine and on others over SSH.
 *
 * `kinds/` is its pure half; `host/` reaches hosts, reads them in bulk and tells what they can;
 * `operations/` carries out steps; `libvirt/` is the binding, usable alone. This file joins them and
 * holds nothing but the library that is loaded with the first host.
 *
 * @module
 */

import { StaddleError } from "../error.ts";
import type { HostDeclaration, HostSession, Provider } from "../provider.ts";
import type { SecretSource } from "../secret.ts";
import { type DoctorReport, examine } from "./host/doctor.ts";
import { isTransient } from "./host/failure.ts";
import { KvmSession } from "./host/session.ts";
import { type Survey, surveyHost, type SurveyRequest } from "./host/survey.ts";
import { noLibrary } from "./host/unreachable.ts";
import { kinds } from "./kinds/mod.ts";
import { Libvirt, LibvirtLibraryError } from "./libvirt/mod.ts";

export type { DoctorCheck } from "./host/checkup.ts";
export type { DoctorReport } from "./host/doctor.ts";
export type { Survey, SurveyRequest } from "./host/survey.ts";
export type { AcceleratorVerdict, Emulator, HostFacts } from "./facts.ts";

/** How hosts are opened. */
export interface ConnectOptions {
  /** Gives up opening. */
  readonly signal: AbortSignal;
  /** Folder of the stack's file: relative key paths start here. */
  readonly baseDirectory: string;
  /** About how many objects will be read as soon as it is open. */
  readonly expectedObjects?: number;
}

/** The KVM provider. */
export interface KvmProvider extends Provider {
  /** Examines a host; reads only. What cannot be reached is a check that failed. */
  diagnose(host: HostDeclaration, options: ConnectOptions): Promise<DoctorReport>;
  /** Reads what a host has: all machines or what is named, and what they are on. */
  survey(
    host: HostDeclaration,
    request: SurveyRequest,
    options: ConnectOptions,
  ): Promise<Survey>;
}

/** Options of the provider. */
export interface KvmOptions {
  /** libvirt's client library; `STADDLE_LIBVIRT`, else `libvirt.so.0`, unless given. */
  readonly library?: string;
  /** Loads libvirt at once, while something else is waited for; a failure shows with the first host. */
  readonly preload?: boolean;
  /** Values of the secrets that stacks name; none is known unless given. */
  readonly secrets?: SecretSource;
}

/** Makes the provider. libvirt is loaded when the first host is opened, or before: see `preload`. */
export function kvm(provided: KvmOptions = {}): KvmProvider {
  const open = () =>
    Libvirt.open(provided.library === undefined ? {} : { library: provided.library });
  let library: Promise<Libvirt> | undefined = provided.preload ? open() : undefined;
  library?.catch(() => {});
  const load = async (host: HostDeclaration): Promise<Libvirt> => {
    library ??= open();
    try {
      return await library;
    } catch (error) {
      library = undefined;
      throw error instanceof LibvirtLibraryError ? noLibrary(host, error) : error;
    }
  };
  return {
    name: "kvm",
    kinds,
    async connect(host, options): Promise<HostSession> {
      const { secrets } = provided;
      return await KvmSession.open(await load(host), host, { ...options, secrets });
    },
    isTransient,
    async diagnose(host, options) {
      try {
        return await examine(await load(host), host, options);
      } catch (error) {
        if (!(error instanceof StaddleError)) throw error;
        return {
          host: host.name,
          uri: host.uri,
          checks: [{
            name: "libvirt client",
            status: "fail",
            evidence: [error.message, ...error.details],
            ...(error.help === undefined ? {} : { remedy: error.help }),
          }],
        };
      }
    },
    async survey(host, request, options) {
      await using session = await KvmSession.open(await load(host), host, options);
      return await surveyHost(session, request);
    },
    async [Symbol.asyncDispose]() {
      const loaded = await library?.catch(() => undefined);
      await loaded?.close();
    },
  };
}
