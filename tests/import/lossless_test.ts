/**
 * Import is lossless: every domain of libvirt's own tests that the installed libvirt accepts becomes a
 * stack whose plan changes nothing; then one field is changed, and nothing else in the XML differs.
 *
 * libvirt's in-memory driver parses and formats the domains: the client library itself, no daemon.
 */

import assert from "node:assert/strict";
import { draftStack } from "../../cli/import/mod.ts";
import { groundNeeded } from "../../cli/import/machine.ts";
import { faultsOf } from "../../cli/import/trial.ts";
import { makePlan, validateTopology } from "../../planner/mod.ts";
import type { Observed } from "../../providers/provider.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { patchMachine } from "../../providers/kvm/kinds/machine/mod.ts";
import { type Connection, Libvirt } from "../../providers/kvm/libvirt/mod.ts";
import { child, parseXml, remove, serializeXml, writeMark } from "../../providers/kvm/xml/mod.ts";
import { buildTopology } from "../../stacks/build.ts";
import { type Draft, draftedStack } from "../../stacks/write/mod.ts";
import { requirement } from "../support/skip.ts";
import { type CorpusDomain, fetchCorpus } from "./corpus.ts";
import { seen } from "./world.ts";

/** `VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE`. */
const CONFIG_XML = 1 | 2;
const TITLE = "One field that was changed";

/** Domains that cannot be imported, each with the reason. */
const KNOWN: Readonly<Record<string, RegExp>> = {
  // A whole number of bytes below 2^53 is all that JSON can hold: 8 PiB.
  "qemuxml2argvdata/memory-align-fail.xml": /is not a whole number of bytes below 2\^53/,
};

let corpus: readonly CorpusDomain[] = [];
const needs = await requirement("libvirt's source package", async () => {
  await using libvirt = await Libvirt.open();
  await using _connection = await libvirt.connect("test:///default");
  corpus = await fetchCorpus();
  return undefined;
});

/** The domain as libvirt writes it; undefined: it does not take it. */
async function defined(connection: Connection, xml: string): Promise<string | undefined> {
  try {
    using domain = await connection.defineDomain(xml);
    const written = await domain.xml(CONFIG_XML);
    await domain.undefine();
    return written;
  } catch {
    return undefined;
  }
}

/** Without what the import itself writes and the one field that was changed. */
function rest(xml: string): string {
  const domain = parseXml(xml);
  const title = child(domain, "title");
  if (title !== undefined) remove(domain, title);
  writeMark(domain, undefined);
  return serializeXml(domain);
}

/** Everything that a domain refers to, as if its host had it. */
function surroundings(machine: Observed) {
  const { volumes, networks } = groundNeeded(machine);
  const text = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const pools = new Set(volumes.map((key) => key.slice(0, key.indexOf("/"))));
  return {
    machines: [machine],
    networks: networks.map((name) =>
      seen("network", `<network><name>${text(name)}</name></network>`, { active: true })
    ),
    pools: [...pools].map((name) =>
      seen("pool", `<pool type='dir'><name>${text(name)}</name></pool>`, { active: true })
    ),
    volumes: volumes.map((key) => {
      const slash = key.indexOf("/");
      const xml = `<volume><name>${text(key.slice(slash + 1))}</name>` +
        `<capacity>1048576</capacity><target><format type='raw'/></target></volume>`;
      return seen("volume", xml, {}, key.slice(0, slash));
    }),
  };
}

/** What an import came to. */
interface Import {
  /** What was lost; absent: nothing. */
  readonly why?: string;
  /** Fields of the machine that are declared. */
  readonly fields: number;
  /** Whether a device stays undeclared. */
  readonly partial: boolean;
}

