/**
 * The client that the protocol is made for, on the servers that the store is tested with: `STADDLE_TEST_TOFU`
 * is the path of OpenTofu's program or of Terraform's; nothing is tried unless it is given. What it applies needs
 * no provider from elsewhere.
 */

import assert from "node:assert/strict";
import { DocumentStore } from "../../state/documents/store.ts";
import { httpAddress, httpSite } from "../../state/documents/http_site.ts";
import { type Ended, ended } from "../cli/staddle.ts";
import { type StateServer, stateServer } from "./servers/managed_state.ts";

const program = Deno.env.get("STADDLE_TEST_TOFU");

/** How long anything here may take on a machine that is busy with other things, in ms. */
const PATIENCE = 120_000;

function configuration({ address, user, password }: StateServer, gitlab: boolean): string {
  const lock = gitlab
    ? `lock_address = "${address}/lock"
    unlock_address = "${address}/lock"
    lock_method = "POST"
    unlock_method = "DELETE"`
    : `lock_address = "${address}"
    unlock_address = "${address}"`;
  return `terraform {
  backend "http" {
    address = "${address}"
    ${lock}
    username = "${user}"
    password = "${password}"
    retry_wait_min = 1
  }
}
variable "text" { default = "one" }
resource "terraform_data" "thing" {
  input = var.text
  provisioner "local-exec" { command = "while [ -e wait ]; do touch waits; sleep 0.1; done" }
}
output "text" { value = terraform_data.thing.output }
`;
}

async function until(what: string, reached: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE; !reached();) {
    assert(performance.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

for (const flavour of program === undefined ? [] : ["gitlab", "verbs"] as const) {
  Deno.test({
    name:
      `HTTP (${flavour}): the protocol's own client locks, writes, is kept out, and frees a lock`,
    fn: async () => {
      await using server = stateServer(flavour);
      const folder = await Deno.makeTempDir({ prefix: "staddle-tofu-" });
      try {
        const gitlab = flavour === "gitlab";
        await Deno.writeTextFile(`${folder}/main.tf`, configuration(server, gitlab));
        const begin = (...args: string[]) =>
          new Deno.Command(program!, {
            args: [...args],
            cwd: folder,
            env: { TF_IN_AUTOMATION: "1", TF_CLI_ARGS: "-no-color", CHECKPOINT_DISABLE: "1" },
            stdin: "null",
            stdout: "piped",
            stderr: "piped",
          }).spawn();
        const tofu = (...args: string[]): Promise<Ended> => ended(begin(...args));
        const good = async (...args: string[]): Promise<string> => {
          const { code, stdout, stderr } = await tofu(...args);
          assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
          return stdout;
        };
        const lockId = () => server.lock?.ID;
        const newest = () => JSON.parse(server.versions.at(-1)!);
        const options = { patienceSeconds: 20 };
        const site = httpSite(httpAddress(server.location, () => undefined), options);
        await using store = new DocumentStore(site);

        await good("init", "-input=false");
        server.requests.length = 0;
        await good("apply", "-input=false", "-auto-approve");
        assert.equal(newest().version, 4);
        assert.equal(newest().outputs.text.value, "one");
        assert.equal(lockId(), undefined);
        const posts = server.requests.filter((line) => /^POST (?!.*\/lock )/.test(line));
        assert(posts.length > 0);
        for (const post of posts) assert.match(post, /\?ID=[0-9a-f-]{36} 200$/);
        assert.equal(
          server.requests.at(-1),
          `${gitlab ? "DELETE" : "UNLOCK"} ${new URL(server.address).pathname}${
            gitlab ? "/lock" : ""
          } 200`,
        );

        // What it has written is not taken for a record, and stays.
        const { length } = server.versions;
        await assert.rejects(store.load("shop"), { code: "state.foreign-document" });
        await assert.rejects(store.lock("shop", "ann"), { code: "state.foreign-document" });
        await assert.rejects(store.setAside("shop", "ann", folder), {
          code: "state.foreign-document",
        });
        assert.equal(server.versions.length, length);
        assert.equal(lockId(), undefined);

        // State that was pulled can be pushed with a higher serial, and not with the same content anew.
        const text = await good("state", "pull"); // Below what it warns of.
        const pulled = JSON.parse(text.slice(text.indexOf("{")));
        assert.equal(pulled.serial, newest().serial);
        const pushed = { ...pulled, serial: pulled.serial + 5 };
        await Deno.writeTextFile(`${folder}/pushed.json`, JSON.stringify(pushed));
        await good("state", "push", "pushed.json");
        assert(newest().serial >= pulled.serial + 5);
        await Deno.writeTextFile(`${folder}/pushed.json`, JSON.stringify(pulled));
        assert.notEqual((await tofu("state", "push", "pushed.json")).code, 0);

        // A run of Staddle's keeps it out.
        const lease = { id: `staddle-${crypto.randomUUID()}`, who: "ann@desk (7)" };
        assert.equal(await site.lock!.take("shop", lease), undefined);
        const refused = await tofu("apply", "-input=false", "-auto-approve", "-var=text=two");
        assert.notEqual(refused.code, 0);
        assert.match(refused.stderr, new RegExp(`already locked:\\s+ID=${lease.id}`));
        await site.lock!.give("shop", lease.id);

        // It is killed, its lock stays and is freed: once by it, once by Staddle.
        for (const by of ["it", "staddle"]) {
          await Deno.writeTextFile(`${folder}/wait`, "");
          const child = begin(
            "apply",
            "-input=false",
            "-auto-approve",
            "-replace=terraform_data.thing",
          );
          const output = child.output();
          await until("the provisioner waits", () => isThere(`${folder}/waits`));
          const id = String(lockId());
          const error = await store.lock("shop", "ann").catch((thrown: unknown) => thrown);
          assert.equal((error as { code?: string }).code, "state.foreign-document");
          child.kill("SIGKILL");
          await output.catch(() => {});
          for (const name of ["wait", "waits"]) await Deno.remove(`${folder}/${name}`);
          assert.equal(lockId(), id);
          if (by === "it") {
            await good("force-unlock", "-force", id);
          } else {
            await site.lock!.give("shop", id);
          }
          assert.equal(lockId(), undefined, `freed by ${by}`);
        }
        await good("apply", "-input=false", "-auto-approve", "-var=text=three");
        assert.equal(newest().outputs.text.value, "three");
        await good("destroy", "-input=false", "-auto-approve");
        assert.deepEqual(newest().resources, []);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
