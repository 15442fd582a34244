/**
 * The whole draft: a host, what its machines are on, the machines.
 *
 * @module
 */

import type { Observed } from "../../providers/provider.ts";
import type { Declaration, Draft } from "../../stacks/write/mod.ts";
import { type HostContents, type Usage, usageOf, whyNot } from "./contents.ts";
import { Ground, type Refused } from "./ground.ts";
import { type DraftedMachine, draftMachine } from "./machine.ts";
import { declarationName, isPlain } from "./names.ts";
import { faultsOf, type Options } from "./trial.ts";

/** A draft, and what could not be drafted. */
export interface DraftedStack {
  readonly draft: Draft;
  /** What is left out, with the reason. */
  readonly refused: readonly Refused[];
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
  /** Names of declarations: whose name can stay has it, whoever comes first. */
  readonly #names: Set<string>;
  readonly #usage: Usage;
  readonly #ground: Ground;
  readonly #observed: readonly Observed[];

  constructor(
    readonly name: string,
    readonly uri: string,
    readonly contents: HostContents,
    readonly together: boolean,
  ) {
    const { machines, networks, pools, volumes } = contents;
    this.#observed = [...machines, ...networks, ...pools, ...volumes]
      .map((object) => ({ ...object, host: HOST }));
    this.#names = new Set(machines.map(({ key }) => key).filter(isPlain));
    this.#usage = usageOf(contents);
    this.#ground = new Ground(
      contents,
      this.#usage,
      new Set([HOST]),
      (declarations, address) => this.#faults(declarations, `${HOST}/${address}`),
    );
  }

  /** Whether a whole draft can be planned. */
  fits(draft: Draft): boolean {
    return this.#faults(draft.declarations, "").length === 0;
  }

  #faults(declarations: readonly Declaration[], address: string) {
    return faultsOf(this.#with(declarations), this.#observed, address, this.contents.facts);
  }

  draft(): DraftedStack {
    const machines: Declaration[] = [];
    const refused: Refused[] = [...this.#ground.want()];
    for (const machine of this.contents.machines) {
      const why = whyNot(machine);
      if (why !== undefined) {
        refused.push({ name: machine.key, why });
        continue;
      }
      const uses = this.#usage.of(machine);
      for (const key of uses.volumes) this.#ground.volume(key);
      for (const name of uses.networks) this.#ground.network(name);
      const beside = this.together
        ? [...this.#ground.declarations, ...machines]
        : this.#ground.under(uses);
      const declared = this.#machine(machine, beside);
      if (typeof declared === "string") refused.push({ name: machine.key, why: declared });
      else machines.push(declared);
    }
    return { draft: this.#with([...this.#ground.declarations, ...machines]), refused };
  }

  #with(declarations: readonly Declaration[]): Draft {
    return { name: this.name, host: { name: HOST, uri: this.uri }, declarations };
  }

  #machine(observed: Observed, beside: readonly Declaration[]): Declaration | string {
    const { key } = observed;
    const name = isPlain(key) ? key : declarationName(key, this.#names);
    const own: Options = name === key ? {} : { name: key };
    const declare = (options: Options): Declaration => ({
      call: "vm",
      name,
      options: { ...own, ...options },
    });
    let first: string | undefined;
    const drafted: DraftedMachine | undefined = draftMachine(observed, {
      volume: (key) => this.#ground.volume(key)?.variable,
      volumeAt: (path) => {
        const key = this.#usage.volumeAt(path);
        const made = key === undefined ? undefined : this.#ground.volume(key);
        if (made?.variable === undefined) return undefined;
        return { variable: made.variable, format: String(made.options.format ?? "qcow2") };
      },
      network: (key) => {
        const made = this.#ground.network(key);
        return made?.variable === undefined
          ? undefined
          : { variable: made.variable, managed: made.call === "network" };
      },
      reserved: (network, mac) => this.#usage.reserved.get(`${network} ${mac}`),
    }, (options) => {
      const faults = this.#faults([...beside, declare(options)], `${HOST}/machine.${name}`);
      first = faults[0]?.message;
      return faults;
    });
    if (drafted === undefined) return first ?? "it cannot be declared";
    const devices = drafted.left.filter(({ path }) => /^\w+\[[^\]]+\]$/.test(path));
    const comments = devices.length === 0
      ? []
      : [`Left as the host has it: ${devices.map(({ path }) => path).join(", ")}.`];
    const asleep = this.#asleep(observed);
    if (devices.length > 0 && asleep.length > 0) {
      comments.push(`No stack can refer to what is not active: ${asleep.join(", ")}.`);
    }
    if (this.contents.withPassword?.includes(key)) {
      comments.push('Its display keeps its password; password: secret("NAME") would set another.');
    }
    return { ...declare(drafted.options), comments };
  }

  /** What a machine is on, and does not run or is not there. */
  #asleep(observed: Observed): readonly string[] {
    const { networks, volumes } = this.#usage.of(observed);
    const pools = new Set(volumes.map((key) => key.slice(0, key.indexOf("/"))));
    return [
      ...networks.filter((name) => this.#ground.network(name) === undefined)
        .map((name) => `network ${name}`),
      ...[...pools].filter((name) => this.#ground.pool(name) === undefined)
        .map((name) => `pool ${name}`),
    ];
  }
}
