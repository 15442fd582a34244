/**
 * What is made from a table: reading, writing, comparing.
 *
 * @module
 */

import type { Disruption, FieldChange, Json, JsonObject } from "../../provider.ts";
import type { XmlElement } from "../xml/mod.ts";
import { aliasName } from "./bindings.ts";
import { sameValue } from "./same_value.ts";
import type { ChangeClass, ChangeContext, Field, List, Patches, Table } from "./field.ts";

type Draft = Record<string, Json | undefined>;

/** Everything that the table knows of an element, in the shape of a spec. */
export function readTable(table: Table, element: XmlElement): JsonObject {
  const result: Draft = {};
  for (const [name, entry] of Object.entries(table)) {
    if (entry.entry === "field") {
      const value = entry.binding.read(element);
      if (value !== undefined) result[name] = value;
    } else if (entry.entry === "group") {
      const value = readTable(entry.fields, element);
      if (Object.keys(value).length > 0) result[name] = value;
    } else if (entry.entry === "list") {
      const found = entry.select(element);
      if (found.length === 0 && entry.schema._zod.optin === "optional") continue;
      result[name] = found.map((device, index) => readEntry(entry, device, index));
    }
  }
  return result;
}

/** An entry of a list, in the shape of a spec. */
function readEntry(list: List, device: XmlElement, index: number): JsonObject {
  const fields = readTable(list.fields, device);
  return list.keyOf === undefined ? { ...fields, name: list.nameOf(device, index) } : fields;
}

/** The name of a declared entry. */
function keyOf(list: List, declared: JsonObject): string {
  return list.keyOf === undefined ? String(declared.name) : list.keyOf(declared);
}

/** Writes the declared fields and entries into the element; what is not declared stays. */
export function writeTable(table: Table, element: XmlElement, spec: JsonObject): void {
  for (const [name, entry] of Object.entries(table)) {
    const value = spec[name];
    if (value === undefined) continue;
    if (entry.entry === "field") {
      if (!same(entry, value, entry.binding.read(element))) entry.binding.write(element, value);
    } else if (entry.entry === "group") {
      writeTable(entry.fields, element, value as JsonObject);
    } else if (entry.entry === "patches") {
      for (const declared of value as readonly JsonObject[]) {
        if (!entry.holds(element, declared)) entry.write(element, declared);
      }
    } else {
      const find = finder(entry, element);
      for (const declared of value as readonly JsonObject[]) {
        const device = find(declared) ?? entry.insert(element, declared);
        writeTable(entry.fields, device, declared);
      }
    }
  }
}

/**
 * Removes what stood in `previous`, stands no longer in `spec` and goes with its declaration:
 * entries of lists, and fields that are `withdrawn`.
 */
export function removeWithdrawn(
  table: Table,
  element: XmlElement,
  spec: JsonObject,
  previous: JsonObject,
): void {
  for (const [name, entry] of Object.entries(table)) {
    if (entry.entry === "group") {
      const after = (spec[name] ?? {}) as JsonObject;
      removeWithdrawn(entry.fields, element, after, (previous[name] ?? {}) as JsonObject);
    }
    if (entry.entry === "field" && isWithdrawn(entry, spec[name], previous[name])) {
      entry.binding.write(element, undefined);
    }
    if (entry.entry !== "list") continue;
    const findGone = goneFinder(entry, element, spec[name]);
    for (const gone of goneEntries(entry, spec[name], previous[name])) {
      const device = findGone(gone);
      if (device !== undefined) entry.remove(element, device);
    }
    const find = finder(entry, element);
    const before = (previous[name] ?? []) as readonly JsonObject[];
    for (const declared of (spec[name] ?? []) as readonly JsonObject[]) {
      const was = before.find((one) => keyOf(entry, one) === keyOf(entry, declared));
      const device = was && find(declared);
      if (device !== undefined) removeWithdrawn(entry.fields, device, declared, was!);
    }
  }
}

