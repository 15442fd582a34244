/**
 * Values by host, kind and name on the host.
 *
 * Three maps in each other: a joined key would have to be built and hashed anew for every look-up,
 * which is what a plan of ten thousand machines would spend its time on.
 *
 * @module
 */

/** Values by host, kind and name. */
export class Slots<Value> {
  readonly #hosts = new Map<string, Map<string, Map<string, Value>>>();

  /** The value there. */
  get(host: string, kind: string, name: string): Value | undefined {
    return this.#hosts.get(host)?.get(kind)?.get(name);
  }

  /** Puts a value there; the last one stays. */
  set(host: string, kind: string, name: string, value: Value): void {
    let kinds = this.#hosts.get(host);
    if (kinds === undefined) this.#hosts.set(host, kinds = new Map());
    const names = kinds.get(kind);
    if (names === undefined) kinds.set(kind, new Map([[name, value]]));
    else names.set(name, value);
  }

  /** Names of a kind on a host, sorted. */
  names(host: string, kind: string): string[] {
    return [...this.#hosts.get(host)?.get(kind)?.keys() ?? []].sort();
  }
}
