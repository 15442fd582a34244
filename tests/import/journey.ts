/**
 * The way of one domain through an import: drafted, planned without a change, adopted by an apply, one field
 * changed and applied; what the host has is compared at every stop.
 *
 * @module
 */

import { draftStack, type HostContents } from "../../cli/import/mod.ts";
import { digest } from "../../planner/digest.ts";
import { type MadePlan, makePlan, validateTopology } from "../../planner/mod.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { domainUses } from "../../providers/kvm/kinds/machine/uses.ts";
import type { Connection } from "../../providers/kvm/libvirt/mod.ts";
import { parseXml } from "../../providers/kvm/xml/mod.ts";
import { StaddleError } from "../../providers/error.ts";
import type { HostSession, JsonObject, Observed, Step } from "../../providers/provider.ts";
import { buildTopology } from "../../stacks/build.ts";
import { type Draft, draftedStack } from "../../stacks/write/mod.ts";
import { RECORD_VERSION, type StackRecord } from "../../state/store.ts";
import { differences } from "./differences.ts";
import { type FieldEdit, fieldEdits, shuffled } from "./one_field.ts";
import { seen } from "./world.ts";

/** `VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE`. */
const CONFIG_XML = 1 | 2;
/** `VIR_DOMAIN_UNDEFINE_MANAGED_SAVE`, `…_SNAPSHOTS_METADATA`, `…_NVRAM`, `…_CHECKPOINTS_METADATA`. */
const UNDEFINE = 1 | 2 | 4 | 16;

/** Where the domains are defined: through libvirt itself, and as Staddle reaches it. */
export interface Place {
  readonly connection: Connection;
  readonly session: HostSession;
  /** What the host can do, where plans are to look at that. */
  readonly facts?: JsonObject;
}

/** What a journey came to. */
export interface Journey {
  /** What was lost, or went wrong; absent: nothing. */
  readonly why?: string;
  /** Fields of the machine that are declared. */
  readonly fields: number;
  /** Whether a device stays undeclared. */
  readonly partial: boolean;
  /** The field that was changed. */
  readonly changed?: string;
  /** Changes of one field that libvirt or the plan refused, each with the reason. */
  readonly refused: readonly string[];
}

/** The domain as libvirt writes it; undefined: it does not take it. */
export async function define(connection: Connection, xml: string): Promise<string | undefined> {
  try {
    using domain = await connection.defineDomain(xml);
    return await domain.xml(CONFIG_XML);
  } catch {
    return undefined;
  }
}

/**
 * Defines a domain until libvirt reads it back as it wrote it, which a few need twice: what it changes of
 * itself proves nothing about an import. Undefined: it does not take the domain.
 */
export async function settle(connection: Connection, xml: string): Promise<string | undefined> {
  let written = await define(connection, xml);
  for (let times = 0; written !== undefined && times < 4; times++) {
    const again = await define(connection, written);
    if (again === undefined) throw new Error("libvirt refuses its own XML of the domain");
    if (again === written) break;
    written = again;
  }
  return written;
}

/** Takes a domain away, if it is there. */
export async function undefine(connection: Connection, name: string): Promise<void> {
  try {
    using domain = await connection.domainByName(name);
    await domain.undefine(UNDEFINE).catch(() => domain.undefine());
  } catch {
    // It never was there, or went already: whoever defines the next one sees.
  }
}

/** Everything that a domain refers to, as if its host had it. */
export function surroundings(machine: Observed): HostContents {
  const { volumes, networks } = domainUses(machine, new Map());
  const text = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const pools = new Set(volumes.map((key) => key.slice(0, key.indexOf("/"))));
  const object = (kind: string, name: string, more = "") =>
    `<${kind}><name>${text(name)}</name><uuid>${crypto.randomUUID()}</uuid>${more}</${kind}>`;
  const state = { active: true, autostart: true };
  return {
    machines: [machine],
    networks: networks.map((name) => seen("network", object("network", name), state)),
    pools: [...pools].map((name) =>
      seen("pool", object("pool", name, "<target><path>/srv</path></target>"), state)
    ),
    volumes: volumes.map((key) => {
      const slash = key.indexOf("/");
      const xml = `<volume><name>${text(key.slice(slash + 1))}</name>` +
        `<capacity>1048576</capacity><target><format type='raw'/></target></volume>`;
      return seen("volume", xml, {}, key.slice(0, slash));
    }),
  };
}

/** A loss: says what. */
class Loss extends Error {}

