/**
 * What a new machine gets by the guest that will run in it: what Windows finds of Hyper-V, its clock,
 * devices that its installer has drivers for. Nothing of it is looked at again later.
 *
 * @module
 */

import type { JsonObject } from "../../../provider.ts";
import { element, type XmlElement } from "../../xml/mod.ts";
import type { MachineSpec } from "./schema.ts";

type Guest = Pick<MachineSpec, "os" | "devices" | "accel" | "arch">;

const isPc = ({ arch }: Guest) => arch === "x86_64" || arch === "i686";

/** Enlightenments that every Windows since 7 takes. */
const ENLIGHTENMENTS = [
  "relaxed",
  "vapic",
  "vpindex",
  "runtime",
  "synic",
  "stimer",
  "frequencies",
] as const;

/** Whether the guest has drivers for paravirtual devices from its first start. */
function bringsVirtio({ os, devices }: Guest): boolean {
  return devices === undefined ? os !== "windows" : devices === "paravirtual";
}

/** Bus of a disk and model of a NIC that say nothing themselves. */
export function usualDevices(guest: Guest): { readonly bus: "virtio" | "sata"; nic: string } {
  if (bringsVirtio(guest)) return { bus: "virtio", nic: "virtio" };
  return { bus: "sata", nic: guest.devices === "emulated" ? "e1000" : "e1000e" };
}

/**
 * Devices that a new machine has beside those declared. A guest without virtio drivers is shown a picture
 * that it can draw on; Windows gets a drive for the disc with its drivers, in which a medium is put
 * while it runs.
 */
export function usualExtras(
  guest: Guest & Pick<MachineSpec, "graphics" | "displays" | "videos" | "cdroms">,
): JsonObject {
  const shown = (guest.graphics ?? "none") !== "none" || (guest.displays ?? []).length > 0;
  const plain = shown && isPc(guest) && !bringsVirtio(guest) && guest.videos === undefined;
  const drivers = guest.os === "windows" && guest.cdroms === undefined && isPc(guest) &&
    guest.devices !== "emulated";
  return {
    ...(plain ? { videos: [{ name: "video0", model: "vga" }] } : {}),
    ...(drivers ? { cdroms: [{ name: "drivers" }] } : {}),
  };
}

/** Features of a new machine. */
export function guestFeatures(guest: Guest): XmlElement | undefined {
  if (!isPc(guest)) return undefined;
  const hyperv = guest.os === "windows" && guest.accel !== "tcg" && element(
    "hyperv",
    { mode: "custom" },
    ...ENLIGHTENMENTS.map((name) => element(name, { state: "on" })),
    element("spinlocks", { state: "on", retries: 8191 }),
  );
  return element("features", {}, element("acpi"), element("apic"), hyperv);
}

/** Clock of a new machine: Windows keeps local time in it, and catches up on missed ticks. */
export function guestClock(guest: Guest): XmlElement {
  if (guest.os !== "windows" || !isPc(guest)) {
    return element("clock", { offset: guest.os === "windows" ? "localtime" : "utc" });
  }
  return element(
    "clock",
    { offset: "localtime" },
    element("timer", { name: "rtc", tickpolicy: "catchup" }),
    element("timer", { name: "pit", tickpolicy: "delay" }),
    element("timer", { name: "hpet", present: "no" }),
    guest.accel !== "tcg" && element("timer", { name: "hypervclock", present: "yes" }),
  );
}

/** Balloon and random numbers; with emulated devices there is neither. */
export function guestHelpers({ devices }: Guest): XmlElement[] {
  if (devices === "emulated") return [element("memballoon", { model: "none" })];
  return [
    element("memballoon", { model: "virtio" }),
    element("rng", { model: "virtio" }, element("backend", { model: "random" }, "/dev/urandom")),
  ];
}
