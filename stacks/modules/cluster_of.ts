/**
 * A cluster: machines of one make, spread over hosts.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { callSite } from "../call_site.ts";
import type { MachineOptions } from "../types/machine.ts";
import type { Machine } from "../handles.ts";
import type { HostScope } from "../types/scope.ts";

/** A machine that is about to be declared. */
export interface Member<Shared> {
  /** Place in the cluster, from 0. */
  readonly index: number;
  /** Its name: the cluster's and the index. */
  readonly name: string;
  /** The host that it is on. */
  readonly host: HostScope;
  /** What the site declared on this host. */
  readonly shared: Shared;
  /** Members that were declared before, for those that join the first. */
  readonly before: readonly Machine[];
}

/** Declares on a host what its members share: networks, images, pools. Called once a host. */
export type Site<Shared> = (host: HostScope, index: number) => Shared;

/**
 * Spreads machines over hosts in turn: the first on the first host, the second on the second, and
 * round again. A host that has no member declares nothing. Adding members moves none; adding or
 * removing a host does.
 *
 * @param name Name of the cluster; its members are `<name>-0`, `<name>-1`, ….
 * @returns The members in order.
 *
 * @example
 * ```ts
 * import { stack, z } from "../mod.ts";
 * import { clusterOf } from "./cluster_of.ts";
 *
 * export default stack("etcd", { members: z.int().default(3) }, (s, { members }) => {
 *   const hosts = ["kvm1", "kvm2", "kvm3"].map((name) =>
 *     s.host(name, { uri: `qemu+ssh://root@${name}/system` })
 *   );
 *   const cluster = clusterOf("etcd", members, {
 *     hosts,
 *     site: (host, i) => ({
 *       network: host.network("work", { route: `10.40.${i}.0/24` }),
 *       image: host.image("debian", { from: "./debian.qcow2" }),
 *     }),
 *     member: ({ shared, before }) => ({
 *       memory: "2GiB",
 *       disks: [{ clone: shared.image, size: "20GiB" }],
 *       nics: [{ network: shared.network }],
 *       cloudInit: {
 *         runcmd: [before.length === 0 ? "etcd-begin" : `etcd-join ${before[0]?.address}`],
 *       },
 *     }),
 *   });
 *   return { members: cluster.map((machine) => machine.address) };
 * });
 * ```
 */
export function clusterOf<Shared>(
  name: string,
  count: number,
  options: {
    readonly hosts: readonly HostScope[];
    readonly site: Site<Shared>;
    readonly member: (member: Member<Shared>) => MachineOptions;
  },
): Machine[] {
  const { hosts, site, member } = options;
  if (hosts.length === 0) {
    const at = callSite(clusterOf as (...given: never[]) => unknown);
    throw new StaddleError({
      code: "stack.invalid-value",
      summary: `cluster ${name}: there is no host to put it on`,
      where: at === undefined ? [] : [at],
      help: "give at least one host",
    });
  }
  const shared = new Map<number, Shared>();
  const machines: Machine[] = [];
  hosts[0]!.times(count, (index) => {
    const place = index % hosts.length;
    const host = hosts[place]!;
    if (!shared.has(place)) shared.set(place, site(host, place));
    const own = { index, name: `${name}-${index}`, host, shared: shared.get(place) as Shared };
    machines.push(host.vm(own.name, member({ ...own, before: [...machines] })));
  });
  return machines;
}
