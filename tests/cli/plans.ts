/** Plans for the renderers' tests, written out by hand. */

import {
  type OutputChange,
  type Plan,
  PLAN_FORMAT,
  type ResourcePlan,
} from "../../planner/plan.ts";
import type { FieldChange, JsonObject, Resource } from "../../providers/provider.ts";

/** A resource with the given spec. */
export function resource(address: string, spec: JsonObject): Resource {
  const [, kind = "", name = ""] = /\/([a-z]+)\.([^/]+)$/.exec(address) ?? [];
  return {
    address,
    kind,
    host: address.split("/")[0]!,
    name,
    uuid: "00000000-0000-5000-8000-000000000000",
    tenure: "managed",
    spec,
    dependsOn: [],
  };
}

/** One entry of a plan. */
export function entry(
  address: string,
  action: ResourcePlan["action"],
  more: Partial<ResourcePlan> & { spec?: JsonObject } = {},
): ResourcePlan {
  const { spec = {}, ...rest } = more;
  const made = resource(address, spec);
  const reasons = {
    "no-op": "unchanged",
    create: "not-on-host",
    update: "fields-differ",
    replace: "replace-field-differs",
    delete: "not-declared",
    forget: "not-declared",
  } as const;
  return {
    address,
    kind: made.kind,
    host: made.host,
    key: made.name,
    action,
    reason: reasons[action],
    changes: [],
    resource: made,
    notes: [],
    ...(action === "create" ? { after: spec } : {}),
    ...rest,
  };
}

/** A plan of the given entries. */
export function plan(resources: readonly ResourcePlan[], more: Partial<Plan> = {}): Plan {
  return {
    format: PLAN_FORMAT,
    mode: "apply",
    stack: { name: "web", source: "stack.ts", digest: "d1", parameters: {} },
    record: { serial: 0 },
    hosts: { lab: { name: "lab", uri: "qemu:///system" } },
    resources,
    drift: [],
    outputs: [],
    steps: [],
    ...more,
  };
}

/** A machine as a stack declares it, resolved and completed. */
export function machineSpec(index: number, more: JsonObject = {}): JsonObject {
  return {
    name: `web-${index}`,
    accel: "prefer-kvm",
    vcpus: 2,
    memory: 2 * 1024 ** 3,
    disks: [{
      name: "root",
      volume: { pool: "staddle", volume: `web-${index}-root.qcow2`, format: "qcow2" },
      bus: "virtio",
    }],
    nics: [{
      name: "nic0",
      network: "front",
      mac: `52:54:00:00:00:${index.toString(16).padStart(2, "0")}`,
      ip: `10.30.0.${10 + index}`,
      model: "virtio",
    }],
    autostart: true,
    power: "on",
    ...more,
  };
}

const change = (
  path: string,
  before: FieldChange["before"],
  after: FieldChange["after"],
  disruption: FieldChange["disruption"],
  format?: FieldChange["format"],
): FieldChange => ({ path, before, after, disruption, ...(format ? { format } : {}) });

/** A first plan: everything is made. */
export const creating: Plan = plan([
  entry("lab/pool.staddle", "create", {
    spec: { name: "staddle", path: "/var/lib/libvirt/staddle", autostart: true },
    notes: ["shared: it stays while another stack uses it"],
  }),
  entry("lab/network.front", "create", {
    spec: {
      name: "front",
      mode: "nat",
      subnet: "10.30.0.0/24",
      gateway: "10.30.0.1",
      reservations: [
        { mac: "52:54:00:00:00:00", ip: "10.30.0.10", name: "web-0" },
        { mac: "52:54:00:00:00:01", ip: "10.30.0.11", name: "web-1" },
      ],
    },
  }),
  entry("lab/volume.web-0-root", "create", {
    spec: {
      pool: "staddle",
      volume: "web-0-root.qcow2",
      format: "qcow2",
      capacity: 20 * 1024 ** 3,
      backing: { volume: "debian-0123456789ab.qcow2", format: "qcow2", clone: "overlay" },
    },
  }),
  entry("lab/seed.web-0", "create", {
    spec: {
      pool: "staddle",
      volume: "web-0-seed-0123456789ab.iso",
      userData: "#cloud-config\nhostname: web-0\npackages:\n  - nginx\n",
      metaData: "instance-id: 0\nlocal-hostname: web-0\n",
    },
  }),
  entry("lab/machine.web-0", "create", {
    spec: machineSpec(0),
    notes: ["runs under TCG: the host has no /dev/kvm"],
  }),
], {
  stack: { name: "web", source: "stack.ts", digest: "d1", parameters: { replicas: 1 } },
  outputs: [
    { name: "addresses", action: "create", after: ["10.30.0.10"], sensitive: false },
    { name: "password", action: "create", after: "hunter2", sensitive: true },
  ],
});

