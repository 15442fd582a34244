/**
 * What the XML of a domain names of its host, whatever device it stands at: files, volumes by their pools,
 * networks and bridges. Found by searching the text, for a host has many domains.
 *
 * @module
 */

/** What a text names. */
export interface Named {
  /** Everything that may be a path: values of attributes and texts of elements. */
  readonly texts: ReadonlySet<string>;
  /** `<pool>/<volume>`. */
  readonly volumes: ReadonlySet<string>;
  readonly pools: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  readonly bridges: ReadonlySet<string>;
}

const PROSE = /<(title|description|metadata)\b[\s\S]*?<\/\1>/g;
const TEXT = /=(?:'([^']*)'|"([^"]*)")|>([^<>\s][^<>]*)</g;
const SOURCE = /<source\s([^>]*)>/g;
const ATTRIBUTE = /([\w:]+)=(?:'([^']*)'|"([^"]*)")/g;

/** Searches a domain's XML, or what holds one: a snapshot's. */
export function namedIn(xml: string): Named {
  // What people write of it may name anything.
  const text = xml.replaceAll(PROSE, "");
  const texts = new Set<string>();
  for (const [, single, double, inner] of text.matchAll(TEXT)) {
    texts.add(plain(single ?? double ?? inner!));
  }
  const named = {
    texts,
    volumes: new Set<string>(),
    pools: new Set<string>(),
    networks: new Set<string>(),
    bridges: new Set<string>(),
  };
  for (const [, attributes] of text.matchAll(SOURCE)) {
    const found = new Map(
      [...attributes!.matchAll(ATTRIBUTE)].map(([, name, single, double]) =>
        [name!, plain(single ?? double!)] as const
      ),
    );
    const [pool, volume] = [found.get("pool"), found.get("volume")];
    if (pool !== undefined) named.pools.add(pool);
    if (pool !== undefined && volume !== undefined) named.volumes.add(`${pool}/${volume}`);
    if (found.has("network")) named.networks.add(found.get("network")!);
    if (found.has("bridge")) named.bridges.add(found.get("bridge")!);
  }
  return named;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function plain(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&(\w+|#\d+|#x[\da-fA-F]+);/g, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
}
