/**
 * Metadata of another program as it is declared. Imports zod alone.
 *
 * @module
 */

import { z } from "zod";

/** An element of a namespace; what XML alone can tell is checked elsewhere. */
export const metadataEntry = z.strictObject({
  namespace: z.string().regex(
    /^[^\s<>"'[\]]+$/,
    "must be the URI of a namespace, for example http://libosinfo.org/xmlns/libvirt/domain/1.0",
  ).describe("URI of the namespace; each has one element."),
  prefix: z.string().regex(
    /^(?![Xx][Mm][Ll])[A-Za-z_][\w.-]*$/,
    "must be a prefix of XML, for example libosinfo",
  ).optional()
    .describe("Prefix that it is written with where none stands yet; its name unless declared."),
  element: z.string().describe(
    "The element, as XML, whole: `<libosinfo><os id='http://debian.org/debian/12'/></libosinfo>`. " +
      "Names without a prefix are of the namespace.",
  ),
});

/** Refuses a list in which a namespace stands twice. */
export function refuseNamespaceTwice(
  declared: readonly { readonly namespace: string }[],
  context: z.RefinementCtx,
): void {
  const seen = new Set<string>();
  for (const [index, { namespace }] of declared.entries()) {
    if (seen.has(namespace)) {
      const message = `${namespace} stands twice: libvirt keeps one element of a namespace`;
      context.addIssue({ code: "custom", path: [index, "namespace"], message });
    }
    seen.add(namespace);
  }
}

/** What a list of them is. */
export const METADATA =
  "Metadata of other programs, by namespace: of libosinfo, of a scheduler, of your own. Namespaces " +
  "that are not declared stay as they are.";
