/**
 * An open host: one libvirt connection for reads and short calls, a second one, opened on demand,
 * for uploads and other slow calls, and under both, for a remote host, one SSH connection.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import { HiddenValues } from "../../hide_secrets.ts";
import type {
  HostDeclaration,
  HostSession,
  JsonObject,
  Observed,
  ReadRequest,
  Step,
  StepContext,
  StepResult,
  Use,
} from "../../provider.ts";
import { noSecrets, type SecretSource } from "../../secret.ts";
import type { HostFacts } from "../facts.ts";
import {
  type Connection,
  type Libvirt,
  LibvirtClosedError,
  LibvirtError,
  LibvirtFileError,
  LibvirtLibraryError,
  LibvirtTimeoutError,
  type StoragePool,
} from "../libvirt/mod.ts";
import type { Bench } from "../operations/bench.ts";
import { performStep } from "../operations/mod.ts";
import { readFacts } from "./facts.ts";
import { asFailure, connectionLost, isConnectionLoss, libvirtError } from "./failure.ts";
import { PoolRefresher } from "./pool_refresh.ts";
import { readHost } from "./read.ts";
import { withVerdicts } from "./read_secrets.ts";
import { runHere } from "./shell.ts";
import { CONNECT_TIMEOUT, openSsh, type SshLink } from "./ssh.ts";
import { readUsers } from "./users.ts";
import { localUnreachable, noLibrary, remoteUnreachable } from "./unreachable.ts";
import { type HostUri, isLocal, parseHostUri } from "./uri.ts";

/**
 * A link that is cut without a word fails after 5 s × 3 = 15 s at the latest: libvirt asks for a
 * sign of life every 5 seconds and gives up when three have not come.
 */
const KEEPALIVE = { interval: 5, count: 3 } as const;

interface Opened {
  readonly link: SshLink | undefined;
  /** URI that worked. */
  readonly uri: string;
  readonly connection: Connection;
  slow: Promise<Connection> | undefined;
  /** One of the connections broke. */
  lost: boolean;
}

/** What a session is opened with. */
export interface SessionOptions {
  readonly signal: AbortSignal;
  /** Folder of the stack's file: relative key paths start here. */
  readonly baseDirectory: string;
  /** About how many objects will be read as soon as it is open. */
  readonly expectedObjects?: number;
  /** Values of secrets; none is known unless given. */
  readonly secrets?: SecretSource;
}

/** A host that is held open. */
export class KvmSession implements HostSession, Bench {
  readonly declaration: HostDeclaration;
  readonly secrets: SecretSource;
  readonly #hidden = new HiddenValues();
  readonly #libvirt: Libvirt;
  readonly #uri: HostUri;
  readonly #options: SessionOptions;
  #opened: Promise<Opened>;
  readonly #pools = new PoolRefresher();
  #facts: Promise<HostFacts> | undefined;
  #closed = false;

  private constructor(
    libvirt: Libvirt,
    host: HostDeclaration,
    uri: HostUri,
    options: SessionOptions,
  ) {
    this.#libvirt = libvirt;
    this.declaration = host;
    this.#uri = uri;
    this.#options = options;
    const { secrets = noSecrets } = options;
    this.secrets = {
      resolve: async (name) => {
        const value = await secrets.resolve(name);
        this.hide(value);
        return value;
      },
    };
    this.#opened = this.#open();
  }

  /**
   * Opens a host.
   *
   * @throws {StaddleError} `ssh.…`, `kvm.no-libvirt`, `kvm.permission`, `kvm.uri`,
   *   `kvm.no-library`, within the host's connectTimeout.
   */
  static async open(
    libvirt: Libvirt,
    host: HostDeclaration,
    options: SessionOptions,
  ): Promise<KvmSession> {
    const session = new KvmSession(libvirt, host, parseHostUri(host), options);
    await session.#opened;
    return session;
  }

  /** Name of the host in the stack. */
  get host(): string {
    return this.declaration.name;
  }

