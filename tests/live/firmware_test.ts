/**
 * What a machine keeps beside its definition: UUID, MAC and PCI addresses, what is on its disks, the
 * variables of its firmware, the state of its TPM. Each way of changing it, on running machines with UEFI;
 * nothing has to boot in them.
 */

import assert from "node:assert/strict";
import type { MachineOptions } from "../../stacks/mod.ts";
import { type Bed, type Declare, makeBed, needs } from "./bed.ts";

const UUID_AND_PLACES = /<uuid>.*<\/uuid>|<mac .*\/>|<address type='pci'.*\/>/g;

/** A machine with firmware and TPM; `format` is that of a disk that is made anew when it changes. */
function machine(options: Partial<MachineOptions>, format: "raw" | "qcow2" = "raw"): Declare {
  return (lab) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    const net = lab.network("net", { isolated: "10.97.0.0/24" });
    const kept = lab.volume("kept", { pool, size: "1MiB", format: "raw" });
    const scratch = lab.volume("scratch", { pool, size: "1MiB", format, name: "scratch" });
    lab.vm("uefi", {
      accel: "tcg",
      machine: "q35",
      firmware: "uefi",
      tpm: { backend: "emulator", version: "2.0" },
      memory: "64MiB",
      disks: [{ name: "kept", volume: kept }, { name: "scratch", volume: scratch }],
      nics: [{ network: net }],
      cpu: { mode: "custom", model: "qemu64" },
      shutdown: { timeout: "1s", force: true },
      ...options,
    });
  };
}

const cpu = (model: string) => ({ cpu: { mode: "custom", model } }) as const;

interface Kept {
  readonly places: readonly string[];
  readonly nvram: string;
  readonly disk: string;
  readonly tpm: string;
}

const NVRAM = "/var/lib/libvirt/qemu/nvram/uefi_VARS.fd";

async function kept(bed: Bed): Promise<Kept> {
  const xml = await bed.host.virsh("dumpxml", "uefi", "--inactive");
  const uuid = /<uuid>(.*)<\/uuid>/.exec(xml)![1];
  return {
    places: xml.match(UUID_AND_PLACES) ?? [],
    nvram: await bed.host.must(`tail -c 16 ${NVRAM}`),
    disk: await bed.host.must("head -c 16 /srv/disks/kept.raw"),
    tpm: await bed.host.must(`cat /var/lib/libvirt/swtpm/${uuid}/tpm2/marker`),
  };
}

Deno.test({ name: "UUID, MACs, disks, firmware variables and TPM stay", ...needs }, async (t) => {
  // It waits for half a minute, and leaves the host alone meanwhile.
  const ignored = Promise.allSettled([detachIgnored()]);
  await using bed = await makeBed();
  await bed.apply(machine({}));
  const xml = await bed.host.virsh("dumpxml", "uefi", "--inactive");
  const uuid = /<uuid>(.*)<\/uuid>/.exec(xml)![1];
  // The end of the file is spare room of the firmware's own, which it leaves alone.
  await bed.host.must(`
    printf %s "marked variables" | dd of=${NVRAM} bs=1 conv=notrunc status=none \
      seek=$(($(stat -c %s ${NVRAM}) - 16))
    printf %s "marked contents " | dd of=/srv/disks/kept.raw bs=1 conv=notrunc status=none
    echo marked >/var/lib/libvirt/swtpm/${uuid}/tpm2/marker`);
  const before = await kept(bed);
  assert.match(before.nvram, /^marked variables/);

  await t.step("through a live change", async () => {
    const { changes } = await bed.apply(machine({ title: "one" }));
    assert.deepEqual(changes, ["title live"]);
    assert.deepEqual(await kept(bed), before);
  });

  await t.step("through a change at the next start, and that start", async () => {
    const { changes } = await bed.apply(machine({ ...cpu("Westmere"), title: "one" }));
    assert.deepEqual(changes, ["cpu.model next-boot"]);
    assert.deepEqual(await kept(bed), before);
    await bed.host.virsh("destroy", "uefi");
    await bed.host.virsh("start", "uefi");
    assert.deepEqual(await kept(bed), before);
  });

  await t.step("through a restart", async () => {
    const process = await bed.processOf("uefi");
    const { changes } = await bed.apply(machine({ ...cpu("Nehalem"), whenRestartNeeded: "now" }));
    assert.deepEqual(changes, ["cpu.model restart"]);
    assert.notEqual(await bed.processOf("uefi"), process);
    assert.deepEqual(await kept(bed), before);
  });

  await t.step("through a start that fails and is taken back", async () => {
    const wanted = { ...cpu("Westmere"), memoryBacking: { hugepages: true } };
    await bed.fails(machine({ ...wanted, whenRestartNeeded: "now" }), "machine.start-failed");
    assert.deepEqual(await kept(bed), before);
    assert.match(await bed.host.virsh("domstate", "uefi"), /^running/);
  });

  await t.step(
    "made anew: the same UUID, MACs and disks; firmware and TPM begin afresh",
    async () => {
      const { plan, text } = await bed.apply(machine(cpu("Nehalem"), "qcow2"));
      const actions = Object.fromEntries(
        plan.resources.map(({ address, action }) => [address, action]),
      );
      assert.equal(actions["lab/machine.uefi"], "replace", text);
      assert.equal(actions["lab/volume.kept"], "no-op", text);
      const after = await bed.host.virsh("dumpxml", "uefi", "--inactive");
      assert.equal(/<uuid>(.*)<\/uuid>/.exec(after)![1], uuid);
      assert.deepEqual(after.match(/<mac .*\/>/g), xml.match(/<mac .*\/>/g));
      assert.equal(await bed.host.must("head -c 16 /srv/disks/kept.raw"), before.disk);
      assert.doesNotMatch(await bed.host.must(`tail -c 16 ${NVRAM} | od -c`), /m +a +r +k/);
    },
  );

  await t.step("a guest that does not let go of a device is told of", async () => {
    const [outcome] = await ignored;
    if (outcome.status === "rejected") throw outcome.reason;
  });
});

/** Detaching where nobody answers the request: libvirt reports success all the same. */
async function detachIgnored(): Promise<void> {
  await using bed = await makeBed();
  const bare = (names: readonly string[]): Declare => (lab) => {
    const pool = lab.pool("disks", { path: "/srv/disks" });
    lab.vm("deaf", {
      accel: "tcg",
      machine: "q35",
      memory: "64MiB",
      disks: names.map((name) => ({ name, size: "1MiB", format: "raw", pool })),
    });
  };
  await bed.apply(bare(["first", "second"]));
  const process = await bed.processOf("deaf");
  const { error } = await bed.fails(bare(["first"]), "kvm.not-applied");
  assert.match(
    error.message,
    /disks\[second\] of machine "deaf" .* did not let go of it within 30 s/,
  );
  assert.match(
    error.render(),
    /disks\[second\]: to be removed; the device ua-second is still there/,
  );
  assert.equal(await bed.processOf("deaf"), process);
  assert.match(
    await bed.host.must("ls /srv/disks"),
    /deaf-second\.raw/,
    "its volume was not removed",
  );
}
