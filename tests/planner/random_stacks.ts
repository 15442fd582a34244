/**
 * Random stacks, which go over into each other in every way that a plan knows.
 *
 * @module
 */

import fc from "fast-check";
import type { Resource } from "../../providers/provider.ts";
import type { Topology } from "../../planner/topology.ts";
import { resource, topology, type World } from "./world.ts";

const volume = fc.record({
  capacity: fc.integer({ min: 1, max: 3 }),
  format: fc.constantFrom("qcow2", "raw"),
  image: fc.boolean(),
  /** The same volume by another address. */
  nested: fc.boolean(),
  /** The name of its file. */
  file: fc.constantFrom("v", "w"),
});

const machine = fc.record({
  vcpus: fc.integer({ min: 1, max: 2 }),
  firmware: fc.constantFrom("bios", "uefi"),
  /** The same machine by another name on the host. */
  renamed: fc.boolean(),
  disks: fc.uniqueArray(fc.nat(2), { maxLength: 3 }),
  userData: fc.option(fc.constantFrom("one", "two")),
  nic: fc.boolean(),
  wait: fc.boolean(),
  rigid: fc.boolean(),
  /** The same machine by another address, which its aliases tell. */
  nested: fc.boolean(),
  /** Options that change what is compared, and how a change is made. */
  ignores: fc.constantFrom(undefined, ["vcpus"]),
  replaces: fc.constantFrom(undefined, ["vcpus"]),
});

const model = fc.record({
  host: fc.constantFrom("lab", "den"),
  pool: fc.record({
    name: fc.constantFrom("store", "depot"),
    path: fc.constantFrom("/a", "/b"),
    shared: fc.boolean(),
  }),
  sha: fc.constantFrom("a", "b"),
  network: fc.record({ name: fc.constantFrom("front", "back"), subnet: fc.constantFrom("1", "2") }),
  volumes: fc.array(fc.option(volume), { minLength: 3, maxLength: 3 }),
  /** By so many places the names of the volumes' files are passed on. */
  turned: fc.constantFrom(0, 0, 1),
  machines: fc.array(fc.option(machine), { minLength: 2, maxLength: 2 }),
});

type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

/** Turns a random choice into a stack. */
function build(choice: Model, host = "lab"): Topology {
  const resources: Resource[] = [
    // Shared ones of two names are in two folders, and can stand beside each other.
    choice.pool.shared
      ? resource(`${host}/pool.store`, {
        name: choice.pool.name,
        path: `/shared/${choice.pool.name}`,
      }, { tenure: "shared" })
      : resource(`${host}/pool.store`, { name: choice.pool.name, path: choice.pool.path }),
    resource(`${host}/network.net`, { ...choice.network }),
  ];
  const images = choice.volumes.some((item) => item?.image === true);
  if (images) {
    resources.push(resource(`${host}/image.os`, {
      pool: `${host}/pool.store`,
      name: "os",
      sha256: choice.sha.repeat(64),
    }, { tenure: "shared" }));
  }
  const volumes = choice.volumes.map((item, index) => {
    if (item === null) return undefined;
    const address = item.nested ? `${host}/inner/volume.v${index}` : `${host}/volume.v${index}`;
    resources.push(resource(address, {
      pool: `${host}/pool.store`,
      name: `${item.file}${(index + choice.turned) % 3}`,
      capacity: item.capacity,
      format: item.format,
      ...(item.image ? { image: `${host}/image.os` } : {}),
    }));
    return address;
  });
  choice.machines.forEach((item, index) => {
    if (item === null) return;
    if (item.userData !== null) {
      resources.push(resource(`${host}/seed.m${index}`, {
        pool: `${host}/pool.store`,
        name: `m${index}`,
        userData: item.userData,
      }));
    }
    const places = [`${host}/machine.m${index}`, `${host}/inner/machine.m${index}`] as const;
    const [address, former] = item.nested ? [places[1], places[0]] : places;
    resources.push(resource(address, {
      name: item.renamed ? `renamed-${index}` : `m${index}`,
      vcpus: item.vcpus,
      firmware: item.firmware,
      disks: item.disks.flatMap((disk) =>
        volumes[disk] === undefined ? [] : [{ name: `d${disk}`, volume: volumes[disk] }]
      ),
      ...(item.userData === null ? {} : { seed: `${host}/seed.m${index}` }),
      nics: item.nic
        ? [{ name: "nic0", network: `${host}/network.net`, mac: `52:54:00:00:00:0${index}` }]
        : [],
      ...(item.wait ? { wait: "lease" } : {}),
      ...(item.rigid ? { rigid: true } : {}),
    }, {
      options: {
        aliases: [former],
        ...(item.ignores === undefined ? {} : { ignoreChanges: item.ignores }),
        ...(item.replaces === undefined ? {} : { replaceOnChanges: item.replaces }),
      },
    }));
  });
  return topology(resources, { hosts: ["lab", "den"] });
}

/** Random stacks of one name, on one of two hosts. */
export const stacks = model.map((choice) => build(choice, choice.host));

/** The topology as an evaluation gives it that knows the record: what was renamed keeps its UUID. */
export function known(world: World, wanted: Topology): Topology {
  const rows = new Map(world.record?.resources.map((row) => [row.address, row.resource.uuid]));
  return {
    ...wanted,
    resources: wanted.resources.map((item) => {
      const addresses = [item.address, ...item.options?.aliases ?? []];
      const uuid = addresses.map((address) => rows.get(address)).find((one) => one !== undefined);
      return { ...item, uuid: uuid ?? item.uuid };
    }),
  };
}

/** Whether a stack is refused because a machine still runs on what it would make anew, or whose name it takes. */
export function stillUsed(world: World, wanted: Topology): boolean {
  const { plan, errors } = world.plan(wanted);
  return errors.some(({ code }) => code === "plan.still-used") ||
    (errors.length > 0 && plan.resources.some(({ reason }) => reason === "still-used"));
}