function isWithdrawn(field: Field, after: Json | undefined, previous: Json | undefined): boolean {
  return field.withdrawn === true && after === undefined && previous !== undefined;
}

/** The element of a declared entry: by name, else by what the list matches on. */
export function findEntry(
  list: List,
  root: XmlElement,
  declared: JsonObject,
): XmlElement | undefined {
  return finder(list, root)(declared);
}

/** Finds many entries in one element: a network may hold a reservation for each of 1,000 NICs. */
function finder(
  list: List,
  root: XmlElement,
  matches: List["matches"] = list.matches?.bind(list),
): (declared: JsonObject) => XmlElement | undefined {
  const elements = list.select(root);
  const byName = new Map<string, XmlElement>();
  for (const [index, element] of elements.entries()) {
    const name = list.nameOf(element, index);
    if (!byName.has(name)) byName.set(name, element);
  }
  return (declared) =>
    byName.get(keyOf(list, declared)) ??
      elements.find((element) => matches?.(element, declared) ?? false);
}

/** Finds entries that are declared no more; an element that a declared entry finds is its own. */
function goneFinder(
  list: List,
  root: XmlElement,
  after: Json | undefined,
): (entry: JsonObject) => XmlElement | undefined {
  const find = finder(list, root, list.removedByName === true ? () => false : undefined);
  const claimed = new Set(((after ?? []) as readonly JsonObject[]).map(finder(list, root)));
  return (entry) => {
    const found = find(entry);
    return claimed.has(found) ? undefined : found;
  };
}

/** What a comparison looks at. */
export interface Comparison {
  /** Declared fields, resolved. */
  readonly spec: JsonObject;
  /** The declaration that was last applied. */
  readonly previous?: JsonObject;
  /** The configuration (inactive XML). */
  readonly config: XmlElement;
  /** The live XML, when the object runs: a field that can change live must be right there too. */
  readonly live?: XmlElement;
  /** True in an entry that a running object does not have: it waits for the next start. */
  readonly awaited?: boolean;
  /**
   * Whether the running object has room for an entry that could be added live; asked once for each, in
   * order. Where it has none, the entry waits for the next start.
   */
  readonly room?: (list: List, declared: JsonObject) => boolean;
}

/** Declared fields that the element does not have as declared. */
export function compareTable(table: Table, comparison: Comparison): FieldChange[] {
  const changes: FieldChange[] = [];
  compareInto(changes, table, comparison, "");
  return changes;
}

/**
 * Fields that the configuration has as declared, and the running object does not: they take effect
 * at its next start.
 */
export function pendingFields(table: Table, comparison: Comparison): string[] {
  const { live } = comparison;
  if (live === undefined) return [];
  const inConfig = new Set(
    compareTable(table, { ...comparison, live: undefined }).map((change) => change.path),
  );
  const inLive = compareTable(table, { ...comparison, config: live, live: undefined });
  const pending = inLive.filter(({ path, after }) =>
    !inConfig.has(path) && !isLeftToGuest(table[path], live, after)
  ).map(({ path }) => path);
  return [...pending, ...goneAtNextStart(table, comparison.config, live, "")];
}

/** A value that the guest takes up in its own time needs no start. */
function isLeftToGuest(
  entry: Table[string] | undefined,
  live: XmlElement,
  after: Json | undefined,
): boolean {
  return entry?.entry === "field" && entry.guestDecides === true &&
    classify(entry.change, { config: live, live, after }) === "live";
}

/**
 * What the running object still has, and its configuration has no more: devices of ours, entries of other
 * lists, fields that go with their declaration.
 */
