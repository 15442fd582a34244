/**
 * Machines.
 *
 * @module
 */

import { type Machine, type Nic, parts, type Pool, seal } from "../handles.ts";
import { fieldsOf, validate } from "../refuse.ts";
import { machineSchema } from "../schemas.ts";
import {
  addressOf,
  adoptedUuid,
  checkFields,
  commonFields,
  type Context,
  nameOnHost,
  ownOptions,
  record,
  reference,
  subjectOf,
  unknown,
} from "./context.ts";
import type { MachineOptions } from "../types/machine.ts";
import {
  type DeclaredDisk,
  type DeclaredNic,
  list,
  makeBoot,
  makeDisk,
  makeNic,
  makeSeed,
  media,
  type Owner,
} from "./machine_parts.ts";
import { machinePatterns, partOptions } from "./options.ts";

const machineFields = [
  ...commonFields,
  ...fieldsOf(machineSchema).filter((field) => field !== "seed" && field !== "name"),
  "cloudInit",
  "pool",
  "adopt",
];

/** Declares a machine. */
export function declareMachine(context: Context, name: string, options: unknown): Machine {
  const subject = subjectOf(context, "machine", name);
  checkFields(subject, options, machineFields);
  const given = options as MachineOptions;
  const {
    disks: _disks,
    nics: _nics,
    cloudInit,
    pool,
    boot,
    dependsOn,
    adopt,
    name: called,
    ...plain
  } = given;
  const address = addressOf(context, "machine", name);
  const adopted = adoptedUuid(subject, adopt);
  const uuid = adopted ?? context.recorder.uuidOf(address);
  const onHost = nameOnHost(context, "machine", name, called);
  const own = ownOptions(context, subject, "machine", name);
  const { options: declared, forDisk } = machinePatterns(own.options);
  const owner: Owner = {
    context,
    subject,
    name,
    onHost,
    address,
    uuid,
    given,
    networks: new Set(),
    diskOptions: (disk) => ({
      dependsOn: context.inherits.dependsOn,
      options: partOptions(
        declared,
        { kind: "volume", owner: "machine", suffix: `-${disk}` },
        ["protect", "retainOnDelete", "timeouts"],
        forDisk(disk),
      ),
    }),
    // It is made anew whenever it changes, and holds nothing of worth: it is not protected.
    seedOptions: () => ({
      dependsOn: context.inherits.dependsOn,
      options: partOptions(
        declared,
        { kind: "seed", owner: "machine", suffix: "" },
        ["retainOnDelete", "timeouts"],
      ),
    }),
  };

  const home = pool === undefined
    ? undefined
    : reference<Pool>(context, subject, ["pool"], "pool", pool);
  const disks = list(subject, "disks", given.disks).map((disk, i) =>
    makeDisk(owner, home, disk, i)
  );
  const nics = list(subject, "nics", given.nics).map((nic, i) => makeNic(owner, nic, i));
  const seed = cloudInit === undefined ? undefined : makeSeed(owner, home, disks, cloudInit);
  const spec = validate(subject, machineSchema, {
    ...plain,
    name: onHost,
    boot: boot === undefined ? undefined : makeBoot(owner, boot),
    disks: disks.map((disk) => disk.spec),
    seed,
    nics: nics.map((nic) => nic.spec),
    cdroms: media(owner, "cdroms"),
    floppies: media(owner, "floppies"),
  });
  context.recorder.claim(context.host, `machine "${onHost}"`, subject);
  const init = {
    kind: "machine",
    name,
    tenure: "managed",
    spec,
    dependsOn: withFiles(dependsOn, disks),
    adopt: adopted,
    options: { ...own, options: declared },
  } as const;
  record(context, subject, init);
  return machineHandle(owner, disks, nics);
}

/** A volume whose path alone stands in the spec has to be there before the machine all the same. */
function withFiles(dependsOn: unknown, disks: readonly DeclaredDisk[]): unknown {
  const files = disks.flatMap(({ file }) => (file === undefined ? [] : [file]));
  if (files.length === 0) return dependsOn;
  return dependsOn === undefined || Array.isArray(dependsOn)
    ? [...(dependsOn ?? []), ...files]
    : dependsOn;
}

function machineHandle(
  owner: Owner,
  disks: readonly DeclaredDisk[],
  nics: readonly DeclaredNic[],
): Machine {
  const { name, uuid, context, address: resource } = owner;
  const nicHandles = nics.map((nic) => nic.handle);
  const missing = (what: string, count: number) => (index: number) =>
    unknown(
      `machine ${name}`,
      `${what}[${index}]`,
      `it has ${count === 0 ? `no ${what}` : `${count} of them, counted from 0`}`,
    );
  return seal({
    kind: "machine",
    resource,
    host: context.host,
    name: owner.onHost,
    uuid,
    nics: parts(nicHandles, missing("nics", nics.length)),
    disks: parts(disks.map((disk) => disk.handle), missing("disks", disks.length)),
    nic(wanted: string): Nic {
      const found = nicHandles.find((one) => one.name === wanted);
      if (found !== undefined) return found;
      throw unknown(
        `machine ${name}`,
        `a NIC ${JSON.stringify(wanted)}`,
        `its NICs are: ${nicHandles.map((one) => one.name).join(", ") || "none"}`,
      );
    },
    get address(): string {
      const first = nics.find((nic) => nic.ip !== undefined)?.ip;
      if (first !== undefined) return first;
      throw unknown(
        `machine ${name}`,
        "its IP address",
        'no NIC of it has one: declare it, nics: [{ …, ip: "…" }], or use a network of this stack ' +
          "that has a subnet",
      );
    },
  });
}
