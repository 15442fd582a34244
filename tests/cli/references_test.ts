/** Stacks that use outputs of others, from end to end. No host is asked. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { golden } from "../support/golden.ts";
import { type Ended, staddle } from "./staddle.ts";

const NET = `import { sensitive, stack, z } from "staddle";

export default stack("net", {
  subnet: z.string().default("10.77.0.0/24"),
  list: z.boolean().default(false),
}, (_, { subnet, list }) => ({
  subnet: list ? [subnet] : subnet,
  token: sensitive("s3cret-token"),
}));
`;

const APP = `import { stack, z } from "staddle";

export default stack("app", (s) => {
  const { subnet, token } = s.reference("net", { subnet: z.string(), token: z.string() });
  return { subnet, header: \`Bearer \${token}\` };
});
`;

Deno.test("outputs of another stack: typed, bound by the plan, and not broken unawares", async () => {
  const folder = await Deno.makeTempDir({ prefix: "staddle-references-" });
  const saved = `${folder}/plan.json`;
  const texts: string[] = [];
  const at = (command: string, target: string, ...flags: string[]): Promise<Ended> =>
    staddle([command, target, ...flags], { STADDLE_STATE: `${folder}/state.db` });
  const refused = (end: Ended, code: number) => {
    assert.equal(end.code, code, end.stdout + end.stderr);
    texts.push(end.stderr.replaceAll(`${folder}/`, "").trim());
  };
  try {
    for (const [name, text] of [["net", NET], ["app", APP]] as const) {
      await Deno.mkdir(`${folder}/${name}`);
      await Deno.writeTextFile(`${folder}/${name}/stack.ts`, text);
    }
    const [net, app] = [`${folder}/net`, `${folder}/app`];
    refused(await at("plan", app), 1);
    assert.equal((await at("apply", net, "--yes")).code, 0);
    const made = await at("apply", app, "--yes");
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^header = \(sensitive value\)\nsubnet = "10\.77\.0\.0\/24"$/m);
    assert.ok(!made.stdout.includes("s3cret"));

    // What would break the other is refused, whatever does it.
    refused(await at("plan", net, "--param", "list=true"), 3);
    refused(await at("destroy", net, "--yes"), 3);

    // A value of the right type breaks nothing; a plan that was made with the other is stale.
    const planned = await at("plan", app, "--out", saved);
    assert.equal(planned.code, 0, planned.stderr);
    const other = await at("apply", net, "--yes", "--param", "subnet=10.78.0.0/24");
    assert.equal(other.code, 0, other.stderr);
    refused(await at("apply", saved), 4);

    // What cannot be read may depend on it, and stops nothing else.
    using database = new DatabaseSync(`${folder}/state.db`);
    database.exec("UPDATE stacks SET sum = 'x' || sum WHERE stack = 'app'");
    refused(await at("destroy", net, "--yes"), 3);
    assert.equal((await at("plan", net, "--param", "subnet=10.78.0.0/24")).code, 0);
    database.exec("UPDATE stacks SET sum = substr(sum, 2) WHERE stack = 'app'");

    assert.equal((await at("destroy", net, "--yes", "--break-dependents")).code, 0);
    refused(await at("plan", app), 1);
    golden(import.meta.url, "references.txt", texts.join("\n\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