/** One change of each class, a destruction, something forgotten, and drift. */
export const changing: Plan = plan([
  entry("lab/network.front", "update", {
    changes: [
      change(
        "reservations[52:54:00:00:00:02]",
        undefined,
        { ip: "10.30.0.12", name: "web-2" },
        "live",
      ),
    ],
    disruption: "live",
  }),
  entry("lab/machine.web-0", "update", {
    changes: [
      change("vcpus", 2, 4, "live"),
      change("memory", 2 * 1024 ** 3, 1610612736, "live", "bytes"),
      change("maxMemory", 2 * 1024 ** 3, 8 * 1024 ** 3, "next-boot", "bytes"),
      change("disks[data]", undefined, { volume: "data.raw", bus: "virtio" }, "live"),
      change("nics[nic1]", { network: "back" }, undefined, "live"),
      change("graphics.password", "old", "new", "live", "sensitive"),
    ],
    disruption: "next-boot",
    notes: ["pending until the guest restarts: maxMemory"],
  }),
  entry("lab/machine.db", "update", {
    changes: [change("cpu.model", "host-model", "EPYC", "restart")],
    disruption: "restart",
  }),
  entry("lab/seed.db", "replace", {
    changes: [
      change(
        "userData",
        "#cloud-config\nhostname: db\npackages:\n  - mysql\n  - vim\n",
        "#cloud-config\nhostname: db\npackages:\n  - postgresql\n  - vim\n",
        "replace",
      ),
    ],
    disruption: "replace",
  }),
  entry("lab/volume.scratch", "create", {
    spec: { pool: "staddle", volume: "scratch.raw", format: "raw", capacity: 1024 ** 3 },
    reason: "gone-from-host",
  }),
  entry("lab/machine.old", "delete"),
  entry("lab/image.debian", "forget"),
  entry("lab/pool.staddle", "no-op"),
  entry("lab/machine.quiet", "no-op", { notes: ["pending restart: cpu.model"] }),
], {
  drift: [
    {
      address: "lab/machine.web-0",
      kind: "machine",
      host: "lab",
      key: "web-0",
      status: "changed",
      changes: [
        change("memory", 2 * 1024 ** 3, 1024 ** 3, "live", "bytes"),
        change("autostart", true, false, "live"),
      ],
    },
    {
      address: "lab/volume.scratch",
      kind: "volume",
      host: "lab",
      key: "staddle/scratch.raw",
      status: "deleted",
      changes: [],
    },
  ],
  outputs: [
    { name: "addresses", action: "update", before: ["a"], after: ["a", "b"], sensitive: false },
    { name: "gone", action: "delete", before: 1, sensitive: false },
    { name: "same", action: "no-op", before: 1, after: 1, sensitive: false },
  ] satisfies OutputChange[],
});

/** Nothing to do. */
export const unchanged: Plan = plan([entry("lab/machine.web-0", "no-op")], {
  outputs: [{ name: "url", action: "no-op", before: "u", after: "u", sensitive: false }],
});

/** A thousand machines with their volumes, all new, on two hosts. */
export const thousand: Plan = plan(
  ["east", "west"].flatMap((host) =>
    Array.from({ length: 500 }, (_, index) => [
      entry(`${host}/volume.web-${index}-root`, "create", {
        spec: {
          pool: "staddle",
          volume: `web-${index}-root.qcow2`,
          format: "qcow2",
          capacity: 20 * 1024 ** 3,
        },
      }),
      entry(`${host}/machine.web-${index}`, "create", { spec: machineSpec(index % 200) }),
    ]).flat()
  ),
);
