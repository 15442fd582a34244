import { must, poll } from "./command.ts";
import type { FleetHost } from "./host.ts";

/** The guest that `scripts/build_guest` makes. */
const GUEST = new URL("../../.cache/guest/", import.meta.url).pathname;

/** Why there is no guest to boot, or undefined if there is one. */
export async function guestObstacle(): Promise<string | undefined> {
  for (const file of ["kernel", "initrd"]) {
    if (await Deno.stat(`${GUEST}${file}`).catch(() => undefined) === undefined) {
      return `${GUEST}${file} is missing: scripts/build_guest makes it`;
    }
  }
  return undefined;
}

/** A guest as these tests boot it: direct kernel boot under full emulation, one NIC, a seed. */
export interface TestGuest {
  readonly name: string;
  readonly network: string;
  readonly mac: string;
  readonly userData: string;
}

/** Puts the guest's files onto a host and defines it there. */
export async function defineGuest(host: FleetHost, guest: TestGuest): Promise<void> {
  for (const file of ["kernel", "initrd"]) {
    await Deno.copyFile(`${GUEST}${file}`, `${host.images}/${file}`);
  }
  const seed = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${seed}/meta-data`,
      `instance-id: id-${guest.name}\nlocal-hostname: ${guest.name}\n`,
    );
    await Deno.writeTextFile(`${seed}/user-data`, guest.userData);
    await must("xorriso", [
      ...["-as", "mkisofs", "-quiet", "-volid", "cidata", "-joliet", "-rational-rock"],
      ...["-output", `${host.images}/${guest.name}-seed.iso`, seed],
    ]);
  } finally {
    await Deno.remove(seed, { recursive: true });
  }
  await host.must("cat >/tmp/guest.xml", { stdin: domainXml(guest) });
  await host.virsh("define", "--validate", "/tmp/guest.xml");
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
  timeoutMs = 60_000,
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
  const images = "/var/lib/libvirt/images";
  return `
<domain type='qemu'>
  <name>${guest.name}</name>
  <memory unit='MiB'>160</memory>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${images}/kernel</kernel>
    <initrd>${images}/initrd</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${images}/${guest.name}-seed.iso'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
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