function goneAtNextStart(
  table: Table,
  config: XmlElement,
  live: XmlElement,
  prefix: string,
): string[] {
  return Object.entries(table).flatMap(([name, entry]) => {
    const path = prefix + name;
    if (entry.entry === "group") return goneAtNextStart(entry.fields, config, live, `${path}.`);
    // What goes as the object runs waits for nothing.
    const waits = (before: Json | undefined) =>
      before !== undefined && classify(entry.change, { config, live, before }) !== "live";
    if (entry.entry === "field") {
      const goes = entry.withdrawn === true && entry.binding.read(config) === undefined &&
        waits(entry.binding.read(live));
      return goes ? [path] : [];
    }
    if (entry.entry !== "list" || entry.grows === true) return [];
    const saved = keyed(entry, config).map(({ key }) => key);
    const gone = keyed(entry, live).filter(({ key, element, index }) => {
      const at = saved.indexOf(key);
      if (at >= 0) saved.splice(at, 1);
      // A device that the guest keeps waits whatever its class.
      return at < 0 && (entry.keyOf === undefined || waits(readEntry(entry, element, index)));
    });
    return gone.map(({ key }) => `${path}[${key}]`);
  });
}

/** Entries by what tells them apart. Devices have names of ours, or belong to others, unless none has a name. */
function keyed(list: List, root: XmlElement) {
  return list.select(root).flatMap((element, index) => {
    const key = list.nameless === true
      ? element.attributes.get("type") ?? list.nameOf(element, index)
      : list.keyOf === undefined
      ? aliasName(element)
      : list.nameOf(element, index);
    return key === undefined ? [] : [{ key, element, index }];
  });
}

function compareInto(
  changes: FieldChange[],
  table: Table,
  { spec, previous, config, live, awaited, room }: Comparison,
  prefix: string,
): void {
  for (const [name, entry] of Object.entries(table)) {
    const after = spec[name];
    const path = prefix + name;
    if (entry.entry === "field") {
      if (after !== undefined) {
        compareField(changes, entry, path, after, { spec, config, live, awaited });
      } else if (isWithdrawn(entry, after, previous?.[name])) {
        const before = entry.binding.read(config);
        if (before === undefined) continue;
        const disruption = unless(
          live !== undefined && entry.binding.read(live) === undefined,
          classify(entry.change, { config, live, before, declared: spec }),
        );
        changes.push({ path, before, disruption });
      }
    } else if (entry.entry === "group") {
      const before = previous?.[name] as JsonObject | undefined;
      if (after === undefined && before === undefined) continue;
      // A group that is no longer declared still has entries of lists to give back.
      const nested = { spec: (after ?? {}) as JsonObject, previous: before, config, live, awaited };
      compareInto(changes, entry.fields, nested, `${path}.`);
    } else if (entry.entry === "patches") {
      comparePatches(changes, entry, path, after, config, live);
    } else {
      const within = { config, live, room };
      compareList(changes, entry, path, after, previous?.[name], within);
    }
  }
}

function compareField(
  changes: FieldChange[],
  field: Field,
  path: string,
  after: Json,
  { spec, config, live, awaited }: Comparison,
): void {
  const before = field.binding.read(config);
  const wrongInConfig = !same(field, after, before);
  const running = live === undefined ? undefined : field.binding.read(live);
  // What the running object has already, as after a change that was taken back, waits for no start.
  const runsAsDeclared = live !== undefined && !field.guestDecides && same(field, after, running);
  const disruption = awaited === true ? "restart" : unless(
    runsAsDeclared,
    classify(field.change, { config, live, before, after, declared: spec }),
  );
  const wrongLive = live !== undefined && disruption === "live" && !field.guestDecides &&
    !same(field, after, running);
  if (!wrongInConfig && !wrongLive) return;
  changes.push({
    path,
    before: wrongInConfig ? before : running,
    after,
    disruption,
    ...(field.format === undefined ? {} : { format: field.format }),
  });
}

