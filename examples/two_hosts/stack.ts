/**
 * The same machine on two hosts, reached by SSH, made at the same time.
 *
 *     deno run -q -P mod.ts apply examples/two_hosts/stack.ts \
 *       --param first=qemu+ssh://root@kvm1/system --param second=qemu+ssh://root@kvm2/system
 */

import { stack, z } from "staddle";
import { guestBoot } from "../guest.ts";

export default stack("two-hosts", {
  first: z.string().describe("libvirt URI of the first host"),
  second: z.string().describe("libvirt URI of the second host"),
  sshConfig: z.string().optional().describe("ssh_config file to use instead of your own"),
}, (s, { first, second, sshConfig }) => {
  const ssh = sshConfig === undefined ? undefined : { configFile: sshConfig };
  const machines = Object.entries({ first, second }).map(([name, uri], i) => {
    const host = s.host(name, { uri, ssh });
    const network = host.network("work", { nat: `10.63.${i}.0/24` });
    return host.vm(`worker-${name}`, {
      memory: "192MiB",
      boot: guestBoot(host),
      disks: [{ size: "64MiB" }],
      nics: [{ network }],
      cloudInit: { hostname: `worker-${name}` },
      consoleLog: `/var/log/libvirt/qemu/worker-${name}-console.log`,
      wait: { for: "lease" },
    });
  });
  return { addresses: machines.map((machine) => machine.address) };
});
