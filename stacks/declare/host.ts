/**
 * Hosts.
 *
 * @module
 */

import { z } from "zod";
import type { HostDeclaration } from "../../providers/provider.ts";
import { callSite } from "../call_site.ts";
import type { Recorder } from "../recorder.ts";
import { checkKeys, complaint, type Subject, validate } from "../refuse.ts";
import type { HostOptions } from "../types/host.ts";

const text = z.string().min(1, "must not be empty");

const schema = z.strictObject({
  name: text,
  uri: text.regex(
    /^[a-z]+(\+[a-z0-9]+)?:\/\/\S*$/,
    'must be a libvirt URI, for example "qemu:///system" or "qemu+ssh://root@kvm1/system"',
  ),
  ssh: z.strictObject({
    identityFile: text.optional(),
    knownHosts: text.optional(),
    port: z.int().min(1).max(65535).optional(),
    proxyJump: text.optional(),
    configFile: text.optional(),
  }).optional(),
  connectTimeout: z.number().positive().optional(),
  parallelism: z.int().min(1).optional(),
});

/** Declares a host. */
export function declareHost(recorder: Recorder, name: string, options: unknown): void {
  const subject: Subject = { label: `host ${String(name)}`, at: callSite() };
  recorder.checkName(subject, "host", name);
  checkKeys(subject, options, ["uri", "ssh", "connectTimeout", "parallelism"]);
  const declaration: HostDeclaration = validate(subject, schema, {
    ...options as HostOptions,
    name,
  });
  if (declaration.ssh !== undefined && !/^[a-z]+\+(lib)?ssh2?:/.test(declaration.uri)) {
    throw complaint(subject, {
      code: "stack.invalid-value",
      path: ["ssh"],
      message: `makes no sense with ${declaration.uri}, which is not reached by SSH`,
      help: 'give a URI such as "qemu+ssh://root@kvm1/system", or leave "ssh" out',
    });
  }
  recorder.addHost(declaration, subject.at);
}