  /** The host is this very machine. */
  get local(): boolean {
    return isLocal(this.#uri);
  }

  async #open(): Promise<Opened> {
    if (this.#uri.transport !== "ssh") {
      const connection = await this.#connect(this.#uri.text, !this.local).catch((error) => {
        throw error instanceof LibvirtError
          ? localUnreachable(this.declaration, asFailure(error))
          : this.#openError(error);
      });
      return opened(undefined, this.#uri.text, connection);
    }
    const link = await openSsh(this.declaration, this.#uri, this.#options);
    try {
      let last: LibvirtError | undefined;
      for (const { uri } of link.uris) {
        this.#options.signal.throwIfAborted();
        try {
          return opened(link, uri, await this.#connect(uri, true));
        } catch (error) {
          if (link.lost.aborted) throw link.lost.reason;
          if (!(error instanceof LibvirtError)) throw this.#openError(error);
          last = error;
        }
      }
      throw remoteUnreachable(
        this.declaration,
        link.destination,
        asFailure(last!),
        await link.survey().catch(() => undefined),
      );
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  #connect(uri: string, remote: boolean): Promise<Connection> {
    const seconds = this.declaration.connectTimeout ?? CONNECT_TIMEOUT;
    return this.#libvirt.connect(uri, {
      remote,
      timeout: seconds * 1000,
      keepalive: KEEPALIVE,
      signal: this.#options.signal,
      expectedCalls: this.#options.expectedObjects,
    });
  }

