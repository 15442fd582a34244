/**
 * A small stack for tests: pool, image, network, volume, seed and machine on one host.
 *
 * @module
 */

import type { JsonObject, Resource } from "../../providers/provider.ts";
import { resource } from "./world.ts";

/** What a test changes in it. */
export interface SmallOptions {
  readonly sha256?: string;
  readonly userData?: string;
  readonly volume?: JsonObject;
  readonly machine?: JsonObject;
}

const at = (line: number) => ({ declaredAt: `stack.ts:${line}:3` });

/** Its resources. */
export function small(options: SmallOptions = {}): Resource[] {
  const pool = "lab/pool.store";
  return [
    resource(pool, { name: "store" }, at(1)),
    resource("lab/image.debian", {
      pool,
      name: "debian",
      sha256: options.sha256 ?? "a".repeat(64),
    }, { tenure: "shared", ...at(2) }),
    resource("lab/network.front", { name: "front", subnet: "10.0.0.0/24" }, at(3)),
    resource("lab/volume.web-root", {
      pool,
      name: "web-root.qcow2",
      capacity: 100,
      image: "lab/image.debian",
      ...options.volume,
    }, at(4)),
    resource("lab/seed.web", { pool, name: "web", userData: options.userData ?? "hello" }, at(5)),
    resource("lab/machine.web", {
      name: "web",
      vcpus: 1,
      disks: [{ name: "root", volume: "lab/volume.web-root" }],
      seed: "lab/seed.web",
      nics: [{ name: "nic0", network: "lab/network.front", mac: "52:54:00:00:00:01" }],
      ...options.machine,
    }, at(6)),
  ];
}