function comparePatches(
  changes: FieldChange[],
  entry: Patches,
  path: string,
  after: Json | undefined,
  config: XmlElement,
  live: XmlElement | undefined,
): void {
  for (const declared of (after ?? []) as readonly JsonObject[]) {
    if (entry.holds(config, declared)) continue;
    const before = entry.read(config, declared);
    const wanted = entry.wanted(declared);
    changes.push({
      path: `${path}[${entry.keyOf(declared)}]`,
      ...(before === undefined ? {} : { before }),
      ...(wanted === undefined ? {} : { after: wanted }),
      disruption: unless(
        live !== undefined && entry.holds(live, declared),
        classify(entry.change, { config, live, before, after: wanted }),
      ),
    });
  }
}

function compareList(
  changes: FieldChange[],
  list: List,
  path: string,
  after: Json | undefined,
  previous: Json | undefined,
  { config, live, room }: Pick<Comparison, "config" | "live" | "room">,
): void {
  const inConfig = finder(list, config);
  const inLive = live === undefined ? undefined : finder(list, live);
  const last = (previous ?? []) as readonly JsonObject[];
  for (const declared of (after ?? []) as readonly JsonObject[]) {
    const entryPath = `${path}[${keyOf(list, declared)}]`;
    const device = inConfig(declared);
    const liveDevice = inLive?.(declared);
    let disruption = unless(
      device === undefined && liveDevice !== undefined && isAsDeclared(list, liveDevice, declared),
      classify(list.change, { config, live, after: declared }),
    );
    if (
      live && liveDevice === undefined && disruption === "live" && room?.(list, declared) === false
    ) {
      disruption = "restart";
    }
    if (device === undefined || (live && liveDevice === undefined && disruption === "live")) {
      changes.push({ path: entryPath, after: declared, disruption });
      continue;
    }
    const was = last.find((one) => keyOf(list, one) === keyOf(list, declared));
    const awaited = live !== undefined && liveDevice === undefined;
    const nested = { spec: declared, previous: was, config: device, live: liveDevice, awaited };
    compareInto(changes, list.fields, nested, `${entryPath}.`);
  }
  const goneInConfig = goneFinder(list, config, after);
  const goneInLive = live === undefined ? undefined : goneFinder(list, live, after);
  for (const entry of goneEntries(list, after, previous)) {
    const saved = goneInConfig(entry);
    const running = goneInLive?.(entry);
    const device = saved ?? running;
    if (device === undefined) continue;
    const before = { ...readEntry(list, device, 0), ...(list.keyOf ? {} : { name: entry.name }) };
    const disruption = unless(
      live !== undefined && running === undefined,
      classify(list.change, { config, live, before }),
    );
    // Gone from the configuration, and the running object keeps it until it starts anew.
    if (saved === undefined && disruption !== "live") continue;
    changes.push({ path: `${path}[${keyOf(list, entry)}]`, before, disruption });
  }
}

function goneEntries(
  list: List,
  after: Json | undefined,
  previous: Json | undefined,
): JsonObject[] {
  const kept = new Set(((after ?? []) as readonly JsonObject[]).map((entry) => keyOf(list, entry)));
  return ((previous ?? []) as readonly JsonObject[]).filter((entry) =>
    !kept.has(keyOf(list, entry))
  );
}

/** A change of what does not run stops nothing. */
function classify(change: ChangeClass, context: ChangeContext): Disruption {
  const disruption = typeof change === "function" ? change(context) : change;
  return context.live !== undefined || disruption === "replace" ? disruption : "live";
}

/** A start is waited for unless the running object is as it is to be; what is made anew is so anyhow. */
function unless(settled: boolean, disruption: Disruption): Disruption {
  return settled && disruption !== "replace" ? "live" : disruption;
}

/** Whether an entry of the running object has all that is declared of it. */
function isAsDeclared(list: List, device: XmlElement, declared: JsonObject): boolean {
  const changes: FieldChange[] = [];
  compareInto(changes, list.fields, { spec: declared, config: device }, "");
  return changes.length === 0;
}

function same(field: Field, declared: Json, actual: Json | undefined): boolean {
  if (field.equal !== undefined) return field.equal(declared, actual);
  return sameValue(declared, actual);
}
