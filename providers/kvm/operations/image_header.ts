/**
 * What an image's first bytes say, checked before it is uploaded.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";

/** Offset of `backing_file_offset` in a qcow2 header, big-endian, 8 bytes; 0: none. */
const BACKING_OFFSET = 8;
/** Offset of `incompatible_features`, 8 bytes, in a header of version 3. */
const FEATURES_OFFSET = 72;
/** Bit 2: the data stand in another file. */
const EXTERNAL_DATA = 4n;

/**
 * Refuses a file that is not of the declared format, and a qcow2 that reads other files: on the host
 * it would make QEMU open whatever it names.
 *
 * @throws {StaddleError} `image.format`, `image.backing`.
 */
export async function checkImageHeader(path: string, from: string, format: string): Promise<void> {
  using file = await Deno.open(path);
  const header = new Uint8Array(104);
  for (let filled = 0; filled < header.length;) {
    const count = await file.read(header.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  const data = new DataView(header.buffer);
  const isQcow2 = data.getUint32(0) === 0x514649fb;
  if (isQcow2 !== (format === "qcow2")) {
    throw new StaddleError({
      code: "image.format",
      summary: `the image ${from} is ${isQcow2 ? "qcow2" : "not qcow2"}, and declared as ${format}`,
      help: isQcow2
        ? 'declare format: "qcow2"'
        : `declare format: "raw", or convert it: qemu-img convert -O qcow2 ${path} OUT`,
    });
  }
  if (!isQcow2) return;
  const elsewhere = data.getBigUint64(BACKING_OFFSET) !== 0n ||
    (data.getUint32(4) >= 3 && (data.getBigUint64(FEATURES_OFFSET) & EXTERNAL_DATA) !== 0n);
  if (elsewhere) {
    throw new StaddleError({
      code: "image.backing",
      summary: `the image ${from} is not whole: it reads another file`,
      help: `make it whole: qemu-img convert -O qcow2 ${path} OUT`,
    });
  }
}
