/** Adoption: what stands on a host, and is nobody's, becomes a stack's own because the stack says so. */

import assert from "node:assert/strict";
import { digest, type Plan, planDocument, summarize } from "../../planner/mod.ts";
import type { StackRecord } from "../../state/mod.ts";
import { planText } from "../../cli/render/plan_text.ts";
import { type HostScope, stack } from "../../stacks/mod.ts";
import { golden } from "../support/golden.ts";
import { planOf, seen } from "./world.ts";

const UUID = "d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11";

const DOMAIN = `<domain type='qemu'>
  <name>web</name>
  <uuid>${UUID}</uuid>
  <title>Front end</title>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
  </devices>
</domain>
`;

const VOLUME = `<volume type='file'>
  <name>data.qcow2</name>
  <capacity unit='bytes'>1073741824</capacity>
  <target><path>/srv/store/data.qcow2</path><format type='qcow2'/></target>
</volume>
`;

const POOL = `<pool type='dir'>
  <name>store</name>
  <uuid>11111111-2222-4333-8444-555555555555</uuid>
  <target><path>/srv/store</path></target>
</pool>
`;

function shop(declare: (lab: HostScope) => void) {
  return stack("shop", (s) => {
    declare(s.host("lab", { uri: "qemu:///system" }));
  });
}

const web = { memory: "512MiB", vcpus: 2 } as const;
const there = [seen("machine", DOMAIN)];