/** Imports a domain, applies a change of its title, and compares. */
async function imported(connection: Connection, before: string): Promise<Import> {
  const machine = seen("machine", before);
  const contents = surroundings(machine);
  const { draft, refused } = draftStack({ name: "corpus", uri: "qemu:///system" }, contents);
  const declared = draft.declarations.find(({ call }) => call === "vm");
  const why = refused.length > 0
    ? `not drafted: ${refused[0]!.why}`
    : await loss(connection, before, draft, contents);
  return {
    ...(why === undefined ? {} : { why }),
    fields: Object.keys(declared?.options ?? {}).length,
    partial: (declared?.comments ?? []).length > 0,
  };
}

/** What keeps a drafted domain from being imported without loss; undefined: nothing. */
async function loss(
  connection: Connection,
  before: string,
  draft: Draft,
  contents: ReturnType<typeof surroundings>,
): Promise<string | undefined> {
  const observed = Object.values(contents).flat().map((object) => ({ ...object, host: "host" }));
  const { topology } = validateTopology(buildTopology(draftedStack(draft)), kinds);
  const { plan, errors } = makePlan({
    topology,
    kinds,
    observed: { host: observed },
    facts: {},
    mode: "apply",
  });
  if (errors.length > 0) return `not planned: ${errors[0]!.message}`;
  const changed = plan.resources.find(({ changes }) => changes.length > 0);
  if (changed !== undefined) return `would change ${changed.changes[0]!.path}`;
  const step = plan.steps.find(({ kind }) => kind === "machine")!;

  const resource = { ...step.resource, spec: { ...step.resource.spec, title: TITLE } };
  const patched = patchMachine(before, resource, step.mark, undefined);
  if (rest(patched) !== rest(before)) return "the patch touched more than the title";
  const after = await defined(connection, patched);
  if (after === undefined) return "libvirt refuses the patched XML";
  if (!after.includes(`<title>${TITLE}</title>`)) return "the title was not taken";
  if (rest(after) !== rest(before)) return "libvirt's XML differs in more than the title";
  return undefined;
}

Deno.test({
  name: "every domain of libvirt's own tests is imported without loss",
  ...needs,
  async fn() {
    await using libvirt = await Libvirt.open();
    await using connection = await libvirt.connect("test:///default");
    let accepted = 0;
    let fields = 0;
    let partial = 0;
    const failures: string[] = [];
    const known = new Set<string>();
    for (const { path, xml } of corpus) {
      const before = await defined(connection, xml);
      if (before === undefined) continue;
      // What libvirt itself does not read back as it wrote it proves nothing about an import.
      if (await defined(connection, before) !== before) continue;
      accepted++;
      const result = await imported(connection, before).catch((error): Import => ({
        why: String(error),
        fields: 0,
        partial: false,
      }));
      fields += result.fields;
      if (result.partial) partial++;
      if (result.why === undefined) continue;
      if (KNOWN[path]?.test(result.why) === true) known.add(path);
      else failures.push(`${path}: ${result.why}`);
    }
    const passed = accepted - failures.length - known.size;
    const report =
      `${corpus.length} domains, ${accepted} accepted, ${passed} imported without loss; ` +
      `${(fields / accepted).toFixed(1)} fields declared of each, ` +
      `${partial} with a device that stays undeclared`;
    Deno.stdout.writeSync(new TextEncoder().encode(`${report}\n`));
    assert.deepEqual(failures, [], report);
    assert.ok(accepted > 500, report);
    // Declaring nothing would lose nothing either.
    assert.ok(fields / accepted > 5, report);
  },
});

Deno.test("a loss is seen", () => {
  const xml =
    "<domain type='qemu'><name>a</name><uuid>d8bd9b26-2f0f-4f2c-9d1a-3c3f7a0b6c11</uuid>" +
    "<memory unit='KiB'>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
  const { draft } = draftStack(
    { name: "corpus", uri: "qemu:///system" },
    surroundings(seen("machine", xml)),
  );
  const other = { ...seen("machine", xml.replace(">1024<", ">2048<")), host: "host" };
  assert.deepEqual(faultsOf(draft, [other], "host/machine.a").map(({ path }) => path), [[
    "memory",
  ]]);
});
