/**
 * The whole draft: a host, what its machines are on, the machines.
 *
 * Machines and the plain volumes of their disks are adopted. Pools and networks serve others too: they
 * are declared as existing, and never touched.
 *
 * @module
 */

import { formatBytes } from "../../providers/kvm/kinds/size.ts";
import { readVolume } from "../../providers/kvm/kinds/volume/mod.ts";
import { getPath, parseXml } from "../../providers/kvm/xml/mod.ts";
import type { Observed } from "../../providers/provider.ts";
import type { Declaration, Draft } from "../../stacks/write/mod.ts";
import { type DraftedMachine, draftMachine, groundNeeded } from "./machine.ts";
import { declarationName, variableName } from "./names.ts";
import { faultsOf, type Options } from "./trial.ts";

/** What a host has of what is to be imported. */
export interface HostContents {
  readonly machines: readonly Observed[];
  readonly networks: readonly Observed[];
  readonly pools: readonly Observed[];
  readonly volumes: readonly Observed[];
}

/** A draft, and what could not be drafted. */
export interface DraftedStack {
  readonly draft: Draft;
  /** Domains that are left out, with the reason. */
  readonly refused: readonly { readonly name: string; readonly why: string }[];
}

/** Drafts a stack that declares what a host has. */
export function draftStack(
  init: { readonly name: string; readonly uri: string },
  contents: HostContents,
): DraftedStack {
  const quick = new Drafter(init.name, init.uri, contents, false);
  const drafted = quick.draft();
  if (quick.fits(drafted.draft)) return drafted;
  // Two machines want one thing, such as a MAC address: each is tried beside those before it.
  return new Drafter(init.name, init.uri, contents, true).draft();
}

/** Name of the host in the stack. */
const HOST = "host";

class Drafter {
  readonly #names = { volume: new Set<string>(), vm: new Set<string>() };
  readonly #variables = new Set<string>([HOST]);
  readonly #ground: Declaration[] = [];
  readonly #volumes = new Map<string, string>();
  readonly #networks = new Map<string, string>();
  readonly #pools = new Map<string, string>();
  readonly #observed: readonly Observed[];
  /** Disks of several machines at once: no stack may own them. */
  readonly #shared = new Set<string>();

  constructor(
    readonly name: string,
    readonly uri: string,
    readonly contents: HostContents,
    readonly together: boolean,
  ) {
    const { machines, networks, pools, volumes } = contents;
    this.#observed = [...machines, ...networks, ...pools, ...volumes]
      .map((object) => ({ ...object, host: HOST }));
    const used = new Set<string>();
    for (const machine of machines) {
      for (const key of groundNeeded(machine).volumes) {
        if (used.has(key)) this.#shared.add(key);
        used.add(key);
      }
    }
  }

