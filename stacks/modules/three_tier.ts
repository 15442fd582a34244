/**
 * Three tiers on one host: what answers the world, what computes, what keeps.
 *
 * @module
 */

import type { CloudFile, CloudInit } from "../cloud_config.ts";
import type { MachineOptions } from "../types/machine.ts";
import type { Size } from "../types/volume.ts";
import type { Image, Machine, Network } from "../handles.ts";
import type { HostScope } from "../types/scope.ts";

/** Machines of one tier. */
export interface TierOptions {
  /** How many; 1 unless given. */
  readonly count?: number;
  /** Size of each machine's disk, a clone of the image; the image's own size unless given. */
  readonly disk?: Size;
  /** The machines, but for their disk and NICs. */
  readonly machine: Omit<MachineOptions, "disks" | "nics" | "name">;
}

/** What the three tiers are made of. */
export interface ThreeTierOptions {
  /** Image that every machine's disk is cloned from. */
  readonly image: Image;
  /** Subnet of what answers the world, behind the host's address: `"10.50.0.0/24"`. */
  readonly front: string;
  /** Subnet of the other two tiers, which leads nowhere else: `"10.50.1.0/24"`. */
  readonly back: string;
  /** What answers the world. */
  readonly web: TierOptions;
  /** What computes. */
  readonly app: TierOptions;
  /** What keeps. */
  readonly data: TierOptions;
}

/** The tiers. */
export interface ThreeTier {
  /** The network of `web` and the world. */
  readonly front: Network;
  /** The network of all three. */
  readonly back: Network;
  /** What answers the world. */
  readonly web: readonly Machine[];
  /** What computes. */
  readonly app: readonly Machine[];
  /** What keeps. */
  readonly data: readonly Machine[];
}

/**
 * Declares three tiers in a scope. `web` stands on both networks, `app` and `data` on the back one
 * alone. Every machine of `web` finds the addresses of `app`, and every one of `app` those of
 * `data`, in `/etc/tier.env`, as `APP_ADDRESSES="…"` and `DATA_ADDRESSES="…"`.
 *
 * @example
 * ```ts
 * import { stack } from "../mod.ts";
 * import { threeTier } from "./three_tier.ts";
 *
 * export default stack("shop", (s) => {
 *   const lab = s.host("lab", { uri: "qemu:///system" });
 *   const shop = threeTier(lab.scope("shop"), {
 *     image: lab.image("debian", { from: "./debian.qcow2" }),
 *     front: "10.50.0.0/24",
 *     back: "10.50.1.0/24",
 *     web: { count: 2, machine: { memory: "1GiB", cloudInit: { packages: ["nginx"] } } },
 *     app: { count: 3, machine: { memory: "2GiB", vcpus: 2 } },
 *     data: { disk: "100GiB", machine: { memory: "8GiB", vcpus: 4 } },
 *   });
 *   return { web: shop.web.map((machine) => machine.nic("front").ip) };
 * });
 * ```
 */
export function threeTier(scope: HostScope, options: ThreeTierOptions): ThreeTier {
  const { image } = options;
  const front = scope.network("front", { nat: options.front });
  const back = scope.network("back", { isolated: options.back });

  const tier = (name: "web" | "app" | "data", file?: CloudFile): Machine[] => {
    const { count = 1, disk, machine } = options[name];
    return scope.times(count, (index) =>
      scope.vm(`${name}-${index}`, {
        ...machine,
        disks: [{ clone: image, ...(disk === undefined ? {} : { size: disk }) }],
        nics: name === "web"
          ? [{ name: "front", network: front }, { name: "back", network: back }]
          : [{ name: "back", network: back }],
        ...(file === undefined ? {} : { cloudInit: withFile(machine.cloudInit, file) }),
      }));
  };

  const data = tier("data");
  const app = tier("app", tierFile("DATA", data));
  const web = tier("web", tierFile("APP", app));
  return { front, back, web, app, data };
}

function tierFile(name: string, machines: readonly Machine[]): CloudFile {
  const addresses = machines.map((machine) => machine.nic("back").ip).join(" ");
  return { path: "/etc/tier.env", content: `${name}_ADDRESSES="${addresses}"\n` };
}

function withFile(given: CloudInit = {}, file: CloudFile): CloudInit {
  return { ...given, writeFiles: [...given.writeFiles ?? [], file] };
}