  #openError(error: unknown): unknown {
    const where = [`host ${this.host} (${this.declaration.uri})`];
    if (error instanceof LibvirtLibraryError) return noLibrary(this.declaration, error);
    if (error instanceof LibvirtFileError) {
      return new StaddleError({
        code: "kvm.local-file",
        summary: `cannot copy a file of this machine to host "${this.host}": ${error.message}`,
        where,
        help: "see that the file can be read, and is not changed while it is uploaded",
        cause: error,
      });
    }
    if (error instanceof LibvirtTimeoutError) {
      return new StaddleError({
        code: "kvm.unreachable",
        summary: `cannot reach libvirt on host "${this.host}": no answer within ${
          this.declaration.connectTimeout ?? CONNECT_TIMEOUT
        } s`,
        where,
        help:
          "check that libvirtd (or virtqemud) runs there and is not stuck; connectTimeout sets how long to wait",
        cause: error,
      });
    }
    return error;
  }

  /** What is open; opened anew when it was lost meanwhile. Whoever comes first does so for all. */
  async #current(): Promise<Opened> {
    if (this.#closed) {
      throw new StaddleError({
        code: "kvm.closed",
        summary: `host "${this.host}" was closed already`,
      });
    }
    const promise = this.#opened;
    const opened = await promise;
    if (!opened.lost && opened.link?.lost.aborted !== true) return opened;
    if (this.#opened === promise) {
      this.#opened = (async () => {
        await shut(opened);
        return await this.#open();
      })();
      // One that cannot be opened again is tried once more by the next who needs it.
      const pending = this.#opened;
      pending.catch(() => {
        if (this.#opened === pending) this.#opened = promise;
      });
    }
    return await this.#opened;
  }

  /** For reads and short calls. */
  async connection(): Promise<Connection> {
    return (await this.#current()).connection;
  }

  /** For uploads and whatever else may take long. */
  async slow(): Promise<Connection> {
    const opened = await this.#current();
    opened.slow ??= this.#connect(opened.uri, opened.link !== undefined).then((connection) => {
      connection.on("close", () => opened.lost = true);
      return connection;
    });
    try {
      return await opened.slow;
    } catch (error) {
      opened.slow = undefined;
      throw error;
    }
  }

  /** Facts of the host; read once. */
  facts(): Promise<HostFacts & JsonObject> {
    this.#facts ??= this.#attempt(
      "read the facts",
      undefined,
      async () =>
        await readFacts(await this.connection(), {
          uri: this.declaration.uri,
          local: this.local,
        }),
    );
    this.#facts.catch(() => this.#facts = undefined);
    return this.#facts as Promise<HostFacts & JsonObject>;
  }

  /** Reads in bulk. */
  read(requests: readonly ReadRequest[]): Promise<readonly Observed[]> {
    return this.#attempt(
      "read",
      undefined,
      async () => {
        this.#pools.begin();
        return await this.readBack(requests);
      },
    );
  }

  /** Who on the host uses the objects. */
  users(objects: readonly Observed[]): Promise<readonly Use[]> {
    return this.#attempt(
      "see who uses what is to be taken away",
      undefined,
      async () => await readUsers(await this.connection(), objects),
    );
  }

  /** Reads what a step has made. Throws the binding's errors as they are. */
  async readBack(requests: readonly ReadRequest[]): Promise<readonly Observed[]> {
    const connection = await this.connection();
    const found = await readHost(connection, this.host, requests, (pool) => this.refresh(pool));
    return await withVerdicts(found, connection, requests, this.secrets);
  }

  /** Keeps a text out of errors. */
  hide(text: string): void {
    this.#hidden.add(text);
  }

  /** Lets a pool look at its folder, once between two reads. */
  refresh(pool: StoragePool): Promise<void> {
    return this.#pools.refresh(pool);
  }

  /** Carries a step out and reads the object back. */
  perform(step: Step, context: StepContext): Promise<StepResult> {
    const doing = `${
      step.operation === "wait" ? "wait for" : step.operation
    } ${step.kind} "${step.key}"`;
    return this.#attempt(doing, step, () => performStep(this, step, context));
  }

  /** Whether the host can open a TCP connection, within the milliseconds given. */
  async canDial(address: string, port: number, milliseconds: number): Promise<boolean> {
    const { link } = await this.#current();
    return link === undefined
      ? await dial(address, port, milliseconds)
      : await link.canDial(address, port, milliseconds);
  }

  /** Runs a shell script on the host; undefined: none can be run there. */
  async run(script: string): Promise<string | undefined> {
    const { link } = await this.#current();
    if (link !== undefined) return await link.run(script).catch(() => undefined);
    return this.local ? await runHere(script) : undefined;
  }

  async #attempt<T>(
    doing: string,
    step: Step | undefined,
    run: () => Promise<T>,
  ): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw this.#hidden.error(await this.#explained(error, doing, step));
    }
  }

  /** The error for a person, of whatever was thrown. */
  async #explained(error: unknown, doing: string, step: Step | undefined): Promise<unknown> {
    if (error instanceof StaddleError) return error;
    if (error instanceof LibvirtError && isConnectionLoss(asFailure(error))) {
      const opened = await this.#opened.catch(() => undefined);
      if (opened !== undefined) opened.lost = true;
    }
    if (error instanceof LibvirtClosedError) {
      return connectionLost(this.declaration, doing, step?.address, error);
    }
    if (!(error instanceof LibvirtError)) return this.#openError(error);
    return libvirtError(asFailure(error), {
      host: this.host,
      uri: this.declaration.uri,
      doing,
      ...(step === undefined ? {} : { address: step.address }),
      ...(step?.resource.declaredAt === undefined ? {} : { declaredAt: step.resource.declaredAt }),
    });
  }

  /** Closes the connections and SSH. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const opened = await this.#opened.catch(() => undefined);
    if (opened !== undefined) await shut(opened);
  }
}

function opened(link: SshLink | undefined, uri: string, connection: Connection): Opened {
  const made: Opened = { link, uri, connection, slow: undefined, lost: false };
  connection.on("close", () => made.lost = true);
  return made;
}

async function shut(opened: Opened): Promise<void> {
  const slow = await opened.slow?.catch(() => undefined);
  await Promise.all([opened.connection.close(), slow?.close()]);
  await opened.link?.[Symbol.asyncDispose]();
}

async function dial(address: string, port: number, milliseconds: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({
      hostname: address,
      port,
      signal: AbortSignal.timeout(milliseconds),
    });
    return connection.remoteAddr !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}
