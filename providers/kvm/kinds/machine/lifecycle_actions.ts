/**
 * What may happen when the guest powers off, reboots or crashes: libvirt's language has more words than
 * its driver of QEMU carries out. Those of other drivers stay: a host's own says what it takes.
 *
 * @module
 */

import type { Issue, Lookup, Resource } from "../../../provider.ts";
import type { HostFacts } from "../../facts.ts";
import { getPath, parseXml, type XmlElement } from "../../xml/mod.ts";

/** What libvirt's driver of QEMU takes, since 6.9; the first is what libvirt does where none stands. */
const TAKEN = {
  onPoweroff: ["destroy", "restart"],
  onReboot: ["restart", "destroy"],
  onCrash: ["destroy", "restart", "preserve", "coredump-destroy", "coredump-restart"],
} as const;

const PLACE = { onPoweroff: "./on_poweroff", onReboot: "./on_reboot" } as const;

/** The host's URI has the driver's name in front: `qemu:///system`, `qemu+ssh://…`. */
function isQemu({ uri }: HostFacts): boolean {
  return /^qemu(\+\w+)?:/.test(uri);
}

/** Actions that the host's driver refuses, one by one and together. */
export function* checkLifecycle(
  { spec, address }: Resource,
  lookup: Lookup,
  facts: HostFacts,
): Iterable<Issue> {
  if (!isQemu(facts)) return;
  let refused = false;
  for (const [path, taken] of Object.entries(TAKEN)) {
    const action = spec[path];
    if (action === undefined || taken.some((one) => one === action)) continue;
    refused = true;
    yield {
      code: "machine.action-unsupported",
      path,
      message: `libvirt's driver of QEMU has no "${action}" for ${path}`,
      help: `write one of ${taken.map((one) => `"${one}"`).join(", ")}`,
    };
  }
  // Both in one declaration are refused by the schema.
  if (refused || (spec.onPoweroff === undefined) === (spec.onReboot === undefined)) return;
  const observed = lookup.observed(address);
  const host = observed && parseXml(String(observed.source.xml));
  if (effective("onPoweroff", spec, host) !== "restart") return;
  if (effective("onReboot", spec, host) !== "destroy") return;
  const [path, other] = spec.onReboot === undefined
    ? ["onPoweroff", "onReboot"]
    : ["onReboot", "onPoweroff"];
  yield {
    code: "machine.actions-clash",
    path,
    message: "QEMU cannot end at a reboot and start anew at a power-off, and the host has " +
      (other === "onReboot" ? 'onReboot "destroy"' : 'onPoweroff "restart"'),
    help: `declare ${other} too, or leave ${path} out`,
  };
}

/** What the stack does not declare is as the host has it. */
function effective(
  path: keyof typeof PLACE,
  spec: Resource["spec"],
  host: XmlElement | undefined,
): unknown {
  return spec[path] ?? (host && getPath(host, PLACE[path])) ?? TAKEN[path][0];
}
