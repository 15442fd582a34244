/**
 * Three versions of one stack, with resources of every kind: the first is created, the second updates it in
 * place, the third replaces what can be replaced.
 *
 * @module
 */

import { withDigests } from "../../cli/local_files.ts";
import { type Topology, validateTopology } from "../../planner/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import { stack, type StackDefinition } from "../../stacks/mod.ts";

/** Name of the stack. */
export const STACK = "crash";

/** Versions in the order in which they are applied. */
export const VERSIONS = [1, 2, 3] as const;
/** A version of the stack. */
export type Version = typeof VERSIONS[number];

/** Guests have no disk to boot from: they are there as soon as QEMU is. */
const guest = { memory: "32MiB", accel: "tcg" } as const;

function definition(version: Version, uri: string): StackDefinition {
  const updated = version >= 2;
  const replaced = version === 3;
  return stack(STACK, (s) => {
    const lab = s.host("lab", { uri });
    const store = lab.pool("store", {
      path: "/var/lib/libvirt/images/crash-store",
      autostart: !updated,
    });
    const side = lab.pool("side", {
      path: `/var/lib/libvirt/images/crash-side${replaced ? "-2" : ""}`,
    });
    const image = lab.image("base", {
      from: replaced ? "./second.img" : "./first.img",
      format: "raw",
    });

    const blank = lab.volume("blank", {
      pool: store,
      size: updated ? "2MiB" : "1MiB",
      format: replaced ? "raw" : "qcow2",
    });
    lab.volume("aside", { pool: side, size: "1MiB" });
    const over = lab.volume("over", { pool: store, clone: image, size: updated ? "3MiB" : "2MiB" });
    const full = lab.volume("full", {
      pool: store,
      clone: image,
      mode: "full",
      size: updated ? "3MiB" : "2MiB",
    });

    const passed = lab.volume("passed", {
      pool: store,
      name: replaced ? "second.raw" : "first.raw",
      format: "raw",
      size: "1MiB",
    });

    const nat = lab.network("nat", {
      nat: "10.97.1.0/24",
      domain: replaced ? "second.test" : "first.test",
      dns: { hosts: [{ ip: "10.97.1.3", names: updated ? ["db", "sql"] : ["db"] }] },
    });
    const isolated = lab.network("isolated", {
      name: replaced ? "crash-alone" : "crash-isolated",
      isolated: "10.97.2.0/24",
      autostart: !updated,
    });
    const bridged = lab.network("bridged", {
      bridge: "br0",
      name: replaced ? "crash-other" : "crash-bridged",
      autostart: updated,
    });

    lab.vm("off", {
      ...guest,
      vcpus: updated ? 2 : 1,
      power: "off",
      autostart: updated,
      disks: [{ volume: over }],
      nics: [{ network: isolated }],
      pool: store,
      cloudInit: { hostname: replaced ? "second" : "first" },
    });
    lab.vm("on", {
      ...guest,
      title: updated ? "second title" : "first title",
      power: "on",
      disks: [{ volume: full }, ...(updated ? [{ name: "data", volume: blank }] : [])],
      nics: [{ network: nat }, ...(updated ? [{ name: "second", network: nat }] : [])],
      cloudInit: { hostname: "on" },
      pool: store,
      wait: { for: "running" },
    });
    // It goes over to the new volume while the old one is still there.
    lab.vm("passing", { ...guest, power: "off", disks: [{ volume: passed }] });
    // Renamed while it is off, then while it runs.
    lab.vm("bare", {
      ...guest,
      name: `crash-bare-${version}`,
      whenRestartNeeded: "now",
      shutdown: { timeout: 0.1, force: true },
      description: updated ? "second" : "first",
      power: version === 1 ? "off" : "on",
      nics: [{ network: bridged }],
    });
    return { version };
  });
}

/** The topology of a version, its images found in `folder`. */
export async function topologyOf(version: Version, uri: string, folder: string): Promise<Topology> {
  const withSums = await withDigests(buildTopology(definition(version, uri)), {
    baseDirectory: folder,
    signal: new AbortController().signal,
  });
  const { topology, errors } = validateTopology(withSums, kinds);
  if (errors.length > 0) throw errors[0];
  return topology;
}

/** Writes the images that the stack names. */
export async function writeImages(folder: string): Promise<void> {
  for (const [name, byte] of [["first", 1], ["second", 2]] as const) {
    await Deno.writeFile(`${folder}/${name}.img`, new Uint8Array(1 << 20).fill(byte, 4096, 8192));
  }
}
