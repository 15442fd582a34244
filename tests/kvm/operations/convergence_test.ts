/**
 * Properties over random stacks, carried out by the applier and the provider themselves on libvirt's
 * in-memory driver: what was applied plans to nothing, the order of declaration makes no difference,
 * what is renamed keeps its identity, and what is destroyed leaves the host as it was. That driver
 * refuses the flags with which networks are changed, so the stacks are of networks that come and go,
 * pools and volumes; machines are changed in `tests/kvm/pairs`.
 *
 * `STADDLE_SWEEP=1` takes more of them.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { applyPlan } from "../../../applier/mod.ts";
import {
  factsNeeded,
  hasChanges,
  makePlan,
  type Plan,
  readRequests,
  type Topology,
  validateTopology,
} from "../../../planner/mod.ts";
import type { HostSession, ReadRequest, Resource } from "../../../providers/provider.ts";
import { kvm } from "../../../providers/kvm/mod.ts";
import { kinds } from "../../../providers/kvm/kinds/mod.ts";
import { buildTopology } from "../../../stacks/build.ts";
import { stack } from "../../../stacks/mod.ts";
import { SqliteStore } from "../../../state/mod.ts";

const volume = fc.record({
  size: fc.constantFrom("1MiB", "2MiB"),
  format: fc.constantFrom("raw" as const, "qcow2" as const),
  ignores: fc.boolean(),
});

const model = fc.record({
  networks: fc.subarray(["front", "back"]),
  volumes: fc.array(fc.option(volume), { minLength: 2, maxLength: 2 }),
  autostart: fc.boolean(),
  /** The first volume by another name. */
  renamed: fc.boolean(),
});

type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;
type Known = NonNullable<Parameters<typeof buildTopology>[1]>;

/** Turns a random choice into a stack. */
function build(choice: Model, uri: string, known: Known): Topology {
  const definition = stack("memory", (s) => {
    const lab = s.host("lab", { uri });
    const pool = lab.pool("store", { path: "/memory/store", autostart: choice.autostart });
    for (const name of choice.networks) {
      lab.network(name, { isolated: `10.91.${name.length}.0/24`, domain: `${name}.example` });
    }
    const names = choice.renamed ? ["first-again", "first"] : ["first", "first-again"];
    for (const [index, one] of choice.volumes.entries()) {
      if (one === null) continue;
      // That driver grows no volume: where the size counts, another one makes it anew.
      const options = one.ignores
        ? { ignoreChanges: ["capacity"] }
        : { replaceOnChanges: ["capacity"] };
      const fields = { size: one.ignores ? one.size : "2MiB", format: one.format, pool };
      if (index > 0) lab.volume("other", fields, options);
      else lab.volume(names[0]!, fields, { ...options, aliases: [names[1]!] });
    }
  });
  return buildTopology(definition, known);
}

/** A host in memory, and a record. */
class Place implements AsyncDisposable {
  readonly store: SqliteStore;
  constructor(readonly folder: string, readonly session: HostSession) {
    this.store = new SqliteStore(join(folder, `${crypto.randomUUID()}.db`));
  }

  get uri(): string {
    return `test://${this.folder}/node.xml`;
  }

  /** What an evaluation is told: addresses, and what renamed resources keep. */
  async known(): Promise<Known> {
    const record = await this.store.load("memory");
    const identities: Record<string, { uuid: string; name?: string }> = {};
    const rows = new Map(record?.resources.map((row) => [row.address, row]));
    for (const [address, row] of rows) {
      for (const [from, to] of [["first-again", "first"], ["first", "first-again"]] as const) {
        const other = address.replace(new RegExp(`\\.${from}$`), `.${to}`);
        if (other === address || rows.has(other)) continue;
        identities[other] = identity(row.resource);
      }
      identities[address] = identity(row.resource);
    }
    return { identities, reservations: record?.reservations };
  }

