/**
 * What machines stand on: pools, volumes and networks, each declared once.
 *
 * What only imported machines use is adopted. What others use too, or what the language has no words for,
 * is declared as existing, and never touched.
 *
 * @module
 */

import { formatBytes } from "../../providers/kvm/kinds/size.ts";
import { poolKind } from "../../providers/kvm/kinds/pool/mod.ts";
import { readVolume } from "../../providers/kvm/kinds/volume/mod.ts";
import { parseXml } from "../../providers/kvm/xml/mod.ts";
import type { Observed } from "../../providers/provider.ts";
import type { Declaration } from "../../stacks/write/mod.ts";
import type { HostContents, Usage } from "./contents.ts";
import { declarationName, isPlain, variableName } from "./names.ts";
import { networkOptions } from "./network.ts";
import { type Fault, type Options, without } from "./trial.ts";

/** Tries declarations: what is wrong with the resource at an address. */
export type Try = (declarations: readonly Declaration[], address: string) => readonly Fault[];

/** Something that could not be declared, with the reason. */
export interface Refused {
  readonly name: string;
  readonly why: string;
}

/** Declares what machines stand on, as it is asked for. */
export class Ground {
  /** Declarations by what they declare: `pool store`, `volume store/web.qcow2`, `network default`. */
  readonly #made = new Map<string, Declaration | undefined>();
  readonly #names = new Map<string, Set<string>>();
  readonly #contents: HostContents;
  readonly #usage: Usage;
  readonly #variables: Set<string>;
  readonly #try: Try;

  constructor(contents: HostContents, usage: Usage, variables: Set<string>, attempt: Try) {
    // Whose name can stay has it, whoever comes first.
    for (
      const [kind, objects] of [["pool", contents.pools], ["network", contents.networks]] as const
    ) {
      this.#names.set(kind, new Set(objects.map(({ key }) => key).filter(isPlain)));
    }
    this.#contents = contents;
    this.#usage = usage;
    this.#variables = variables;
    this.#try = attempt;
  }