Deno.test("a machine that is adopted keeps its UUID, and the plan imports it without a change", () => {
  const { plan, errors } = planOf(
    shop((lab) => {
      assert.equal(lab.vm("web", { ...web, adopt: UUID.toUpperCase() }).uuid, UUID);
    }),
    there,
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(summarize(plan), { import: 1, add: 0, change: 0, destroy: 0 });
  assert.deepEqual(plan.steps.map(({ id, changes }) => ({ id, changes })), [
    { id: "update:lab/machine.web", changes: [] },
  ]);
  assert.equal(plan.steps[0]!.resource.uuid, UUID);
  const document = planDocument(plan, { timestamp: "2026-01-01T00:00:00Z" });
  assert.deepEqual(document.resource_changes[0]!.change.actions, ["no-op"]);
  assert.deepEqual(document.resource_changes[0]!.change.importing, { id: "web" });
});

Deno.test("an import that changes something counts as both", () => {
  const { plan } = planOf(
    shop((lab) => lab.vm("web", { ...web, title: "Shop", adopt: UUID })),
    there,
  );
  golden(import.meta.url, "import_and_change.txt", planText(plan, { summary: summarize(plan) }));
});

Deno.test("pools, volumes and machines are imported together", () => {
  const { plan, errors } = planOf(
    shop((lab) => {
      const pool = lab.pool("store", {
        path: "/srv/store",
        adopt: "11111111-2222-4333-8444-555555555555",
      });
      lab.volume("data", { name: "data.qcow2", size: "1GiB", pool, adopt: true });
      lab.vm("web", { ...web, adopt: UUID });
    }),
    [
      ...there,
      seen("pool", POOL, { active: true, autostart: true }),
      seen("volume", VOLUME, {}, "store"),
    ],
  );
  assert.deepEqual(errors, []);
  golden(import.meta.url, "import_three.txt", planText(plan, { summary: summarize(plan) }));
});

Deno.test("without adopt, an object of the wanted name is not touched", () => {
  const { plan, errors } = planOf(shop((lab) => lab.vm("web", web)), there);
  assert.deepEqual(errors.map(({ code }) => code), ["ownership.not-ours"]);
  assert.deepEqual(plan.steps, []);
});

Deno.test("what cannot be adopted is refused", () => {
  const marked = DOMAIN.replace(
    "<memory",
    "<metadata><staddle:resource xmlns:staddle='https://staddle.dev/xmlns/1' stack='other' " +
      "address='lab/machine.web' digest='d1'/></metadata><memory",
  );
  const other = "00000000-0000-4000-8000-000000000001";
  const texts: string[] = [];
  const cases: [codes: string, declare: (lab: HostScope) => void, xml: string][] = [
    ["ownership.not-ours", (lab) => lab.vm("web", { ...web, adopt: UUID }), marked],
    ["ownership.not-ours", (lab) => lab.vm("web", { ...web, adopt: other }), DOMAIN],
    ["import.missing", (lab) => lab.vm("db", { ...web, adopt: other }), DOMAIN],
    ["import.other-name", (lab) => lab.vm("db", { ...web, adopt: UUID }), DOMAIN],
  ];
  for (const [codes, declare, xml] of cases) {
    const { errors, plan } = planOf(shop(declare), [seen("machine", xml)]);
    assert.deepEqual(errors.map(({ code }) => code).join(" "), codes);
    assert.deepEqual(plan.steps, []);
    texts.push(...errors.map((error) => error.render()));
  }
  const { errors } = planOf(
    shop((lab) => {
      const pool = lab.existingPool("store", { path: "/srv/store" });
      lab.volume("data", { name: "data.qcow2", size: "1GiB", format: "raw", pool, adopt: true });
    }),
    [seen("pool", POOL, { active: true }), seen("volume", VOLUME, {}, "store")],
  );
  assert.deepEqual(errors.map(({ code }) => code), ["import.would-replace"]);
  texts.push(...errors.map((error) => error.render()));
  const shown = texts.join("\n\n").replaceAll(/\/\S+\/adopt_test.ts:\d+:\d+/g, "stack.ts:6:7");
  golden(import.meta.url, "adopt_errors.txt", shown);
  assert.throws(
    () => planOf(shop((lab) => lab.vm("web", { ...web, adopt: "web" })), there),
    /must be the UUID of what is to be adopted/,
  );
});

Deno.test("an existing volume is used and never touched", () => {
  const disk = `<disk type='volume' device='disk'>
      <source pool='store' volume='data.qcow2'/><target dev='vda' bus='virtio'/></disk>`;
  const { plan, errors } = planOf(
    shop((lab) => {
      const pool = lab.existingPool("store");
      const volume = lab.existingVolume("data.qcow2", { pool });
      lab.vm("web", { ...web, adopt: UUID, disks: [{ name: "vda", volume }] });
    }),
    [
      seen("machine", DOMAIN.replace("</devices>", `${disk}</devices>`)),
      seen("pool", POOL, { active: true }),
      seen("volume", VOLUME, {}, "store"),
    ],
  );
  assert.deepEqual(errors, []);
  // The driver's format is what the volume has, and the disk does not say it.
  assert.deepEqual(plan.resources.map(({ address, action }) => `${address} ${action}`), [
    "lab/machine.web update",
    "lab/pool.store no-op",
    "lab/volume.data.qcow2 no-op",
  ]);
});

Deno.test("a disk may stand on a volume by its path; a machine waits for it all the same", () => {
  const disk = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='/srv/store/data.qcow2'/><target dev='vda' bus='virtio'/></disk>`;
  const { plan, errors } = planOf(
    shop((lab) => {
      const pool = lab.existingPool("store", { path: "/srv/store" });
      const data = lab.volume("data", { name: "data.qcow2", size: "1GiB", pool, adopt: true });
      const vm = lab.vm("web", { ...web, adopt: UUID, disks: [{ name: "vda", file: data }] });
      assert.equal(vm.disks[0].volume.path, "/srv/store/data.qcow2");
    }),
    [
      seen("machine", DOMAIN.replace("</devices>", `${disk}</devices>`)),
      seen("pool", POOL, { active: true }),
      seen("volume", VOLUME, {}, "store"),
    ],
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(plan.resources.flatMap(({ changes }) => changes), []);
  const step = plan.steps.find(({ kind }) => kind === "machine")!;
  assert.deepEqual(step.needs, ["update:lab/volume.data"]);
});

Deno.test("a NIC without a reserved address changes nothing of its network", () => {
  const network = `<network><name>front</name>
    <uuid>11111111-2222-4333-8444-555555555556</uuid><forward mode='nat'/><bridge name='virbr9'/>
    <ip address='10.9.0.1' netmask='255.255.255.0'>
      <dhcp><range start='10.9.0.2' end='10.9.0.254'/></dhcp></ip></network>`;
  const nic = "<interface type='network'><mac address='52:54:00:00:00:01'/>" +
    "<source network='front'/></interface>";
  const declare = (ip: false | undefined) =>
    planOf(
      shop((lab) => {
        const front = lab.network("front", {
          adopt: "11111111-2222-4333-8444-555555555556",
          nat: "10.9.0.0/24",
          bridge: "virbr9",
          dhcp: { start: "10.9.0.2", end: "10.9.0.200" },
        });
        const nics = [{ network: front, mac: "52:54:00:00:00:01", ip }];
        const vm = lab.vm("web", { ...web, adopt: UUID, nics });
        if (ip === false) assert.throws(() => vm.address, /IP address/);
      }),
      [
        seen("machine", DOMAIN.replace("</devices>", `${nic}</devices>`)),
        seen("network", network.replace("10.9.0.254", "10.9.0.200"), {
          active: true,
          autostart: true,
        }),
      ],
    ).plan.resources.flatMap(({ changes }) => changes.map(({ path }) => path));
  assert.deepEqual(declare(false), []);
  assert.deepEqual(declare(undefined), ["reservations[52:54:00:00:00:01]"]);
});

Deno.test("a volume that was taken over and is gone is not replaced by an empty one", () => {
  const overlay = VOLUME.replace(
    "</volume>",
    "<backingStore><path>/srv/store/base.qcow2</path><format type='qcow2'/></backingStore></volume>",
  );
  const pool = seen("pool", POOL, { active: true });
  const there = [pool, seen("volume", overlay, {}, "store")];
  const declare = (adopt: true | undefined) =>
    shop((lab) => {
      const pool = lab.existingPool("store", { path: "/srv/store" });
      lab.volume("data", { name: "data.qcow2", size: "1GiB", pool, adopt });
    });
  const record = recordOf(planOf(declare(true), there).plan, "present");
  assert.deepEqual(planOf(declare(true), there, record).plan.steps, []);

  const { plan, errors } = planOf(declare(true), [pool], record);
  assert.deepEqual(plan.steps, []);
  golden(
    import.meta.url,
    "adopted_gone.txt",
    errors.map((error) => error.render()).join("\n")
      .replaceAll(/\/\S+\/adopt_test.ts:\d+:\d+/g, "stack.ts:6:7"),
  );
  // An empty one has to be asked for; a replacement that was planned and stopped goes on.
  for (
    const [adopt, status] of [[undefined, "present"], [true, "creating"], [
      true,
      "deleting",
    ]] as const
  ) {
    const known = { ...record, resources: record.resources.map((one) => ({ ...one, status })) };
    const made = planOf(declare(adopt), [pool], known);
    assert.deepEqual(made.errors, [], status);
    assert.deepEqual(made.plan.steps.map(({ id }) => id), ["create:lab/volume.data"]);
  }
});

Deno.test("a clone that was taken over begins with its image again", () => {
  const definition = shop((lab) => {
    const pool = lab.existingPool("store", { path: "/srv/store" });
    const clone = lab.image("base", { from: "/srv/base.qcow2", sha256: "ab".repeat(32), pool });
    lab.volume("data", { name: "data.qcow2", clone, pool, adopt: true });
  });
  const pool = seen("pool", POOL, { active: true });
  const fetched = planOf(definition, [pool]).plan.resources.find(({ kind }) => kind === "image")!;
  const file = fetched.key.replace("store/", "");
  const image = seen("image", VOLUME.replaceAll("data.qcow2", file), { complete: true }, "store");
  const overlay = VOLUME.replace(
    "</volume>",
    `<backingStore><path>/srv/store/${file}</path><format type='qcow2'/></backingStore></volume>`,
  );
  const first = planOf(definition, [pool, image, seen("volume", overlay, {}, "store")]);
  assert.deepEqual(first.errors.map((error) => error.render()), []);
  const record = recordOf(first.plan, "present");
  const { plan, errors } = planOf(definition, [pool, image], record);
  assert.deepEqual(errors.map((error) => error.render()), []);
  const [step] = plan.steps;
  assert.equal(step?.id, "create:lab/volume.data");
  assert.equal((step.resource.spec.backing as { path: string }).path, `/srv/store/${file}`);
});

/** What is on record once a plan was carried out. */
function recordOf(plan: Plan, status: "present"): StackRecord {
  return {
    version: 1,
    stack: "shop",
    lineage: "11111111-1111-4111-8111-111111111111",
    serial: 1,
    hosts: plan.hosts,
    resources: plan.resources.map(({ address, kind, host, key, resource, needs }) => ({
      address,
      kind,
      host,
      key,
      status,
      resource,
      specDigest: digest(resource.spec),
      fingerprint: "",
      needs: needs ?? [],
    })),
    outputs: {},
    reservations: {},
  };
}

Deno.test("an overlay that is adopted stays on what it stands on", () => {
  const overlay = VOLUME.replace(
    "</volume>",
    "<backingStore><path>/srv/store/base.qcow2</path><format type='qcow2'/></backingStore></volume>",
  );
  const plan = (adopt: true | undefined) =>
    planOf(
      shop((lab) => {
        const pool = lab.existingPool("store", { path: "/srv/store" });
        lab.volume("data", { name: "data.qcow2", size: "1GiB", pool, adopt });
      }),
      [seen("pool", POOL, { active: true }), seen("volume", overlay, {}, "store")],
    );
  const { plan: adopted, errors } = plan(true);
  assert.deepEqual(errors, []);
  assert.deepEqual(adopted.steps.map(({ id, changes }) => ({ id, changes })), [
    { id: "update:lab/volume.data", changes: [] },
  ]);
  assert.deepEqual(plan(undefined).errors.map(({ code }) => code), ["ownership.not-ours"]);
});
