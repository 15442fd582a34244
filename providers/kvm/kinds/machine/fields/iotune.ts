/**
 * Limits of a disk's I/O.
 *
 * @module
 */

import { z } from "zod";
import { field, type Group, group, shapeOf, type Table } from "../../../table/mod.ts";
import { getElement, getPath, setPath, textOf, type XmlElement } from "../../../xml/mod.ts";

const UNITS = { Bytes: "bytes per second", Iops: "requests per second" } as const;

/** Ends of the names of bursts, and of their lengths behind those. */
const BURST = "_max";
const LENGTH = "_length";

/** One limit. Zero is no limit: libvirt leaves it out. */
function limit(name: string, doc: string) {
  const path = `./iotune/${name}`;
  return field({
    schema: () => z.int().min(0).optional().describe(doc),
    binding: {
      path,
      read: (disk) => {
        const found = getPath(disk, path);
        return found === undefined ? undefined : Number(found);
      },
      write: (disk, value) => {
        const none = value === undefined || value === 0;
        setPath(disk, path, none ? undefined : `${value}`);
        // How long a burst lasts goes with it.
        if (none && name.endsWith(BURST)) setPath(disk, `${path}${LENGTH}`, undefined);
      },
    },
    change: "live",
    equal: (declared, actual) => declared === (actual ?? 0),
  });
}

function limits(direction: "total" | "read" | "write", what: "Bytes" | "Iops") {
  const name = `${direction}_${what.toLowerCase()}_sec`;
  const of = `${direction === "total" ? "Reads and writes together" : `${direction}s`}`;
  const subject = of[0]!.toUpperCase() + of.slice(1);
  return [
    limit(name, `${subject}, ${UNITS[what]}; 0: no limit.`),
    limit(`${name}_max`, `${subject} in a burst, ${UNITS[what]}.`),
    limit(`${name}_max_length`, `How long a burst of them may last, seconds.`),
  ] as const;
}

const [totalBytes, totalBytesMax, totalBytesMaxLength] = limits("total", "Bytes");
const [readBytes, readBytesMax, readBytesMaxLength] = limits("read", "Bytes");
const [writeBytes, writeBytesMax, writeBytesMaxLength] = limits("write", "Bytes");
const [totalIops, totalIopsMax, totalIopsMaxLength] = limits("total", "Iops");
const [readIops, readIopsMax, readIopsMaxLength] = limits("read", "Iops");
const [writeIops, writeIopsMax, writeIopsMaxLength] = limits("write", "Iops");

const fields = {
  totalBytes,
  readBytes,
  writeBytes,
  totalIops,
  readIops,
  writeIops,
  totalBytesMax,
  readBytesMax,
  writeBytesMax,
  totalIopsMax,
  readIopsMax,
  writeIopsMax,
  totalBytesMaxLength,
  readBytesMaxLength,
  writeBytesMaxLength,
  totalIopsMaxLength,
  readIopsMaxLength,
  writeIopsMaxLength,
  sizeIops: limit("size_iops_sec", "Bytes that count as one request."),
  group: field({
    schema: () => z.string().min(1).optional().describe("Disks of one group share these limits."),
    binding: {
      path: "./iotune/group_name",
      read: (disk) => getPath(disk, "./iotune/group_name"),
      write: (disk, value) =>
        setPath(disk, "./iotune/group_name", value === undefined ? undefined : String(value)),
    },
    change: "live",
  }),
} satisfies Table;

const schema = () =>
  z.strictObject(shapeOf(fields)).superRefine((tune, context) => {
    for (const what of ["Bytes", "Iops"] as const) {
      for (const suffix of ["", "Max"] as const) {
        const total = `total${what}${suffix}` as const;
        if (!tune[total]) continue;
        for (const part of [`read${what}${suffix}`, `write${what}${suffix}`] as const) {
          if (!tune[part]) continue;
          context.addIssue({
            code: "custom",
            path: [part],
            message: `does not go with ${total}: limit reads and writes together or each by itself`,
          });
        }
      }
    }
  });

/** Limits of a disk's I/O. */
export const iotune = group({
  schema: () => schema().optional().describe("Limits of the disk's I/O."),
  fields,
}) satisfies Group;

/** Every limit that a disk has, by the names of libvirt's parameters; what it lacks is no limit. */
export function iotuneParameters(disk: XmlElement): Record<string, number | string> {
  const parameters: Record<string, number | string> = {};
  for (const entry of Object.values(fields)) {
    const name = entry.binding.path.slice("./iotune/".length);
    const found = getElement(disk, entry.binding.path);
    if (name === "group_name") {
      if (found !== undefined) parameters[name] = textOf(found);
      continue;
    }
    // What is left out stays as it is: a length goes with its burst, and has a value of libvirt's own.
    const burst = name.endsWith(LENGTH) ? name.slice(0, -LENGTH.length) : undefined;
    if (found !== undefined) parameters[name] = Number(textOf(found));
    else if (burst === undefined || getElement(disk, `./iotune/${burst}`) === undefined) {
      parameters[name] = 0;
    }
  }
  return parameters;
}
