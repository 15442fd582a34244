/**
 * Saving a machine's metadata by libvirt's call for that: where nothing else of the configuration
 * changes, it is not defined anew.
 *
 * @module
 */

import type { Domain } from "../libvirt/mod.ts";
import {
  bareElement,
  child,
  children,
  meaningOf,
  namespaceOf,
  type NamespaceScope,
  parseXml,
  remove,
  scopeIn,
  serializeXml,
  splitName,
  type XmlElement,
} from "../xml/mod.ts";

/** `VIR_DOMAIN_METADATA_ELEMENT`. */
const ELEMENT = 2;
/** `VIR_DOMAIN_AFFECT_CONFIG`. */
const CONFIG = 2;

interface Held {
  readonly item: XmlElement;
  readonly scope: NamespaceScope;
}

/** Takes the metadata out of a domain: its elements by their namespaces. */
function takeMetadata(domain: XmlElement): Map<string, Held> {
  const metadata = child(domain, "metadata");
  if (metadata === undefined) return new Map();
  const scope = scopeIn(metadata, scopeIn(domain));
  remove(domain, metadata);
  return new Map(
    children(metadata).map((item) => [namespaceOf(item, scope) ?? "", { item, scope }]),
  );
}

/**
 * Brings a configuration from what it was to what is wanted, if they differ in their metadata alone.
 * False: they differ elsewhere too, or the domain has no configuration of its own, and nothing was done.
 */
export async function saveMetadata(
  domain: Domain,
  before: string,
  after: string,
): Promise<boolean> {
  const [was, wanted] = [parseXml(before), parseXml(after)];
  const [stood, stands] = [takeMetadata(was), takeMetadata(wanted)];
  if (stands.has("") || serializeXml(was) !== serializeXml(wanted)) return false;
  if (!(await domain.isPersistent())) return false;
  for (const uri of stood.keys()) {
    if (!stands.has(uri)) await domain.setMetadata(ELEMENT, null, null, uri, CONFIG);
  }
  for (const [uri, { item, scope }] of stands) {
    const old = stood.get(uri);
    if (old && meaningOf(old.item, uri, old.scope) === meaningOf(item, uri, scope)) continue;
    const [prefix] = splitName(item.name);
    if (prefix === "") return false;
    const text = serializeXml(bareElement(item, uri, scope));
    await domain.setMetadata(ELEMENT, text, prefix, uri, CONFIG);
  }
  return true;
}
