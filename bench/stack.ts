/**
 * The stack that is measured: any number of machines that are defined and not started, with or
 * without an overlay volume each.
 */

import { stack, z } from "staddle";

export default stack("bench", {
  uri: z.string(),
  machines: z.int().min(1),
  disks: z.boolean().default(false),
  sshConfig: z.string().optional(),
}, (s, { uri, machines, disks, sshConfig }) => {
  const host = s.host("host", {
    uri,
    ...(sshConfig === undefined ? {} : { ssh: { configFile: sshConfig } }),
  });
  const base = disks ? host.image("base", { from: "./base.img", format: "raw" }) : undefined;
  s.times(machines, (i) =>
    host.vm(`bench-${i}`, {
      memory: "64MiB",
      disks: base === undefined ? [] : [{ clone: base, size: "64MiB" }],
      power: "off",
    }));
});
