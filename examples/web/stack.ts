/**
 * A network, an image and three machines whose disks are overlays of it. What each machine is told
 * (its user-data) names the addresses of the others: they are known when the stack is planned.
 *
 *     deno run -q -P mod.ts apply examples/web/stack.ts --param uri=qemu+ssh://root@kvm1/system
 */

import { stack, z } from "staddle";
import { guestBoot } from "../guest.ts";

export default stack("web", {
  uri: z.string().default("qemu:///system").describe("libvirt URI of the host"),
  replicas: z.int().min(1).max(50).default(2).describe("Machines behind the front one"),
}, (s, { uri, replicas }) => {
  const lab = s.host("lab", { uri });
  const network = lab.network("web", { nat: "10.62.0.0/24", domain: "web.example" });
  const image = lab.image("content", { from: "./content.img", format: "raw" });
  const boot = guestBoot(lab);

  const common = {
    memory: "192MiB",
    boot,
    disks: [{ clone: image, size: "64MiB" }],
    nics: [{ network }],
  };
  const backends = s.times(replicas, (i) =>
    lab.vm(`web-${i}`, {
      ...common,
      cloudInit: { hostname: `web-${i}`, runcmd: [`echo backend ${i}`] },
      consoleLog: `/var/log/libvirt/qemu/web-${i}-console.log`,
      wait: { for: "lease" },
    }));
  const front = lab.vm("front", {
    ...common,
    cloudInit: {
      hostname: "front",
      writeFiles: [{
        path: "/etc/backends",
        content: backends.map((backend) => `${backend.address}\n`).join(""),
      }],
    },
    consoleLog: "/var/log/libvirt/qemu/front-console.log",
    wait: { for: "lease" },
  });

  return {
    front: front.address,
    backends: backends.map((backend) => ({ name: backend.name, address: backend.address })),
  };
});
