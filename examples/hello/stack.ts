/**
 * One machine on one network: the smallest whole stack.
 *
 *     deno run -q -P mod.ts apply examples/hello/stack.ts
 */

import { stack, z } from "staddle";
import { guestBoot } from "../guest.ts";

export default stack("hello", {
  uri: z.string().default("qemu:///system").describe("libvirt URI of the host"),
}, (s, { uri }) => {
  const lab = s.host("lab", { uri });
  const network = lab.network("hello", { nat: "10.61.0.0/24" });

  const machine = lab.vm("hello", {
    memory: "192MiB",
    boot: guestBoot(lab),
    nics: [{ network }],
    cloudInit: { writeFiles: [{ path: "/etc/motd", content: "Hello from Staddle.\n" }] },
    consoleLog: "/var/log/libvirt/qemu/hello-console.log",
    wait: { for: "lease", timeout: 90 },
  });

  return { machine: machine.name, address: machine.address };
});
