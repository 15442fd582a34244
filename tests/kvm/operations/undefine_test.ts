/** Undefining on libvirt's in-memory driver, which lacks some of the flags for what goes along. */

import assert from "node:assert/strict";
import {
  type Domain,
  isNotFound,
  Libvirt,
  LibvirtError,
} from "../../../providers/kvm/libvirt/mod.ts";
import { undefine } from "../../../providers/kvm/operations/undefine.ts";
import { requirement } from "../../support/skip.ts";

const URI = "test:///default";
const XML = "<domain type='test'><name>undefined-soon</name><memory>65536</memory>" +
  "<os><type>hvm</type><loader type='pflash' readonly='yes'>/srv/any_CODE.fd</loader>" +
  "<nvram>/srv/any_VARS.fd</nvram></os><devices><disk type='file'><driver type='qcow2'/><source file='/srv/any.qcow2'/>" +
  "<target dev='vda'/></disk></devices></domain>";

const needs = await requirement("libvirt client", async () => {
  await using libvirt = await Libvirt.open();
  await using _connection = await libvirt.connect(URI);
  return undefined;
});

const kept: readonly [what: string, make: (domain: Domain) => Promise<void>][] = [
  ["nothing", () => Promise.resolve()],
  ["a snapshot", async (domain) => {
    using _snapshot = await domain.createSnapshot(
      "<domainsnapshot><name>one</name></domainsnapshot>",
    );
  }],
  ["a saved state", async (domain) => {
    await domain.create();
    await domain.managedSave();
  }],
];

for (const [what, make] of kept) {
  Deno.test({
    name: `a machine of which libvirt keeps ${what} goes with it`,
    ...needs,
    async fn() {
      await using libvirt = await Libvirt.open();
      await using connection = await libvirt.connect(URI);
      using domain = await connection.defineDomain(XML);
      await make(domain);
      await undefine(domain);
      await assert.rejects(connection.domainByName("undefined-soon"), isNotFound);
    },
  });
}

Deno.test({ name: "what the driver cannot take away is its own error", ...needs }, async () => {
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect(URI);
  using domain = await connection.defineDomain(XML);
  try {
    await domain.create();
    using checkpoint = await domain.createCheckpoint(
      "<domaincheckpoint><name>one</name></domaincheckpoint>",
    );
    await domain.destroy();
    await assert.rejects(
      undefine(domain),
      (error) => error instanceof LibvirtError && /unsupported flags \(0x10\)/.test(error.message),
    );
    assert.equal(checkpoint.name, "one");
  } finally {
    await domain.undefine();
  }
});
