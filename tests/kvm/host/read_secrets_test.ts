/** What a reader finds out about secrets, where a host shows passwords and where it does not. */

import assert from "node:assert/strict";
import { withPassword, withVerdicts } from "../../../providers/kvm/host/read_secrets.ts";
import { type Connection, LibvirtError } from "../../../providers/kvm/libvirt/mod.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { Observed } from "../../../providers/provider.ts";
import { noSecrets, type SecretSource, type SecretUse } from "../../../providers/secret.ts";

const USE: SecretUse = {
  path: "displays[desk].password",
  secret: "desk",
  xml: "./devices/graphics[@type='vnc']/@passwd",
  taker: "a VNC display",
  most: 8,
};

const domain = (passwd: string | undefined) =>
  `<domain><devices><graphics type='vnc'${
    passwd === undefined ? "" : ` passwd='${passwd}'`
  }/></devices></domain>`;

/** `VIR_DOMAIN_XML_SECURE` and `…_INACTIVE`. */
const [SECURE, INACTIVE] = [1, 2];

/** A host with one domain, of which it shows the given XML; an error code: why it shows none. */
function host(config: string | number, live?: string): Connection {
  const found = {
    xml(flags: number) {
      assert.ok(flags & SECURE, "passwords were not asked for");
      if (typeof config === "number") {
        const failure = {
          code: config,
          domain: 10,
          level: 2,
          message: "no",
          call: "virDomainGetXMLDesc",
        };
        return Promise.reject(new LibvirtError(failure));
      }
      return Promise.resolve(flags & INACTIVE ? config : live!);
    },
    [Symbol.dispose]() {},
  };
  return {
    domainByUuid: () => Promise.resolve(found),
    domainByName: () => Promise.resolve(found),
  } as unknown as Connection;
}

const machine = (running: boolean): Observed => ({
  kind: "machine",
  host: "lab",
  key: "web",
  uuid: "3f1c1c9e-5d7b-5a38-9f61-2f7a4be5a001",
  fingerprint: "f",
  source: { xml: domain(undefined), ...(running ? { liveXml: domain(undefined) } : {}) },
});

const source: SecretSource = { resolve: () => Promise.resolve("right&") };

async function verdict(connection: Connection, running: boolean, from = source) {
  const requests = [{ kind: "machine", key: "web", secrets: [USE] }];
  const [found] = await withVerdicts([machine(running)], connection, requests, from);
  assert.deepEqual(found!.source, machine(running).source, "what was read stays as it was");
  return found!.secrets![USE.path];
}

Deno.test("configuration and running display are compared each by itself", async () => {
  const [right, wrong, none] = [domain("right&amp;"), domain("wrong"), domain(undefined)];
  assert.deepEqual(await verdict(host(right), false), { config: "same" });
  assert.deepEqual(await verdict(host(right, right), true), { config: "same", live: "same" });
  assert.deepEqual(await verdict(host(right, wrong), true), { config: "same", live: "other" });
  assert.deepEqual(await verdict(host(wrong, none), true), { config: "other", live: "absent" });
  assert.deepEqual(await verdict(host(none), false), { config: "absent" });
  const without = "<domain><devices/></domain>";
  assert.deepEqual(await verdict(host(without), false), { config: "absent" });
});

Deno.test("without a value it is known all the same whether there is a password", async () => {
  const why = 'secret "desk" has no value: this program was given no source of secrets';
  assert.deepEqual(
    await verdict(host(domain("any"), domain(undefined)), true, noSecrets),
    { config: "unknown", live: "absent", why },
  );
  assert.deepEqual(await verdict(host(domain(undefined)), false, noSecrets), { config: "absent" });
});

Deno.test("a host that shows no passwords says so; another failure is one", async () => {
  const why = "the host does not show passwords to this user";
  for (const code of [29, 88]) {
    assert.deepEqual(
      await verdict(host(code), true),
      { config: "unknown", live: "unknown", why },
    );
  }
  await assert.rejects(verdict(host(38), true), LibvirtError);
});

Deno.test("what is wrong beside the value is no verdict", async () => {
  const broken: SecretSource = { resolve: () => Promise.reject(new TypeError("broken")) };
  await assert.rejects(verdict(host(domain("any")), false, broken), TypeError);
  const refusing: SecretSource = {
    resolve: () => Promise.reject(new StaddleError({ code: "secret.empty", summary: "empty" })),
  };
  assert.equal((await verdict(host(domain("any")), false, refusing))!.why, "empty");
});

Deno.test("who asks for no secret costs no call", async () => {
  const untouched = {} as Connection;
  const requests = [{ kind: "machine", key: "web" }, { kind: "machine", key: "db", secrets: [] }];
  const found = [machine(true)];
  assert.equal(await withVerdicts(found, untouched, requests, source), found);
});

Deno.test("an import learns that there is a password, and no more", async () => {
  const shown = { ...machine(false), source: { xml: "<domain><graphics type='vnc'/></domain>" } };
  assert.deepEqual(await withPassword([shown], host(domain("any"))), ["web"]);
  assert.deepEqual(await withPassword([shown], host(domain(undefined))), []);
  assert.deepEqual(await withPassword([shown], host(88)), []);
});