/** Takes a domain that stands there, as libvirt wrote it, all the way. */
export async function travel(place: Place, before: string, seed: string): Promise<Journey> {
  const refused: string[] = [];
  let fields = 0;
  let partial = false;
  try {
    const machine = await observe(place, before);
    const contents = surroundings(machine);
    const { draft, refused: left } = draftStack(
      { name: "corpus", uri: "qemu:///system" },
      contents,
    );
    if (left.length > 0) throw new Loss(`not drafted: ${left[0]!.why}`);
    const declared = draft.declarations.find(({ call }) => call === "vm")!;
    fields = Object.keys(declared.options).length;
    partial = (declared.comments ?? []).length > 0;

    const around = [...contents.networks, ...contents.pools, ...contents.volumes];
    const first = planned(place, draft, [machine, ...around]);
    const changes = first.plan.resources.flatMap((resource) => resource.changes);
    if (changes.length > 0) throw new Loss(`would change ${changes[0]!.path}`);
    const step = first.plan.steps.find(({ kind }) => kind === "machine")!;
    const adopted = await applied(place, step);
    const moved = differences(before, adopted);
    if (moved.length > 0) throw new Loss(`adopting it changed ${moved.join(", ")}`);

    const record = recordOf(first);
    const edits = shuffled(fieldEdits(declared.options, parseXml(before)), seed);
    for (const edit of edits) {
      const why = await changed(place, draft, edit, { adopted, around, record });
      if (why === undefined) return { fields, partial, refused, changed: edit.field };
      refused.push(`${edit.field}: ${why}`);
    }
    throw new Loss(`every change of one field was refused: ${refused.join("; ")}`);
  } catch (error) {
    const why = error instanceof Loss ? error.message : textOf(error);
    return { why, fields, partial, refused };
  }
}

function textOf(error: unknown): string {
  if (error instanceof StaddleError) return [error.message, ...error.details].join("; ");
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Changes one field. A refusal, by the plan or by libvirt, must leave the domain as it was. */
async function changed(
  place: Place,
  draft: Draft,
  edit: FieldEdit,
  { adopted, around, record }: {
    readonly adopted: string;
    readonly around: readonly Observed[];
    readonly record: StackRecord;
  },
): Promise<string | undefined> {
  const other: Draft = {
    ...draft,
    declarations: draft.declarations.map((declaration) =>
      declaration.call === "vm" ? { ...declaration, options: edit.options } : declaration
    ),
  };
  const machine = await observe(place, adopted);
  let step: Step | undefined;
  let after: string;
  try {
    const { plan } = planned(place, other, [machine, ...around], record);
    step = plan.steps.find(({ kind }) => kind === "machine");
    if (step === undefined) throw new Loss(`${edit.field} was changed, and the plan has no step`);
    const stray = step.changes.filter(({ path }) => !path.startsWith(edit.field));
    if (stray.length > 0) throw new Loss(`with ${edit.field} goes ${stray[0]!.path}`);
    after = await applied(place, step);
  } catch (error) {
    if (error instanceof Loss) throw error;
    // What was refused may be tried in another way; what was not applied is a failure.
    if (error instanceof StaddleError && error.code === "kvm.not-applied") throw error;
    if (await configuration(place.connection, machine.uuid!) === adopted) return textOf(error);
    throw new Loss(`${edit.field} was refused, and yet the domain is another: ${textOf(error)}`);
  }
  const moved = differences(adopted, after);
  if (moved.length === 0) throw new Loss(`${edit.field} was applied, and nothing has changed`);
  const stray = moved.filter((path) => !edit.places.includes(path));
  if (stray.length > 0) throw new Loss(`${edit.field} changed ${stray.join(", ")} as well`);
  const now = await observe(place, after);
  const again = planned(place, other, [now, ...around], {
    ...record,
    resources: record.resources.map((row) =>
      row.address === step.address ? { ...row, resource: step.resource } : row
    ),
  });
  const left = again.plan.resources.flatMap(({ changes }) => changes);
  if (left.length > 0) throw new Loss(`${edit.field} was applied, and ${left[0]!.path} differs`);
  return undefined;
}

async function observe({ session }: Place, xml: string): Promise<Observed> {
  const { key, uuid } = seen("machine", xml);
  const [found] = await session.read([{ kind: "machine", key, uuid }]);
  if (found === undefined) throw new Loss(`"${key}" is gone`);
  return found;
}

/** A plan that may be applied. */
function planned(
  { facts }: Place,
  draft: Draft,
  observed: readonly Observed[],
  record?: StackRecord,
): MadePlan {
  const { topology, errors } = validateTopology(buildTopology(draftedStack(draft)), kinds);
  if (errors.length > 0) throw errors[0];
  const made = makePlan({
    topology,
    kinds,
    observed: { host: observed.map((object) => ({ ...object, host: "host" })) },
    facts: facts === undefined ? {} : { host: facts },
    mode: "apply",
    ...(record === undefined ? {} : { record }),
  });
  if (made.errors.length > 0) throw made.errors[0];
  return made;
}

/** Carries a step out, and gives the configuration, secrets included. */
async function applied({ session, connection }: Place, step: Step): Promise<string> {
  await session.perform(step, {
    signal: new AbortController().signal,
    baseDirectory: "/",
    progress: () => {},
  });
  return await configuration(connection, step.resource.uuid);
}

async function configuration(connection: Connection, uuid: string): Promise<string> {
  using domain = await connection.domainByUuid(uuid);
  return await domain.xml(CONFIG_XML);
}

/** The record as an apply of the whole plan leaves it. */
function recordOf({ plan }: MadePlan): StackRecord {
  const managed = plan.resources.filter(({ resource }) => resource.tenure === "managed");
  return {
    version: RECORD_VERSION,
    stack: plan.stack.name,
    lineage: "corpus",
    serial: 1,
    hosts: plan.hosts,
    resources: managed.map(({ address, kind, host, key, resource, needs }) => ({
      address,
      kind,
      host,
      key,
      status: "present",
      resource,
      specDigest: digest(resource.spec),
      needs: needs ?? [],
    })),
    outputs: {},
    reservations: {},
  };
}
