/**
 * Several real KVM hosts on one machine, for tests that need them: each a set of namespaces with its own
 * root, sshd, virtlogd and libvirtd, linked by a bridge. May not leave anything behind on the machine, and
 * sends nothing beyond the namespaces that it makes. Needs root.
 *
 * @example
 * ```ts ignore
 * await using fleet = await Fleet.up({ hosts: 2 });
 * await fleet.host(1).virsh("list", "--all");
 * ```
 *
 * @module
 */

export { type CommandResult, must, poll, run } from "./command.ts";
export { DelayProxy, type DelayProxyOptions, type ProxyAddress } from "./delay_proxy.ts";
export { Fleet, type FleetKvm, fleetObstacle, type FleetOptions } from "./fleet.ts";
export { FleetHost, type FleetLink, type FleetService } from "./host.ts";
export type { SshFiles } from "./ssh_files.ts";
export { type SlowHost, slowHost } from "./slow_host.ts";
