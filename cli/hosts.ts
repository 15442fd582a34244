/**
 * The hosts of a run: each connected once, as early as its declaration is known, and read in
 * parallel. A host that fails is remembered with its error; the others go on.
 *
 * @module
 */

import type {
  HostDeclaration,
  HostSession,
  JsonObject,
  Observed,
  Provider,
  ReadRequest,
  Use,
} from "../providers/provider.ts";

/** Options of {@linkcode Hosts}. */
export interface HostsOptions {
  readonly signal: AbortSignal;
  /** Folder of the stack's file: paths to keys start here. */
  readonly baseDirectory: string;
}

/** What came back from all hosts. */
export interface HostsResult<Value> {
  /** By host; a host that failed is no key. */
  readonly values: Readonly<Record<string, Value>>;
  /** By host. */
  readonly errors: ReadonlyMap<string, unknown>;
}

interface Opening {
  readonly declaration: string;
  readonly session: Promise<HostSession>;
}

/** Open hosts. Disposing of it closes them all. */
export class Hosts implements AsyncDisposable {
  readonly #provider: () => Promise<Provider>;
  readonly #options: HostsOptions;
  readonly #openings = new Map<string, Opening>();
  readonly #superseded: Promise<HostSession>[] = [];

  constructor(provider: () => Promise<Provider>, options: HostsOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /**
   * Begins to connect, unless that was begun already. A failure is seen by whoever needs the host.
   *
   * @param expectedObjects About how many objects will be read there, where that is known.
   */
  open(declaration: HostDeclaration, expectedObjects?: number): Promise<HostSession> {
    const text = JSON.stringify(declaration);
    const known = this.#openings.get(declaration.name);
    if (known?.declaration === text) return known.session;
    if (known !== undefined) this.#superseded.push(known.session);
    const session = this.#provider().then((provider) =>
      provider.connect(declaration, { ...this.#options, expectedObjects })
    );
    session.catch(() => {});
    this.#openings.set(declaration.name, { declaration: text, session });
    return session;
  }

  /** Reads every host of `requests` at once. */
  read(
    declarations: Readonly<Record<string, HostDeclaration>>,
    requests: Readonly<Record<string, readonly ReadRequest[]>>,
  ): Promise<HostsResult<readonly Observed[]>> {
    return this.#all(Object.keys(requests), async (host) => {
      const session = await this.open(declarations[host]!);
      return await session.read(requests[host]!);
    });
  }

  /** Asks every host of `objects` at once who uses them. One that cannot tell is no key. */
  async users(
    declarations: Readonly<Record<string, HostDeclaration>>,
    objects: Readonly<Record<string, readonly Observed[]>>,
  ): Promise<Readonly<Record<string, readonly Use[]>>> {
    const { values, errors } = await this.#all(Object.keys(objects), async (host) => {
      const session = await this.open(declarations[host]!);
      return await session.users?.(objects[host]!) ?? [];
    });
    for (const error of errors.values()) throw error;
    return values;
  }

  /** Asks the named hosts what they can do. */
  facts(
    declarations: Readonly<Record<string, HostDeclaration>>,
    hosts: readonly string[],
  ): Promise<HostsResult<JsonObject>> {
    return this.#all(hosts, async (host) => (await this.open(declarations[host]!)).facts());
  }

  /** The open hosts by name; those that are not open yet are opened. */
  async sessions(
    declarations: Readonly<Record<string, HostDeclaration>>,
    hosts: Iterable<string>,
  ): Promise<{ sessions: Map<string, HostSession>; errors: ReadonlyMap<string, unknown> }> {
    const { values, errors } = await this.#all(
      [...new Set(hosts)],
      (host) => this.open(declarations[host]!),
    );
    return { sessions: new Map(Object.entries(values)), errors };
  }

  async #all<Value>(
    hosts: readonly string[],
    ask: (host: string) => Promise<Value>,
  ): Promise<HostsResult<Value>> {
    const values: Record<string, Value> = {};
    const errors = new Map<string, unknown>();
    await Promise.all(hosts.map(async (host) => {
      try {
        values[host] = await ask(host);
      } catch (error) {
        errors.set(host, error);
      }
    }));
    return { values, errors };
  }

  /** Closes every host; one that never opened has nothing to close. */
  async [Symbol.asyncDispose](): Promise<void> {
    const sessions = [...this.#openings.values()].map(({ session }) => session);
    await Promise.allSettled([...sessions, ...this.#superseded].map(async (opening) => {
      const session = await opening.catch(() => undefined);
      await session?.[Symbol.asyncDispose]();
    }));
  }
}
