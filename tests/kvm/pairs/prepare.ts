/**
 * The objects of a host that random declarations refer to.
 *
 * @module
 */

import type { FleetHost } from "../../fleet/mod.ts";
import { NETWORKS, VOLUMES } from "./any_machine.ts";

/** Makes a pool with its volumes, and networks. */
export async function prepare(host: FleetHost): Promise<void> {
  for (const name of NETWORKS) {
    const xml = `<network><name>${name}</name><bridge name='br-${name}'/></network>`;
    await host.must(["sh", "-c", "cat >/tmp/network.xml"], { stdin: xml });
    await host.virsh("net-define", "/tmp/network.xml");
    await host.virsh("net-start", name);
  }
  await host.virsh("pool-define-as", "store", "dir", "--target", "/var/lib/libvirt/images/store");
  await host.virsh("pool-build", "store");
  await host.virsh("pool-start", "store");
  for (const name of VOLUMES) await host.virsh("vol-create-as", "store", name, "1M");
}
