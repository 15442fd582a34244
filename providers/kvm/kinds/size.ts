/**
 * Sizes of memory and storage: written `"2GiB"`, kept as bytes, shown as `2 GiB`.
 *
 * @module
 */

import { z } from "zod";

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  PiB: 1024 ** 5,
};

const PATTERN = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/;

/**
 * Bytes in a size such as `2GiB` or `1.5 TiB`.
 *
 * @throws {RangeError} that says what would be valid.
 *
 * @example
 * ```ts
 * import { parseSize } from "./size.ts";
 *
 * console.assert(parseSize("2GiB") === 2147483648);
 * ```
 */
export function parseSize(text: string): number {
  const [, number, unit] = PATTERN.exec(text) ?? [];
  if (number === undefined || unit === undefined) {
    throw new RangeError(`"${text}" is not a size: write a number and a unit, for example "2GiB"`);
  }
  const factor = UNITS[unit];
  if (factor === undefined) {
    throw new RangeError(`"${text}" has an unknown unit: write ${suggestion(number, unit)}`);
  }
  const bytes = Number(number) * factor;
  if (!isExact(bytes)) {
    throw new RangeError(
      `"${text}" is neither a whole number of bytes below 8 PiB nor one of KiB below 8 EiB`,
    );
  }
  return bytes;
}

/** Largest size: 2^53 - 1 KiB, just below 8 EiB. libvirt counts memory in KiB and allows as much. */
const MOST = Number.MAX_SAFE_INTEGER * 1024;

/**
 * Whether a number holds a size without loss: beyond 2^53 a number's last ten bits are zeroes as long as
 * it is a whole number of KiB, and JSON gives the same number back.
 */
function isExact(bytes: number): boolean {
  return Number.isSafeInteger(bytes) || Number.isSafeInteger(bytes / 1024);
}

function suggestion(number: string, unit: string): string {
  const letter = unit[0]!.toUpperCase();
  const known = `${letter}iB` in UNITS ? `${letter}iB` : undefined;
  return known === undefined
    ? `KiB, MiB, GiB, TiB or PiB, for example "2GiB"`
    : `"${number}${known}" (units are powers of 1024: KiB, MiB, GiB, TiB, PiB)`;
}

/** Bounds of a {@linkcode size}, in bytes. */
export interface SizeBounds {
  readonly min?: number;
  readonly max?: number;
}

/** A zod type for a size: takes `"2GiB"` or a whole number of bytes, yields bytes. */
export function size(bounds: SizeBounds = {}): z.ZodType<number, string | number> {
  const { min = 1, max = MOST } = bounds;
  return z.union([z.string(), z.number().refine(isExact)], {
    error: 'must be a size, for example "2GiB", or a whole number of bytes',
  }).transform((value, context) => {
    try {
      const bytes = typeof value === "number" ? value : parseSize(value);
      if (bytes >= min && bytes <= max) return bytes;
      const range = max === MOST
        ? `at least ${formatBytes(min)}`
        : `from ${formatBytes(min)} to ${formatBytes(max)}`;
      context.addIssue({ code: "custom", message: `${formatBytes(bytes)} is not ${range}` });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
    return z.NEVER;
  });
}

/**
 * Bytes for people, exact: `2 GiB`, `1536 MiB`, `1000 B`.
 *
 * @example
 * ```ts
 * import { formatBytes } from "./size.ts";
 *
 * console.assert(formatBytes(2 ** 31) === "2 GiB");
 * console.assert(formatBytes(1536 * 2 ** 20) === "1536 MiB");
 * ```
 */
export function formatBytes(bytes: number): string {
  for (const [unit, factor] of Object.entries(UNITS).reverse()) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} B`;
}
