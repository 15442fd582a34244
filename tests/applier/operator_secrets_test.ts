/** Values of secrets, from where whoever runs Staddle keeps them; and what is checked of them first. */

import assert from "node:assert/strict";
import { checkSecrets } from "../../applier/mod.ts";
import { type Environment, OperatorSecrets } from "../../applier/operator_secrets.ts";
import type { Plan } from "../../planner/plan.ts";
import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import { HiddenValues } from "../../providers/hide_secrets.ts";
import { kinds } from "../../providers/kvm/kinds/mod.ts";
import { secretFor, type SecretUse } from "../../providers/secret.ts";
import { secret } from "../../stacks/mod.ts";
import { golden } from "../support/golden.ts";
import { make, planned, shop } from "../kvm/machine/stack_world.ts";

function environment(variables: Record<string, string>): Environment {
  const left = { ...variables };
  return {
    get: (name) => left[name],
    toObject: () => ({ ...left }),
    delete: (name) => void delete left[name],
  };
}

const secrets = (variables: Record<string, string>) => new OperatorSecrets(environment(variables));

async function folder(files: Record<string, string | Uint8Array>): Promise<
  { readonly path: string } & AsyncDisposable
> {
  const path = await Deno.makeTempDir({ prefix: "staddle-secrets-" });
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${path}/${name}`, bytes);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function refusal(attempt: Promise<unknown>): Promise<StaddleError> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof StaddleError, String(error));
    return error;
  }
  assert.fail("it was had");
}

Deno.test("a variable goes before a file, and a file before the command", async () => {
  await using kept = await folder({ "web-vnc": "from a file\n", both: "from a file\r\n" });
  const source = secrets({
    STADDLE_SECRET_BOTH: "from a variable",
    STADDLE_SECRETS: `${kept.path}/`,
    STADDLE_SECRETS_COMMAND: 'printf "%s\\n" "from a command for $1 ($#)"',
  });
  assert.equal(await source.resolve("both"), "from a variable");
  assert.equal(await source.resolve("web-vnc"), "from a file");
  assert.equal(await source.resolve("other"), "from a command for other (1)");
});

Deno.test("dashes are underscores in a variable's name, and nothing but the end is cut", async () => {
  await using kept = await folder({ spaced: " two words \n\n" });
  const source = secrets({ STADDLE_SECRET_WEB_VNC: "x y\n", STADDLE_SECRETS: kept.path });
  assert.equal(await source.resolve("web-vnc"), "x y\n");
  assert.equal(await source.resolve("spaced"), " two words \n");
});

Deno.test("variables with values leave the environment; a command is asked once for each", async () => {
  await using kept = await folder({});
  const left = environment({
    STADDLE_SECRET_ONE: "1",
    STADDLE_SECRET_TWO: "2",
    STADDLE_SECRETS_COMMAND: `echo "$1" >>${kept.path}/asked; cat ${kept.path}/asked`,
    HOME: "/root",
  });
  const source = new OperatorSecrets(left);
  assert.deepEqual(Object.keys(left.toObject()).sort(), ["HOME", "STADDLE_SECRETS_COMMAND"]);
  assert.equal(await source.resolve("two"), "2");
  const names = ["third", "third", "fourth", "third"];
  const values = await Promise.all(names.map((name) => source.resolve(name)));
  assert.deepEqual(values, ["third", "third", "third\nfourth", "third"]);
});

Deno.test("golden: where no value can be had, all ways are named, and no value is", async () => {
  await using kept = await folder({
    "not-utf-8": new Uint8Array([0x43, 0xff, 0xfe]),
    empty: "\n",
  });
  await Deno.mkdir(`${kept.path}/a-folder`);
  const inFolder = { STADDLE_SECRETS: kept.path };
  const cases: readonly [title: string, attempt: () => Promise<unknown>][] = [
    ["nowhere", () => secrets({}).resolve("web-vnc")],
    ["not in the folder either", () => secrets(inFolder).resolve("web-vnc")],
    ["an empty value", () => secrets(inFolder).resolve("empty")],
    ["a folder in place of a file", () => secrets(inFolder).resolve("a-folder")],
    ["bytes that are no text", () => secrets(inFolder).resolve("not-utf-8")],
    [
      "a command that fails",
      () => secrets({ STADDLE_SECRETS_COMMAND: "echo CANARY; exit 3" }).resolve("web-vnc"),
    ],
    [
      "a command that prints no text",
      () => secrets({ STADDLE_SECRETS_COMMAND: "printf 'CANARY\\377'" }).resolve("web-vnc"),
    ],
    ["a name that is a path", () => secrets(inFolder).resolve("../etc/passwd")],
    [
      "too long for its place",
      () => secretFor(USE, secrets({ STADDLE_SECRET_WEB_VNC: "CANARY789" })),
    ],
    [
      "not fit for its place",
      () => secretFor(USE, secrets({ STADDLE_SECRET_WEB_VNC: "CANARY\t" })),
    ],
  ];
  const texts: string[] = [];
  for (const [title, attempt] of cases) {
    const text = (await refusal(attempt())).render().replaceAll(kept.path, "<folder>");
    assert.doesNotMatch(text, /CANARY/, title);
    texts.push(`# ${title}\n${text}\n`);
  }
  golden(import.meta.url, "secret_errors.txt", texts.join("\n"));
});

