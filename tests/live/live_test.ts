/**
 * Live means live: every row of the machine's table that says so is changed on a running guest, and the
 * guest goes on as it was. The rows come from the table itself: one that nothing here changes fails.
 */

import assert from "node:assert/strict";
import { machineKind } from "../../providers/kvm/kinds/machine/mod.ts";
import { type Applied, type Bed, makeBed, needs } from "./bed.ts";
import { ADDRESS, first, fourth, NAME, PASSWORDS, second, third, VNC_SOCKET } from "./rows.ts";
import { REFUSED, type Refused } from "./refused_rows.ts";
import { knock } from "./vnc.ts";

const secrets = {
  resolve: (name: string) => Promise.resolve(PASSWORDS[name as keyof typeof PASSWORDS]),
};

/** Rows that say something to Staddle, or of a new machine, and change nothing on the host. */
const POLICY = new Set([
  "os",
  "devices",
  "nics[].ip",
  "whenRestartNeeded",
  "shutdown",
  "wait",
  // A running machine is refused another name when that is planned.
  "name",
  // From off to on, which is shown where machines are stopped.
  "power",
  // Named in a list's key: what has another name or path is another entry.
  "blkioTune.devices[].path",
]);

/** Every row that a running guest may take. */
const rows = machineKind.fields
  .filter(({ path, change }) => (change === "live" || change === "varies") && !POLICY.has(path))
  .map(({ path }) => path);

/** The rows of changed paths: `disks[data].iotune.group live` is of `disks[].iotune.group`. */
function rowsOf({ plan }: Applied): string[] {
  return plan.resources.filter(({ kind }) => kind === "machine").flatMap(({ changes }) =>
    changes.filter(({ disruption }) => disruption === "live").flatMap(({ path, before, after }) => {
      const row = path.replaceAll(/\[[^\]]*\]/g, "[]");
      // A whole entry that came or went takes its fields along.
      const whole = row.endsWith("[]") ? (after ?? before) as Record<string, unknown> : {};
      return [row, ...Object.keys(whole).map((name) => `${row}.${name}`)];
    })
  );
}

async function prepare(bed: Bed): Promise<void> {
  await bed.host.must(`
    for bridge in br-one br-two; do ip link add $bridge type bridge && ip link set $bridge up; done
    install -d -m 777 /var/lib/libvirt/images/displays
    mkdir -p /srv/disks
    truncate -s 4M /srv/disks/block /srv/disks/more
    truncate -s 8M /srv/disks/nbd
    qemu-img create -q -f qcow2 /srv/disks/medium3.qcow2 6M
    qemu-img create -q -f qcow2 /srv/disks/floppy4.qcow2 1440K
    truncate -s 1440K /srv/disks/nbd-floppy /srv/disks/floppy3.raw
    qemu-nbd --fork --persistent -f raw -r -x disk -b 127.0.0.1 -p 10809 /srv/disks/nbd
    qemu-nbd --fork --persistent -f raw -x disk -b 127.0.0.1 -p 10810 /srv/disks/nbd-floppy
    echo "<network><name>ports</name><bridge name='br-ports'/><portgroup name='fast'/></network>" >/tmp/n.xml
    echo "<filter name='fleet-filter'><rule action='drop' direction='out' priority='500'>" \\
      "<mac match='no' srcmacaddr='\\$MAC'/></rule></filter>" >/tmp/f.xml
    virsh -q -c qemu:///system net-define /tmp/n.xml
    virsh -q -c qemu:///system net-start ports
    virsh -q -c qemu:///system nwfilter-define /tmp/f.xml`);
}

/**
 * Two block devices of the host, by names of their own. A process of the host has them open, and they go
 * with it, however this test ends.
 */
async function blockDevices(bed: Bed): Promise<void> {
  await bed.host.must(`
    [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
    for i in $(seq 0 63); do [ -e /dev/loop$i ] || mknod /dev/loop$i b 7 $i; done
    for name in block more; do
      device=$(losetup --find --show /srv/disks/$name)
      ln -s $device /dev/fleet-$name
      # Detached while it is open: that is done when the last one closes it.
      setsid sh -c 'exec 3<'$device'; losetup -d '$device'; exec sleep infinity' >/dev/null 2>&1 &
    done
    for name in block more; do
      until losetup --list --noheadings --output AUTOCLEAR $(readlink /dev/fleet-$name) | grep -q 1; do
        sleep 0.1
      done
    done`);
}