  async plan(topology: Topology | undefined): Promise<Plan> {
    const record = await this.store.load("memory");
    const valid = topology === undefined ? undefined : validateTopology(topology, kinds);
    assert.deepEqual(valid?.errors.map((error) => error.render()) ?? [], []);
    const wanted = valid?.topology;
    const requests = readRequests(wanted, record, kinds);
    const observed = { lab: await this.session.read(requests.lab ?? []) };
    const asked = factsNeeded(wanted, record, kinds, { observed });
    const { plan, errors } = makePlan({
      topology: wanted,
      kinds,
      observed,
      facts: asked.length === 0 ? {} : { lab: await this.session.facts() },
      record,
      mode: topology === undefined ? "destroy" : "apply",
    });
    assert.deepEqual(errors.map((error) => error.render()), []);
    return plan;
  }

  async apply(topology: Topology | undefined): Promise<Plan> {
    const plan = await this.plan(topology);
    await using lease = await this.store.lock("memory", "test");
    const result = await applyPlan(plan, {
      lease,
      record: await this.store.load("memory"),
      sessions: () => Promise.resolve(this.session),
      baseDirectory: this.folder,
      who: "test",
    });
    assert.deepEqual(result.failed.map(({ error }) => error.render()), []);
    assert.equal(result.result, "done");
    return plan;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

function identity({ kind, uuid, spec }: Resource): { uuid: string; name?: string } {
  const name = kind === "volume" ? spec.volume : spec.name;
  return typeof name === "string" ? { uuid, name } : { uuid };
}

/** All that a stack of these can have on the host, and what was there before. */
const requests: readonly ReadRequest[] = [
  { kind: "machine", key: "theirs" },
  ...["front", "back", "theirs"].map((key) => ({ kind: "network", key })),
  ...["store", "theirs"].map((key) => ({ kind: "pool", key })),
];

const NODE = `<node>
  <cpu><mhz>2000</mhz><model>any</model><active>2</active><nodes>1</nodes><sockets>1</sockets>
    <cores>2</cores><threads>1</threads></cpu>
  <memory>8192000</memory>
  <domain type='test'><name>theirs</name><uuid>11111111-1111-4111-8111-111111111111</uuid>
    <memory>65536</memory><os><type>hvm</type></os></domain>
  <network><name>theirs</name><uuid>22222222-2222-4222-8222-222222222222</uuid>
    <bridge name='virbr9'/></network>
  <pool type='dir'><name>theirs</name><uuid>33333333-3333-4333-8333-333333333333</uuid>
    <target><path>/theirs</path></target></pool>
</node>`;

Deno.test("random stacks on the in-memory driver: applied is planned to nothing, destroyed is gone", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-memory-" });
  try {
    await Deno.writeTextFile(join(folder, "node.xml"), NODE);
    await using provider = kvm();
    await using session = await provider.connect(
      { name: "lab", uri: `test://${folder}/node.xml` },
      { signal: new AbortController().signal, baseDirectory: folder },
    );
    const standing = async () =>
      (await session.read(requests)).map(({ kind, key, fingerprint }) => ({
        kind,
        key,
        fingerprint,
      }))
        .sort((a, b) => (`${a.kind} ${a.key}` < `${b.kind} ${b.key}` ? -1 : 1));
    const before = await standing();
    assert.deepEqual(before.map(({ kind }) => kind), ["machine", "network", "pool"]);
    await fc.assert(
      fc.asyncProperty(fc.array(model, { minLength: 1, maxLength: 3 }), async (sequence) => {
        await using place = new Place(folder, session);
        let uuid: string | undefined;
        for (const choice of sequence) {
          const wanted = build(choice, place.uri, await place.known());
          const shuffled = { ...wanted, resources: wanted.resources.toReversed() };
          const plan = await place.plan(wanted);
          assert.deepEqual(await place.plan(shuffled), plan);
          await place.apply(wanted);
          const again = build(choice, place.uri, await place.known());
          assert.equal(hasChanges(await place.plan(again)), false);
          // The first machine stays the same one under either name, as long as it is there.
          const first = again.resources.find(({ address }) =>
            /machine\.m0(-again)?$/.test(address)
          );
          if (uuid !== undefined && first !== undefined) assert.equal(first.uuid, uuid);
          uuid = first?.uuid;
        }
        await place.apply(undefined);
        assert.deepEqual(await standing(), before);
        assert.deepEqual((await place.store.load("memory"))?.resources, []);
      }),
      {
        numRuns: Deno.env.get("STADDLE_SWEEP") === "1" ? 300 : 12,
        // A host that a failure has left full is none to go on with.
        endOnFailure: true,
      },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