const USE: SecretUse = {
  path: "displays[desk].password",
  secret: "web-vnc",
  xml: "./devices/graphics[@type='vnc']/@passwd",
  taker: "a VNC display",
  most: 8,
};

Deno.test("as long as its place allows, in bytes, is good", async () => {
  for (const value of ["12345678", "äöüß", "a b&'\"<"]) {
    assert.equal(await secretFor(USE, secrets({ STADDLE_SECRET_WEB_VNC: value })), value);
  }
  const long = secretFor(USE, secrets({ STADDLE_SECRET_WEB_VNC: "äöüßx" }));
  assert.equal((await refusal(long)).code, "secret.too-long");
});

/** Two machines with one secret, a third with another. */
const desks = (...names: readonly string[]) =>
  shop((lab) => {
    for (const [index, name] of names.entries()) {
      lab.vm(`web-${index}`, {
        memory: "1GiB",
        displays: [{ name: "desk", type: "vnc", password: secret(name) }],
      });
    }
  });

async function checked(plan: Plan, variables: Record<string, string>): Promise<string[]> {
  try {
    await checkSecrets(plan, kinds, secrets(variables));
    return [];
  } catch (error) {
    assert.ok(error instanceof StaddleErrors, String(error));
    return error.errors.map(({ code, message }) => `${code}: ${message}`);
  }
}

Deno.test("what a plan sets is looked for before anything is touched, each secret once", async () => {
  const plan = planned(desks("one", "one", "two"));
  assert.deepEqual(await checked(plan, { STADDLE_SECRET_TWO: "CANARY789" }), [
    'secret.not-found: cannot set displays[desk].password of lab/machine.web-0: secret "one" has no ' +
    "value here",
    "secret.too-long: cannot set displays[desk].password of lab/machine.web-2: the value of secret " +
    '"two" is longer than the 8 bytes that a VNC display takes',
  ]);
  assert.deepEqual(await checked(plan, { STADDLE_SECRET_ONE: "1", STADDLE_SECRET_TWO: "2" }), []);
});

Deno.test("what a plan leaves as it is is not looked for", async () => {
  const made = make(desks("one"));
  const titled = shop((lab) =>
    void lab.vm("web-0", {
      memory: "1GiB",
      title: "changed",
      displays: [{ name: "desk", type: "vnc", password: secret("one") }],
    })
  );
  const plan = planned(titled, made);
  assert.deepEqual(plan.steps.map(({ operation }) => operation), ["update"]);
  assert.deepEqual(await checked(plan, {}), []);
});

Deno.test("an error is shown without a value, however it is written", () => {
  const hidden = new HiddenValues();
  hidden.add("a&'b");
  hidden.add("CANARY");
  const thrown = new StaddleError({
    code: "kvm.failed",
    summary: "QEMU said CANARY2",
    where: ["host lab"],
    details: ["passwd='a&amp;&apos;b'", 'passwd="a&amp;\'b"', "a&'b"],
    help: "not CANARY",
    exitCode: 1,
    cause: new Error("CANARY"),
  });
  const shown = hidden.error(thrown) as StaddleError;
  assert.equal(
    shown.render(),
    `error[kvm.failed]: QEMU said (sensitive value)2
  at host lab
  passwd='(sensitive value)'
  passwd="(sensitive value)"
  (sensitive value)
  help: not (sensitive value)`,
  );
  assert.equal(shown.cause, undefined);
  assert.doesNotMatch(Deno.inspect(shown), /CANARY/);
  const other = new StaddleError({ code: "a.b", summary: "as it is", cause: new Error("why") });
  assert.equal(hidden.error(other), other);
  const wrapped = new StaddleError({ code: "a.b", summary: "as it is", cause: thrown });
  assert.doesNotMatch(Deno.inspect(hidden.error(wrapped)), /CANARY/);
});
