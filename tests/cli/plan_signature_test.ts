import assert from "node:assert/strict";
import fc from "fast-check";
import { loadPlan, savePlan } from "../../cli/plan_file.ts";
import { refuseUnsignedRun, signerOf } from "../../cli/plan_signature.ts";
import { errorText } from "../../cli/render/error_text.ts";
import { fingerprintOf, readSigningKey, readTrustedKeys } from "../../cli/signing_keys.ts";
import { canonicalJson, digest } from "../../planner/digest.ts";
import { signedText } from "../../planner/plan_json.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../../planner/topology.ts";
import { StaddleError } from "../../providers/error.ts";
import type { Json, JsonObject } from "../../providers/provider.ts";
import { golden } from "../support/golden.ts";
import { requirement } from "../support/skip.ts";
import { makeKey } from "./keys.ts";
import { changing, creating } from "./plans.ts";
import { run } from "./staddle.ts";

/** Edits that are tried: a sample, unless someone wants the whole sweep (10000). */
const EDITS = Number(Deno.env.get("STADDLE_PLAN_EDITS") ?? 400);

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-signature-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The error that a plan is refused with; its paths and keys are not the same in every run. */
async function refusal(path: string, keys: readonly string[], folder: string): Promise<string> {
  let shown = "accepted";
  try {
    await loadPlan(path, keys);
  } catch (error) {
    assert.ok(error instanceof StaddleError, String(error));
    assert.equal(error.exitCode, error.code.startsWith("policy.") ? 3 : 1);
    shown = errorText(error);
  }
  return shown.replaceAll(folder, "<folder>")
    .replaceAll(/SHA256:[A-Za-z0-9+/]{43}/g, "SHA256:<fingerprint>");
}

const topology: Topology = {
  format: TOPOLOGY_FORMAT,
  stack: "web",
  parameters: { replicas: 1 },
  hosts: { lab: { name: "lab", uri: "qemu:///system" } },
  resources: [],
  outputs: {},
  reservations: {},
};

Deno.test("a signed plan is accepted from its signer alone; every refusal says what to do", async () => {
  await inFolder(async (folder) => {
    const [ours, theirs] = await Promise.all([makeKey(folder, "ours"), makeKey(folder, "theirs")]);
    const [signed, unsigned] = [`${folder}/signed.json`, `${folder}/unsigned.json`];
    await savePlan(signed, changing, { topology, sign: ours.privateKey });
    await savePlan(unsigned, changing);
    assert.equal(await refusal(signed, [], folder), "accepted", "a signature is no obstacle");
    assert.equal(await refusal(signed, [theirs.publicKey, ours.publicKey], folder), "accepted");
    const loaded = await loadPlan(signed, [ours.publicKey]);
    assert.deepEqual(loaded.topology, topology);
    assert.deepEqual(loaded.plan, JSON.parse(JSON.stringify(changing)));

    // What is beside the plan is signed as well, and a digest that was made anew helps nobody.
    const document = JSON.parse(await Deno.readTextFile(signed));
    document.staddle.plan.resources[0].notes = ["harmless, trust me"];
    const { digest: _, signature, ...staddle } = document.staddle;
    document.staddle.digest = digest({ ...document, staddle });
    const [altered, stripped] = [`${folder}/altered.json`, `${folder}/stripped.json`];
    await Deno.writeTextFile(altered, canonicalJson(document));
    await Deno.writeTextFile(stripped, canonicalJson({ ...document, staddle }));
    assert.ok(signature.value.length > 80);
    await Deno.writeTextFile(`${folder}/garbage.json`, "{}");

    const texts: string[] = [];
    const show = async (what: string, path: string, keys: readonly string[]): Promise<void> => {
      texts.push(`# ${what}\n${await refusal(path, keys, folder)}`);
    };
    await show("unsigned", unsigned, [ours.publicKey]);
    await show("signed by someone else", signed, [theirs.publicKey]);
    await show("altered, with a digest that fits", altered, [ours.publicKey]);
    await show("the signature taken away", stripped, [ours.publicKey]);
    await show("no plan at all", `${folder}/garbage.json`, [ours.publicKey]);
    await show("a private key named in place of the public one", signed, [ours.privateKey]);
    await show("a file that holds no key", signed, [signed]);
    await show("no such file", signed, [`${folder}/none.pub`]);
    try {
      refuseUnsignedRun("apply", [ours.publicKey]);
    } catch (error) {
      texts.push(`# a stack where only plans may be applied\n${errorText(error)}`);
    }
    golden(import.meta.url, "signature_errors.txt", texts.join("\n\n"));
  });
});

Deno.test("who signed a plan can be shown, and whether the signature still fits", async () => {
  await inFolder(async (folder) => {
    const key = await makeKey(folder, "key");
    await savePlan(`${folder}/plan.json`, creating, { sign: key.privateKey });
    const document = JSON.parse(await Deno.readTextFile(`${folder}/plan.json`));
    const { publicKey } = await readSigningKey(key.privateKey);
    assert.deepEqual(await signerOf(document), {
      fingerprint: fingerprintOf(publicKey),
      fits: true,
    });
    document.timestamp = "2000-01-01T00:00:00Z";
    assert.equal((await signerOf(document))?.fits, false);
    delete document.staddle.signature;
    assert.equal(await signerOf(document), undefined);
  });
});

