/**
 * The secrets of a machine: where they stand, and what a verdict about them makes of a plan. No value
 * comes here; a spec with values is made for a step, where it is carried out.
 *
 * @module
 */

import type { Disruption, FieldChange, JsonObject, Observed, Resource } from "../../../provider.ts";
import type { SecretReference, SecretUse, SecretVerdict } from "../../../secret.ts";
import { sameValue } from "../../table/mod.ts";
import { getElement, parseXml, setPath, type XmlElement } from "../../xml/mod.ts";
import { resumes, savedXml } from "./saved.ts";

/** A display as far as it matters here. */
interface Display {
  readonly name: string;
  readonly type: string;
  readonly password?: SecretReference;
}

/** What displays with passwords are called, and the bytes that they take: QEMU's and spice's limits. */
const TAKERS: Readonly<Record<string, readonly [taker: string, most: number]>> = {
  vnc: ["a VNC display", 8],
  spice: ["a SPICE display", 60],
};

function displaysOf(spec: JsonObject): readonly Display[] {
  return (spec.displays ?? []) as unknown as readonly Display[];
}

/** QEMU has at most one display of a type, so the type finds it whatever it is called. */
function placeOf({ type }: Display): string {
  return `./devices/graphics[@type='${type}']`;
}

/** The secrets that a machine's spec refers to. */
export function machineSecrets({ spec }: Resource): SecretUse[] {
  return displaysOf(spec).flatMap((display): SecretUse[] => {
    const { name, type, password } = display;
    // In what was saved by other hands anything may stand here.
    if (typeof password?.secret !== "string" || TAKERS[type] === undefined) return [];
    const [taker, most] = TAKERS[type];
    const path = `displays[${name}].password`;
    return [{ path, secret: password.secret, xml: `${placeOf(display)}/@passwd`, taker, most }];
  });
}

/** The display that a secret is for, if there is one. */
function displayIn(domain: XmlElement, { xml }: SecretUse): XmlElement | undefined {
  return getElement(domain, xml.slice(0, xml.lastIndexOf("/")));
}

/**
 * Configuration and live XML of a machine, to be compared with its declaration and for nothing else:
 * what is known of passwords is shown in them, for libvirt leaves the whole attribute out. One that is to
 * go on from its saved state counts as running with that.
 */
export function comparedXml(
  resource: Resource,
  observed: Observed,
): { readonly config: XmlElement; readonly live: XmlElement | undefined } {
  const { xml, liveXml } = observed.source;
  const config = parseXml(`${xml}`);
  const running = resumes(resource.spec, observed) ? savedXml(observed) : liveXml;
  const live = typeof running === "string" ? parseXml(running) : undefined;
  for (const use of machineSecrets(resource)) {
    const verdict = observed.secrets?.[use.path];
    for (const [domain, state] of [[config, verdict?.config], [live, verdict?.live]] as const) {
      if (domain === undefined || state === undefined || state === "absent") continue;
      if (displayIn(domain, use) !== undefined) setPath(domain, use.xml, "");
    }
  }
  return { config, live };
}

/** The spec with values in the place of references, by path; the others stay references. */
export function withSecretValues(
  spec: JsonObject,
  values: ReadonlyMap<string, string>,
): JsonObject {
  if (values.size === 0) return spec;
  const displays = displaysOf(spec).map((display) => {
    const value = values.get(`displays[${display.name}].password`);
    return value === undefined ? display : { ...display, password: value };
  });
  return { ...spec, displays: displays as unknown as JsonObject[] };
}

/**
 * The passwords that differ, by what the reader found out.
 *
 * @param others Changes of other fields: a display that comes brings its password along.
 */
export function secretChanges(
  resource: Resource,
  observed: Observed,
  previous: JsonObject | undefined,
  others: readonly FieldChange[],
): FieldChange[] {
  const running = typeof observed.source.liveXml === "string";
  return machineSecrets(resource).flatMap((use): FieldChange[] => {
    if (others.some(({ path }) => use.path === `${path}.password`)) return [];
    const verdict = observed.secrets?.[use.path] ?? { config: "unknown" };
    if (!differs(use, verdict, previous)) return [];
    const disruption: Disruption = running && verdict.live === "absent" ? "restart" : "live";
    return [{
      path: use.path,
      ...(verdict.config === "absent" ? {} : { before: null }),
      after: { secret: use.secret },
      disruption,
      format: "sensitive",
    }];
  });
}

function differs(
  use: SecretUse,
  { config, live }: SecretVerdict,
  previous: JsonObject | undefined,
): boolean {
  if (config === "absent" || config === "other" || live === "other") return true;
  if (config !== "unknown" && live !== "unknown") return false;
  // Nobody can say whether the value is the same: the name has to do.
  const before = displaysOf(previous ?? {}).find((one) =>
    `displays[${one.name}].password` === use.path
  );
  return !sameValue(before?.password as JsonObject | undefined, { secret: use.secret });
}

/** Passwords that were saved, and that a running display takes at its next start. */
export function secretsPending(resource: Resource, observed: Observed, live: XmlElement): string[] {
  return machineSecrets(resource).filter((use) => {
    const verdict = observed.secrets?.[use.path];
    if (verdict?.live !== "absent" || displayIn(live, use) === undefined) return false;
    return verdict.config === "same" || verdict.config === "unknown";
  }).map(({ path }) => path);
}

/** What a plan could not compare, and why. */
export function secretNotes(resource: Resource, observed: Observed): string[] {
  return machineSecrets(resource).flatMap(({ path }) => {
    const why = observed.secrets?.[path]?.why;
    return why === undefined ? [] : [`${path} was not compared with what the host has: ${why}`];
  });
}
