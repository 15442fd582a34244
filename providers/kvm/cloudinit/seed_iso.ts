/**
 * The seed as an ISO 9660 image with the volume identifier `cidata`, by which cloud-init's NoCloud
 * data source finds it. Its names stand in Rock Ridge (Linux) and Joliet (Windows) too.
 *
 * Written out here because no package on npm that makes such images is worth trusting with it.
 * Equal files give equal bytes: no clock, no path, no random number goes in.
 *
 * Formats: ECMA-119 (ISO 9660), SUSP 1.12 and RRIP 1.12 (Rock Ridge), the Joliet specification.
 *
 * @module
 */

/** What a seed holds. */
export interface SeedFiles {
  /** What the guest does at its first boot: `#cloud-config` and YAML, a script, or MIME. */
  readonly userData: string;
  /** Who the guest is: YAML. */
  readonly metaData: string;
  /** Its network, version 1 or 2: YAML. DHCP on its first NIC unless given. */
  readonly networkConfig?: string;
}

/** Bytes in a sector. */
const SECTOR = 2048;

/** Sectors before the first file: 16 reserved, 3 descriptors, 4 path tables, 2 directories. */
const PVD = 16;
const SVD = 17;
const TERMINATOR = 18;
const PATH_L = 19;
const PATH_M = 20;
const JOLIET_PATH_L = 21;
const JOLIET_PATH_M = 22;
const ROOT = 23;
const JOLIET_ROOT = 24;
const FIRST_FILE = 25;

/**
 * Least sectors of an image. Guests find the seed by its label, and some (busybox' `findfs`) read
 * the first 68 KiB of a device before they look at any label, or give it up.
 */
const LEAST_SECTORS = 64;

/** Bytes of a path table with nothing but the root. */
const PATH_TABLE_BYTES = 10;

/** 1 January 2000, 00:00 UTC: years since 1900, month, day, hour, minute, second, offset. */
const DATE = [100, 1, 1, 0, 0, 0, 0];

interface IsoFile {
  /** ISO 9660 level 1 name. */
  readonly iso: string;
  readonly name: string;
  readonly data: Uint8Array;
  readonly sector: number;
}

/** Bytes of the image that {@linkcode seedIso} makes, without making it. */
export function seedIsoSize(files: SeedFiles): number {
  let sectors = FIRST_FILE;
  for (const [, text] of contents(files)) sectors += sectorsOf(utf8Length(text));
  return Math.max(sectors, LEAST_SECTORS) * SECTOR;
}

/** The bytes of a seed. */
export function seedIso(files: SeedFiles): Uint8Array {
  const encoder = new TextEncoder();
  let sector = FIRST_FILE;
  const list: IsoFile[] = [];
  for (const [name, text, iso] of contents(files)) {
    const data = encoder.encode(text);
    list.push({ iso, name, data, sector });
    sector += sectorsOf(data.length);
  }
  const sectors = Math.max(sector, LEAST_SECTORS);
  const image = new Uint8Array(sectors * SECTOR);
  const at = (index: number) => image.subarray(index * SECTOR, (index + 1) * SECTOR);
  descriptor(at(PVD), sectors, false);
  descriptor(at(SVD), sectors, true);
  at(TERMINATOR).set([255, ...ascii("CD001"), 1]);
  pathTable(at(PATH_L), ROOT, true);
  pathTable(at(PATH_M), ROOT, false);
  pathTable(at(JOLIET_PATH_L), JOLIET_ROOT, true);
  pathTable(at(JOLIET_PATH_M), JOLIET_ROOT, false);
  directory(at(ROOT), ROOT, list, false);
  directory(at(JOLIET_ROOT), JOLIET_ROOT, list, true);
  for (const file of list) image.set(file.data, file.sector * SECTOR);
  return image;
}

/** Name, text and ISO 9660 name of each file, sorted by name in both spellings. */
function contents(files: SeedFiles): [name: string, text: string, iso: string][] {
  const list: [string, string, string][] = [["meta-data", files.metaData, "METADATA.;1"]];
  if (files.networkConfig !== undefined) {
    list.push(["network-config", files.networkConfig, "NETWORKC.;1"]);
  }
  list.push(["user-data", files.userData, "USERDATA.;1"]);
  return list;
}

function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / SECTOR);
}

/** Bytes of a text in UTF-8; a lone surrogate counts as the replacement character. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** UCS-2, big endian, as Joliet has it. */
function ucs2(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0))
    .flatMap((code) => [code >> 8, code & 255]);
}

function le16(value: number): number[] {
  return [value & 255, value >> 8 & 255];
}

