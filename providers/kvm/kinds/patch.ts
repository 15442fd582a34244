/**
 * A patch of libvirt's XML as it is declared: a place, and what must stand there. Imports zod alone.
 *
 * @module
 */

import { z } from "zod";

const STEP = String.raw`/[\w.:-]+(\[@[\w.:-]+=('[^']*'|"[^"]*")\])?`;
const PATH = new RegExp(String.raw`^\.(${STEP})*(/@[\w.:-]+)?$`);

/** A patch as it is declared; what XML alone can tell is checked elsewhere. */
export const patchSchema = z.strictObject({
  path: z.string().regex(
    PATH,
    "must be a place such as ./os/bios/@useserial or ./devices/hub[@type='usb']",
  ).describe(
    "Place in libvirt's XML: an attribute `./memory/@dumpCore`, a text `./bootloader`, an element " +
      "`./keywrap/cipher[@name='aes']`.",
  ),
  value: z.union([z.string(), z.number().transform(String), z.null()], {
    error: "must be a text, a number, or null for nothing",
  }).optional()
    .describe("Text or attribute that must stand there; null: nothing may."),
  element: z.string().optional()
    .describe("Element that must stand there, as XML; what it does not mention stays."),
}).refine(({ value, element }) => (value === undefined) !== (element === undefined), {
  error: "needs either a value or an element",
  path: ["path"],
});

/** Refuses a list in which a place stands twice. */
export function refuseTwice(
  declared: readonly { readonly path: string }[],
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>();
  for (const [index, { path }] of declared.entries()) {
    if (seen.has(path)) {
      context.addIssue({ code: "custom", path: [index, "path"], message: `${path} stands twice` });
    }
    seen.add(path);
  }
}
