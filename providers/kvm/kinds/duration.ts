/**
 * Durations: written as seconds or `"5min"`, kept as seconds.
 *
 * @module
 */

import { z } from "zod";

const UNITS: Readonly<Record<string, number>> = { s: 1, min: 60, m: 60, h: 3600 };

/** A day: what takes longer is a slip of the pen. */
const MOST = 86_400;

const EXAMPLE =
  'write seconds, for example 90, or a number and a unit (s, min, h), for example "5min"';

/** Seconds, whole or not, above 0 and up to a day. */
export const duration: z.ZodType<number, number | string> = z.union([z.number(), z.string()])
  .transform((given, context) => {
    const seconds = typeof given === "number" ? given : parse(given);
    if (seconds > 0 && seconds <= MOST) return seconds;
    context.addIssue({
      code: "custom",
      message: seconds > MOST
        ? "is more than a day"
        : `${JSON.stringify(given)} is no duration: ${EXAMPLE}`,
    });
    return z.NEVER;
  });

function parse(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([a-z]+)$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit ?? ""] ?? NaN);
}