Deno.test(
  { name: "live means live: every row that a running guest can take", ...needs },
  async (t) => {
    await using bed = await makeBed({ secrets });
    await prepare(bed);
    await blockDevices(bed);
    const changed = new Set<string>();
    const refused: string[] = [];
    await bed.apply(first);
    const uptime = await bed.uptime(ADDRESS);
    const process = await bed.processOf(NAME);
    let since = performance.now();

    const applied = async (declare: typeof first) => {
      const result = await bed.apply(declare);
      const disturbing = result.changes.filter((change) =>
        !/ live$/.test(change) &&
        !result.plan.resources.some((resource) =>
          resource.kind === "seed" &&
          resource.changes.some(({ path }) => change.startsWith(`${path} `))
        )
      );
      assert.deepEqual(disturbing, [], result.text);
      for (const row of rowsOf(result)) changed.add(row);
      assert.match((await bed.plan(declare)).text, /^No changes\./m);
      assert.equal(await bed.processOf(NAME), process, "QEMU was not started anew");
    };
    const vnc = `${bed.host.images}/${VNC_SOCKET}`;
    assert.equal(await knock(vnc, PASSWORDS["first-vnc"]), "let in");
    const sees = (command: string, expected: RegExp) => bed.guestSees(ADDRESS, command, expected);

    await t.step("grown, plugged, granted", async () => {
      await applied(second);
      await sees("cat /sys/devices/system/cpu/online", /^0-1$/m);
      await sees("cat /sys/block/*/size", /(?=[\s\S]*^24576$)(?=[\s\S]*^32768$)/m);
      await sees("cat /sys/block/*/size", /^40960$/m);
      await sees("ls /sys/class/net", /eth4/);
      await sees("grep -l down /sys/class/net/*/operstate", /eth/);
      await sees("grep MemTotal /proc/meminfo", /MemTotal: +1\d{5} kB/);
      await sees("cat /sys/class/virtio-ports/*/name", /org\.example\.0/);
      await sees("mkdir -p /mnt/d; mount -t virtiofs disks /mnt/d; ls /mnt/d", /apart\.raw/);
      await bed.inGuest(ADDRESS, "umount /mnt/d");
      assert.equal(await knock(vnc, PASSWORDS["first-vnc"]), "refused");
      assert.equal(await knock(vnc, PASSWORDS["second-vnc"]), "let in");
    });

    await t.step("other media, less, and taken away", async () => {
      await applied(third);
      await sees("ls /sys/class/net", /^(?![\s\S]*eth4)/);
      await sees("cat /sys/block/*/size", /^(?![\s\S]*(24576|32768))/);
    });

    await t.step("drives emptied", async () => {
      await applied(fourth);
    });

    await t.step("the guest has run all the while", async () => {
      const seconds = (performance.now() - since) / 1000;
      const ran = await bed.uptime(ADDRESS) - uptime;
      // An emulated clock may lag behind, and never starts anew.
      assert.ok(ran > 0, `up for ${ran} s more after ${seconds} s`);
      assert.doesNotMatch(await bed.console(NAME), /STADDLE-GUEST (poweroff|reboot)/);
      since = performance.now();
    });

    for (const one of REFUSED) {
      await t.step(`${one.rows.join(", ")}: ${one.what}`, async () => {
        const said = await attempt(bed, one);
        if (said === undefined) { for (const row of one.rows) changed.add(row); }
        else refused.push(...one.rows.map((row) => `${row}: ${said}`));
        assert.equal(await bed.processOf(NAME), process, "QEMU was not started anew");
        // A guest seldom lets go of memory again: that comes last, and stays.
        if (!one.rows.some((row) => row.startsWith("memoryDevices"))) await bed.apply(fourth);
      });
    }

    await t.step("no row is left out", () => {
      const without = rows.filter((row) =>
        !changed.has(row) && !refused.some((line) => line.startsWith(`${row}: `))
      );
      assert.deepEqual(without, []);
      const live = rows.filter((row) => changed.has(row)).length;
      print(`${rows.length} rows, ${live} changed live; this host refuses:`);
      for (const line of refused) print(`  ${line}`);
    });
  },
);

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Tries what this host may be unable to do: undefined if it was done, else libvirt's reason. */
async function attempt(bed: Bed, { declare, reason }: Refused): Promise<string | undefined> {
  const { changes } = await bed.plan(declare);
  assert.ok(changes.length > 0);
  const later = changes.filter((change) => !change.endsWith(" live"));
  if (later.length > 0) return `not while it runs here: ${later.join(", ")}`;
  try {
    await bed.apply(declare);
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const found = reason.exec(said)?.[0];
    if (found === undefined) throw error;
    return found;
  }
}