  /** All of them, each after what it refers to. */
  get declarations(): readonly Declaration[] {
    return [...this.#made.values()].filter((made) => made !== undefined);
  }

  /** The declarations of a machine's ground alone. */
  under(uses: { readonly volumes: readonly string[]; readonly networks: readonly string[] }) {
    const keys = new Set([
      ...uses.volumes.flatMap((key) => [`pool ${poolOf(key)}`, `volume ${key}`]),
      ...uses.networks.map((name) => `network ${name}`),
    ]);
    return [...this.#made].flatMap(([key, made]) => made && keys.has(key) ? [made] : []);
  }

  /** The declaration of a pool. Undefined: it cannot be used as it is. */
  pool(key: string): Declaration | undefined {
    return this.#once(`pool ${key}`, () => {
      const observed = this.#contents.pools.find((pool) => pool.key === key);
      if (observed === undefined || observed.source.active !== true) return undefined;
      const { path, autostart } = poolKind.view(observed);
      const folder = typeof path === "string" && path.startsWith("/") ? path : undefined;
      const existing: Options = folder === undefined ? {} : { path: folder };
      const why = this.#whyExisting("pool", observed) ??
        (parseXml(String(observed.source.xml)).attributes.get("type") === "dir"
          ? undefined
          : "It is no folder, which is all that a stack can make.");
      const own = why === undefined && folder !== undefined
        ? this.#declare("pool", "pool", key, {
          adopt: observed.uuid!,
          path: folder,
          ...(autostart === false ? { autostart } : {}),
        })
        : undefined;
      return own ?? this.#declare("existingPool", "pool", key, existing, why);
    });
  }

  /** The declaration of a volume. Undefined: it cannot be used as it is. */
  volume(key: string): Declaration | undefined {
    const slash = key.indexOf("/");
    const observed = this.#contents.volumes.find((volume) => volume.key === key);
    if (observed === undefined || this.pool(key.slice(0, slash)) === undefined) return undefined;
    return this.#once(`volume ${key}`, () => {
      const pool = this.pool(key.slice(0, slash))!;
      const file = key.slice(slash + 1);
      const { format, capacity, backing } = readVolume(String(observed.source.xml));
      if (format !== "qcow2" && format !== "raw") return undefined;
      const place: Options = { name: file, pool: { $variable: pool.variable! } };
      const shown: Options = format === "raw" ? { format } : {};
      const why = this.#usage.isShared(key)
        ? "Several machines stand on it."
        : this.#whyExisting("volume", observed);
      const stem = file.replace(/\.(qcow2|img|raw)$/, "");
      const name = declarationName(stem, this.#taken("volume"));
      const variable = variableName(name, this.#variables);
      const own: Declaration = {
        call: "volume",
        name,
        variable,
        options: {
          ...place,
          size: capacity === undefined ? 0 : formatBytes(capacity).replace(" ", ""),
          ...shown,
          adopt: true,
        },
        ...(backing === undefined ? {} : { comments: [`Stands on ${backing.path}.`] }),
      };
      const wanted = this.#contents.wanted?.volumes?.includes(key) === true;
      if ((why === undefined || wanted) && this.#fits(own, `volume.${name}`, [pool])) return own;
      const existing: Declaration = {
        call: "existingVolume",
        name,
        variable,
        options: { ...place, ...shown },
        ...(why === undefined ? {} : { comments: [why] }),
      };
      return this.#fits(existing, `volume.${name}`, [pool]) ? existing : undefined;
    });
  }

  /** The declaration of a network. Undefined: one that does not run cannot be used as it is. */
  network(key: string): Declaration | undefined {
    return this.#once(`network ${key}`, () => {
      const observed = this.#contents.networks.find((network) => network.key === key);
      if (observed === undefined || observed.source.active !== true) return undefined;
      const options = networkOptions(observed, this.#usage.reserved);
      const why = this.#whyExisting("network", observed) ??
        (options === undefined
          ? "Where its traffic goes is more than a stack can say."
          : observed.source.persistent === false
          ? "It is transient: it has no configuration."
          : undefined);
      const own = why === undefined && options !== undefined
        ? this.#declare("network", "network", key, options)
        : undefined;
      return own ?? this.#declare("existingNetwork", "network", key, {}, why);
    });
  }

  /** Declares what was asked for by name, and says what cannot be. */
  want(): readonly Refused[] {
    const { networks = [], pools = [], volumes = [] } = this.#contents.wanted ?? {};
    const refused: Refused[] = [];
    const check = (kind: string, name: string, made: Declaration | undefined) => {
      const label = `${kind} ${name}`;
      if (made === undefined) {
        const why = kind === "volume"
          ? "it is neither qcow2 nor raw, or its pool is not active"
          : "it is not active, and stacks keep what they own active";
        refused.push({ name: label, why });
      } else if (made.call.startsWith("existing")) {
        const why = (made.comments ?? ["It cannot be declared."])[0]!;
        refused.push({ name: label, why: why[0]!.toLowerCase() + why.slice(1).replace(/\.$/, "") });
      }
    };
    for (const name of pools) check("pool", name, this.pool(name));
    for (const key of volumes) check("volume", key, this.volume(key));
    for (const name of networks) check("network", name, this.network(name));
    return refused;
  }

  #once(key: string, make: () => Declaration | undefined): Declaration | undefined {
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key);
  }

  #taken(kind: string): Set<string> {
    const taken = this.#names.get(kind) ?? new Set();
    this.#names.set(kind, taken);
    return taken;
  }

  /** Why something is not for the stack to own. */
  #whyExisting(kind: "network" | "pool" | "volume", observed: Observed): string | undefined {
    const { mark, key } = observed;
    if (mark !== undefined) return `It is ${mark.address} of stack "${mark.stack}".`;
    const { networks = [], pools = [], volumes = [] } = this.#contents.wanted ?? {};
    if ({ network: networks, pool: pools, volume: volumes }[kind].includes(key)) return undefined;
    const others = this.#usage.others(kind, key);
    if (others.length === 0) return undefined;
    const shown = others.slice(0, 3).join(", ") + (others.length > 3 ? ", …" : "");
    return `Machines that are not imported use it: ${shown}.`;
  }

  #declare(
    call: Declaration["call"],
    kind: string,
    onHost: string,
    options: Options,
    why?: string,
  ): Declaration | undefined {
    const taken = this.#taken(kind);
    const before = new Set(taken);
    const name = isPlain(onHost) ? onHost : declarationName(onHost, taken);
    const variables = new Set(this.#variables);
    const variable = variableName(
      onHost === "default" ? `${onHost}-${kind}` : name,
      this.#variables,
    );
    const made: Declaration = {
      call,
      name,
      variable,
      options: { ...(name === onHost ? {} : { name: onHost }), ...options },
      ...(why === undefined ? {} : { comments: [why] }),
    };
    const fitted = this.#fitted(made, `${kind}.${name}`);
    if (fitted !== undefined) return fitted;
    // Another try may have both names.
    taken.clear();
    for (const one of before) taken.add(one);
    this.#variables.clear();
    for (const one of variables) this.#variables.add(one);
    return undefined;
  }

  #fits(made: Declaration, address: string, before: readonly Declaration[]): boolean {
    return this.#try([...before, made], address).length === 0;
  }

  /** Less what is refused or would change. */
  #fitted(made: Declaration, address: string): Declaration | undefined {
    let options = made.options as Options;
    const left: string[] = [];
    for (let times = 0; times < 20; times++) {
      const declaration: Declaration = { ...made, options };
      const faults = this.#try([declaration], address);
      if (faults.length === 0) {
        const comments = [
          ...(made.comments ?? []),
          ...(left.length === 0 ? [] : [`Left as the host has it: ${left.join(", ")}.`]),
        ];
        return comments.length === 0 ? declaration : { ...declaration, comments };
      }
      const cut = faults.map(({ path }) => without(options, path)).find((one) => one !== undefined);
      if (cut === undefined) return undefined;
      options = cut.options;
      left.push(cut.gone);
    }
    return undefined;
  }
}

function poolOf(volume: string): string {
  return volume.slice(0, volume.indexOf("/"));
}
