import { must, poll } from "./command.ts";
import type { FleetHost } from "./host.ts";

/** The guest that `scripts/build_guest` makes. */
const GUEST = new URL("../../.cache/guest/", import.meta.url).pathname;

/** Where images stand in a host. */
const IMAGES = "/var/lib/libvirt/images";
const FILES = ["kernel", "initrd", "disk.qcow2"];

/** Why there is no guest to boot, or undefined if there is one. */
export async function guestObstacle(): Promise<string | undefined> {
  for (const file of FILES) {
    if (await Deno.stat(`${GUEST}${file}`).catch(() => undefined) === undefined) {
      return `${GUEST}${file} is missing: scripts/build_guest makes it`;
    }
  }
  return undefined;
}

/** A guest as these tests boot it, under full emulation, with one NIC. */
export interface TestGuest {
  readonly name: string;
  /** `kernel`: direct kernel boot without a disk; `disk`: from an overlay over the disk image. */
  readonly boot: "kernel" | "disk";
  readonly network: string;
  readonly mac: string;
  /** What its NoCloud seed holds; without it there is none. */
  readonly seed?: { readonly userData: string; readonly networkConfig: string };
}

/** Puts the guest's files onto a host and defines it there. */
export async function defineGuest(host: FleetHost, guest: TestGuest): Promise<void> {
  for (const file of FILES) await Deno.copyFile(`${GUEST}${file}`, `${host.images}/${file}`);
  if (guest.seed !== undefined) await writeSeed(host, guest.name, guest.seed);
  if (guest.boot === "disk") {
    await host.must(
      `cd ${IMAGES} && qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 ${guest.name}.qcow2`,
    );
  }
  await host.must("cat >/tmp/guest.xml", { stdin: domainXml(guest) });
  await host.virsh("define", "--validate", "/tmp/guest.xml");
}

async function writeSeed(
  host: FleetHost,
  name: string,
  seed: NonNullable<TestGuest["seed"]>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const metaData = `instance-id: id-${name}\nlocal-hostname: ${name}\n`;
    await Deno.writeTextFile(`${folder}/meta-data`, metaData);
    await Deno.writeTextFile(`${folder}/user-data`, seed.userData);
    await Deno.writeTextFile(`${folder}/network-config`, seed.networkConfig);
    await must("xorriso", [
      ...["-as", "mkisofs", "-quiet", "-volid", "cidata", "-joliet", "-rational-rock"],
      ...["-output", `${host.images}/${name}-seed.iso`, folder],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What the guest has printed on its console. */
export function consoleText(host: FleetHost, name: string): Promise<string> {
  return host.must(["cat", consoleLog(name)]).then((text) => text.replaceAll("\r", ""));
}

/** Waits until the guest has printed a line, and gives all that it has printed. */
export async function consoleSays(
  host: FleetHost,
  name: string,
  line: string | RegExp,
  timeoutMs = 180_000,
): Promise<string> {
  let text = "";
  try {
    return await poll(`console of ${name} says ${line}`, async () => {
      text = await consoleText(host, name);
      const lines = text.split("\n");
      const said = typeof line === "string"
        ? lines.includes(line)
        : lines.some((l) => line.test(l));
      return said ? text : undefined;
    }, { timeoutMs, intervalMs: 200 });
  } catch (error) {
    throw new Error(`${(error as Error).message}; it says:\n${text}`);
  }
}

function consoleLog(name: string): string {
  return `/var/log/libvirt/qemu/${name}-console.log`;
}

function domainXml(guest: TestGuest): string {
  const kernel = `<kernel>${IMAGES}/kernel</kernel><initrd>${IMAGES}/initrd</initrd>` +
    "<cmdline>console=ttyS0 quiet</cmdline>";
  const disk = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>` +
    `<source file='${IMAGES}/${guest.name}.qcow2'/><target dev='vda' bus='virtio'/></disk>`;
  const seed = `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>` +
    `<source file='${IMAGES}/${guest.name}-seed.iso'/><target dev='sda' bus='scsi'/><readonly/></disk>`;
  return `
<domain type='qemu'>
  <name>${guest.name}</name>
  <memory unit='MiB'>160</memory>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    ${guest.boot === "kernel" ? kernel : "<boot dev='hd'/>"}
  </os>
  <features><acpi/><apic/></features>
  <devices>
    ${guest.boot === "disk" ? disk : ""}
    ${guest.seed === undefined ? "" : seed}
    <controller type='scsi' model='virtio-scsi'/>
    <interface type='network'>
      <mac address='${guest.mac}'/>
      <source network='${guest.network}'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'><log file='${consoleLog(guest.name)}' append='on'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>`;
}
