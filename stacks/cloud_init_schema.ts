/**
 * Schema of what a machine says about cloud-init.
 *
 * @module
 */

import { z } from "zod";
import type { CloudInit } from "./cloud_config.ts";

const line = z.string().regex(/^[^\n]+$/, "must be one line of text");
const sshKey = z.string().regex(
  /^((ssh|ecdsa|sk)-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( [^\n]*)?$/,
  'must be a public key, for example "ssh-ed25519 AAAA… you@example"',
);
const hostname = z.string().max(253).regex(
  /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
  "must be a host name: letters, digits and -, in parts separated by dots",
);

const user = z.strictObject({
  name: line,
  gecos: line.optional(),
  groups: z.array(line).optional(),
  shell: line.optional(),
  sudo: z.union([line, z.literal(false)]).optional(),
  sshKeys: z.array(sshKey).optional(),
});

/** See {@linkcode CloudInit}. */
export const cloudInitSchema: z.ZodType<CloudInit> = z.strictObject({
  hostname: hostname.optional(),
  sshKeys: z.array(sshKey).optional(),
  user: z.union([line, user]).optional(),
  users: z.array(user).optional(),
  packages: z.array(line).optional(),
  writeFiles: z.array(z.strictObject({
    path: z.string().regex(/^\//, "must be an absolute path"),
    content: z.string(),
    permissions: z.string().regex(/^[0-7]{3,4}$/, 'must be octal, for example "0644"').optional(),
    owner: line.optional(),
  })).optional(),
  runcmd: z.array(z.union([z.string(), z.array(z.string())])).optional(),
  userData: z.string().optional(),
  networkConfig: z.string().optional(),
});