const tools = await requirement("keys", async () => {
  for (const program of ["openssl", "ssh-keygen"]) {
    try {
      await new Deno.Command(program, { args: ["--help"], stdout: "null", stderr: "null" })
        .output();
    } catch {
      return `${program} is not installed`;
    }
  }
});

Deno.test({
  name: "keys as OpenSSL and OpenSSH make them, with the fingerprint that ssh-keygen shows",
  ...tools,
  fn: () =>
    inFolder(async (folder) => {
      await run("openssl", "genpkey", "-algorithm", "ed25519", "-out", `${folder}/o.pem`);
      await run("openssl", "pkey", "-in", `${folder}/o.pem`, "-pubout", "-out", `${folder}/o.pub`);
      const keygen = (name: string, ...args: string[]) =>
        run("ssh-keygen", "-q", "-C", "ann@desk", "-f", `${folder}/${name}`, ...args);
      await keygen("s", "-t", "ed25519", "-N", "");
      await keygen("locked", "-t", "ed25519", "-N", "secret phrase");
      await keygen("rsa", "-t", "rsa", "-b", "2048", "-N", "");
      const line = (await Deno.readTextFile(`${folder}/s.pub`)).trim();
      await Deno.writeTextFile(
        `${folder}/allowed`,
        `# those who may\n\nno-pty ${line}\n${await Deno.readTextFile(`${folder}/rsa.pub`)}`,
      );
      for (const [secret, names] of [["o.pem", ["o.pub"]], ["s", ["s.pub", "allowed"]]] as const) {
        const plan = `${folder}/plan.json`;
        await savePlan(plan, creating, { sign: `${folder}/${secret}` });
        for (const name of names) {
          assert.equal(await refusal(plan, [`${folder}/${name}`], folder), "accepted", name);
        }
        if (secret === "s") assert.equal(await refusal(plan, [line], folder), "accepted", "inline");
      }
      const [key] = await readTrustedKeys([`${folder}/s.pub`]);
      const shown = await run("ssh-keygen", "-lf", `${folder}/s.pub`);
      assert.ok(shown.includes(fingerprintOf(key!.publicKey)), shown);
      const errors: string[] = [];
      for (const name of ["locked", "rsa", "s.pub"]) {
        await assert.rejects(readSigningKey(`${folder}/${name}`), (error) => {
          errors.push(errorText(error).replaceAll(folder, "<folder>"));
          return error instanceof StaddleError && error.code === "signature.bad-key";
        });
      }
      golden(import.meta.url, "signing_key_errors.txt", errors.join("\n\n"));
    }),
});

/** Every place in a value: the keys and indexes that lead to it. */
function places(value: Json, path: readonly (string | number)[] = []): (string | number)[][] {
  const own = [[...path]];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((item, index) => places(item, [...path, index]))];
  }
  if (value === null || typeof value !== "object") return own;
  const entries = Object.entries(value as JsonObject);
  return [...own, ...entries.flatMap(([key, item]) => places(item!, [...path, key]))];
}

function edited(
  document: JsonObject,
  path: readonly (string | number)[],
  value: Json | undefined,
): JsonObject {
  const copy = structuredClone(document);
  // deno-lint-ignore no-explicit-any -- any place of any JSON
  let here: any = copy;
  for (const part of path.slice(0, -1)) here = here[part];
  const last = path.at(-1)!;
  if (value !== undefined) here[last] = value;
  else if (Array.isArray(here)) here.splice(Number(last), 1);
  else delete here[last];
  return copy;
}

Deno.test(`${EDITS} random edits of a signed plan are refused, or change nothing`, async () => {
  await inFolder(async (folder) => {
    const key = await makeKey(folder, "key");
    const path = `${folder}/plan.json`;
    await savePlan(path, changing, { topology, sign: key.privateKey });
    const text = await Deno.readTextFile(path);
    const original = JSON.parse(text) as JsonObject;
    const whole = signedText(original);
    const everywhere = places(original).filter((place) => place.length > 0);
    const trial = `${folder}/edited.json`;
    const judge = async (content: string): Promise<void> => {
      await Deno.writeTextFile(trial, content);
      let accepted = false;
      try {
        await loadPlan(trial, [key.publicKey]);
        accepted = true;
      } catch (error) {
        assert.ok(error instanceof StaddleError, `not refused but broken by: ${error}`);
      }
      // Accepted is only what says the very same: another order of keys, a space between.
      if (accepted) assert.equal(signedText(JSON.parse(content)), whole);
    };
    const bytes = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(3),
      put: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom("0", '"', "{", "}", ",", "\\", " "),
      ),
    }).map(({ at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut));
    // The digest made anew, as someone would who knows the format.
    const values = fc.record({
      place: fc.constantFrom(...everywhere),
      value: fc.oneof(fc.jsonValue(), fc.constant(undefined)),
      refit: fc.boolean(),
    }).map(({ place, value, refit }) => {
      const made = edited(original, place, value as Json | undefined);
      const staddle = made.staddle;
      if (refit && staddle !== null && typeof staddle === "object" && !Array.isArray(staddle)) {
        const { digest: _, signature, ...rest } = staddle as JsonObject;
        const fitting = { ...rest, digest: digest({ ...made, staddle: rest }), signature };
        return JSON.stringify({ ...made, staddle: fitting });
      }
      return JSON.stringify(made);
    });
    await fc.assert(fc.asyncProperty(fc.oneof(bytes, values), judge), { numRuns: EDITS });
  });
});