function le32(value: number): number[] {
  return [value & 255, value >> 8 & 255, value >> 16 & 255, value >>> 24];
}

/** A number in both byte orders, as ISO 9660 likes it. */
function both16(value: number): number[] {
  return [...le16(value), ...le16(value).reverse()];
}

function both32(value: number): number[] {
  return [...le32(value), ...le32(value).reverse()];
}

/** Primary volume descriptor (ECMA-119, 8.4), or the supplementary one of Joliet (8.5). */
function descriptor(target: Uint8Array, sectors: number, joliet: boolean): void {
  const encode = joliet ? ucs2 : ascii;
  /** A text field, filled up with spaces. */
  const put = (offset: number, length: number, value: string) => {
    const width = joliet ? Math.floor(length / 2) : length;
    target.set(encode(value.padEnd(width, " ")), offset);
  };
  target.set([joliet ? 2 : 1, ...ascii("CD001"), 1], 0);
  put(8, 32, "");
  put(40, 32, "cidata");
  target.set(both32(sectors), 80);
  // UCS-2 level 3.
  if (joliet) target.set(ascii("%/E"), 88);
  target.set(both16(1), 120);
  target.set(both16(1), 124);
  target.set(both16(SECTOR), 128);
  target.set(both32(PATH_TABLE_BYTES), 132);
  target.set(le32(joliet ? JOLIET_PATH_L : PATH_L), 140);
  target.set(le32(joliet ? JOLIET_PATH_M : PATH_M).reverse(), 148);
  target.set(record([0], joliet ? JOLIET_ROOT : ROOT, SECTOR, true), 156);
  put(190, 128, "");
  put(318, 128, "");
  put(446, 128, "");
  put(574, 128, "STADDLE");
  put(702, 37, "");
  put(739, 37, "");
  put(776, 37, "");
  // Dates of creation, modification, expiry and effect: not given.
  for (const offset of [813, 830, 847, 864]) target.set(ascii("0".repeat(16)), offset);
  target[881] = 1;
}

function pathTable(target: Uint8Array, root: number, little: boolean): void {
  const location = le32(root);
  const parent = le16(1);
  target.set([
    1,
    0,
    ...(little ? location : location.reverse()),
    ...(little ? parent : parent.reverse()),
    0,
    0,
  ]);
}

function directory(
  target: Uint8Array,
  sector: number,
  files: readonly IsoFile[],
  joliet: boolean,
): void {
  let offset = 0;
  const put = (bytes: readonly number[]) => {
    target.set(bytes, offset);
    offset += bytes.length;
  };
  const dots = joliet ? [[], []] : [
    // Sharing protocol, the extension's name, attributes.
    [...ascii("SP"), 7, 1, 0xbe, 0xef, 0, ...extension(), ...attributes(0o040555, 2)],
    attributes(0o040555, 2),
  ];
  put(record([0], sector, SECTOR, true, dots[0]));
  put(record([1], sector, SECTOR, true, dots[1]));
  for (const file of files) {
    const name = joliet ? ucs2(`${file.name};1`) : ascii(file.iso);
    const system = joliet ? [] : [...attributes(0o100400, 1), ...alternateName(file.name)];
    put(record(name, file.sector, file.data.length, false, system));
  }
}

/** A directory record (ECMA-119, 9.1). */
function record(
  name: readonly number[],
  sector: number,
  bytes: number,
  isDirectory: boolean,
  system: readonly number[] = [],
): number[] {
  const padding = name.length % 2 === 0 ? [0] : [];
  const odd = (33 + name.length + padding.length + system.length) % 2 === 1 ? [0] : [];
  const length = 33 + name.length + padding.length + system.length + odd.length;
  return [
    length,
    0,
    ...both32(sector),
    ...both32(bytes),
    ...DATE,
    isDirectory ? 2 : 0,
    0,
    0,
    ...both16(1),
    name.length,
    ...name,
    ...padding,
    ...system,
    ...odd,
  ];
}

/** SUSP `ER`: the extension in use is Rock Ridge. */
function extension(): number[] {
  const id = ascii("RRIP_1991A");
  return [...ascii("ER"), 8 + id.length, 1, id.length, 0, 0, 1, ...id];
}

/** RRIP `PX`: mode, links, owner root. User-data may hold password hashes: it is root's alone. */
function attributes(mode: number, links: number): number[] {
  return [...ascii("PX"), 36, 1, ...both32(mode), ...both32(links), ...both32(0), ...both32(0)];
}

/** RRIP `NM`: the name as Linux shows it. */
function alternateName(name: string): number[] {
  return [...ascii("NM"), 5 + name.length, 1, 0, ...ascii(name)];
}