  /** Whether a whole draft can be planned. */
  fits(draft: Draft): boolean {
    return faultsOf(draft, this.#observed, "").length === 0;
  }

  draft(): DraftedStack {
    const machines: Declaration[] = [];
    const refused: { name: string; why: string }[] = [];
    for (const machine of this.contents.machines) {
      if (machine.mark !== undefined) {
        const { stack, address } = machine.mark;
        refused.push({ name: machine.key, why: `it is ${address} of stack "${stack}" already` });
        continue;
      }
      if (machine.source.persistent === false) {
        refused.push({ name: machine.key, why: "it is transient: it has no configuration" });
        continue;
      }
      const needed = groundNeeded(machine);
      for (const key of needed.volumes) this.#volume(key);
      for (const name of needed.networks) this.#network(name);
      const declared = this.#machine(machine, this.together ? machines : []);
      if (typeof declared === "string") refused.push({ name: machine.key, why: declared });
      else machines.push(declared);
    }
    return { draft: this.#with([...this.#ground, ...machines]), refused };
  }

  #with(declarations: readonly Declaration[]): Draft {
    return { name: this.name, host: { name: HOST, uri: this.uri }, declarations };
  }

  #machine(observed: Observed, beside: readonly Declaration[]): Declaration | string {
    const name = declarationName(observed.key, this.#names.vm);
    const own: Options = name === observed.key ? {} : { name: observed.key };
    const declare = (options: Options): Declaration => ({
      call: "vm",
      name,
      options: { ...own, ...options },
    });
    let first: string | undefined;
    const drafted: DraftedMachine | undefined = draftMachine(observed, {
      volume: (key) => this.#volumes.get(key),
      network: (key) => this.#networks.get(key),
    }, (options) => {
      const draft = this.#with([...this.#ground, ...beside, declare(options)]);
      const faults = faultsOf(draft, this.#observed, `${HOST}/machine.${name}`);
      first = faults[0]?.message;
      return faults;
    });
    if (drafted === undefined) return first ?? "it cannot be declared";
    const devices = drafted.left.filter(({ path }) => /^\w+\[[^\]]+\]$/.test(path));
    const comments = devices.length === 0
      ? []
      : [`Left as the host has it: ${devices.map(({ path }) => path).join(", ")}.`];
    return { ...declare(drafted.options), comments };
  }

  #pool(name: string): string | undefined {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const observed = this.contents.pools.find((pool) => pool.key === name);
    if (observed === undefined || observed.source.active !== true) return undefined;
    const path = getPath(parseXml(String(observed.source.xml)), "./target/path");
    const options: Options = { ...(path?.startsWith("/") === true ? { path } : {}) };
    return this.#declare("existingPool", "pool", name, options, this.#pools);
  }

  #volume(key: string): void {
    if (this.#volumes.has(key)) return;
    const observed = this.contents.volumes.find((volume) => volume.key === key);
    const slash = key.indexOf("/");
    const pool = observed === undefined ? undefined : this.#pool(key.slice(0, slash));
    if (observed === undefined || pool === undefined) return;
    const file = key.slice(slash + 1);
    const { format, capacity, backing } = readVolume(String(observed.source.xml));
    if (format !== "qcow2" && format !== "raw") return;
    const shown: Options = format === "raw" ? { format } : {};
    const plain = backing === undefined && capacity !== undefined && !this.#shared.has(key);
    const name = declarationName(file.replace(/\.(qcow2|img|raw)$/, ""), this.#names.volume);
    const variable = variableName(name, this.#variables);
    const options: Options = {
      name: file,
      pool: { $variable: pool },
      ...(plain ? { size: formatBytes(capacity).replace(" ", "") } : {}),
      ...shown,
      ...(plain ? { adopt: true } : {}),
    };
    const call = plain ? "volume" : "existingVolume";
    const declaration: Declaration = { call, name, options, variable };
    const draft = this.#with([...this.#ground, declaration]);
    if (faultsOf(draft, this.#observed, `${HOST}/volume.${name}`).length > 0) return;
    this.#volumes.set(key, variable);
    this.#ground.push(declaration);
  }

  #network(name: string): void {
    if (this.#networks.has(name)) return;
    const observed = this.contents.networks.find((network) => network.key === name);
    // One that does not run cannot be used as it is: NICs on it stay undeclared.
    if (observed === undefined || observed.source.active !== true) return;
    this.#declare("existingNetwork", "network", name, {}, this.#networks);
  }

  #declare(
    call: "existingPool" | "existingNetwork",
    kind: string,
    onHost: string,
    options: Options,
    variables: Map<string, string>,
  ): string {
    const plain = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(onHost);
    const name = plain ? onHost : declarationName(onHost, new Set());
    const variable = variableName(
      onHost === "default" ? `${onHost}-${kind}` : name,
      this.#variables,
    );
    const all: Options = plain ? options : { name: onHost, ...options };
    variables.set(onHost, variable);
    this.#ground.push({ call, name, options: all, variable });
    return variable;
  }
}
