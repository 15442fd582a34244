/** The texts of a seed: readable, and read by YAML as they were meant. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import {
  type CloudConfig,
  cloudConfig,
  metaData,
  networkConfig,
  toYaml,
} from "../../../providers/kvm/cloudinit/mod.ts";
import { StaddleError } from "../../../providers/error.ts";
import type { Json } from "../../../providers/provider.ts";
import { golden } from "../../support/golden.ts";

const full: CloudConfig = {
  hostname: "web-0",
  fqdn: "web-0.lab.example",
  user: "admin",
  sshKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ admin@desk"],
  users: [
    { name: "bob", fullName: "Bob: the builder", groups: ["adm"], sudo: true, sshKeys: ["k"] },
    { name: "eve", passwordHash: "$6$salt$hash", shell: "/bin/sh", sudo: false },
  ],
  passwordLogin: false,
  packages: ["nginx", "curl"],
  packageUpgrade: true,
  writeFiles: [
    { path: "/etc/motd", content: "one line" },
    { path: "/usr/local/bin/x", content: '#!/bin/sh\n\necho "a: b"\n', permissions: "0755" },
    { path: "/etc/tail", content: "\tindented\n  more\n", append: true, owner: "bob:bob" },
  ],
  bootcmd: [["modprobe", "loop"]],
  runcmd: ["systemctl enable --now nginx", ["sh", "-c", "echo 'yes' > /tmp/#1"], "yes"],
  timezone: "Europe/Berlin",
  locale: "en_US.UTF-8",
  extra: { power_state: { mode: "reboot", delay: 1 }, swap: null },
};

Deno.test("golden: a whole cloud-config", () => {
  golden(import.meta.url, "cloud_config.yaml", cloudConfig(full));
});

Deno.test("golden: a network configuration", () => {
  golden(
    import.meta.url,
    "network_config.yaml",
    networkConfig({
      nic0: {
        mac: "52:54:00:AA:BB:01",
        addresses: ["10.30.0.5/24", "fd00::5/64"],
        gateway: "10.30.0.1",
        nameservers: ["10.30.0.1"],
        search: ["lab.example"],
        mtu: 1400,
      },
      nic1: { mac: "52:54:00:aa:bb:02" },
    }),
  );
});

Deno.test("a cloud-config is read by YAML as it was meant", () => {
  const read = parse(cloudConfig(full), { version: "1.1" });
  assert.equal(read.users[0], "default");
  assert.equal(read.users[1].sudo, "ALL=(ALL) NOPASSWD:ALL");
  assert.equal(read.users[1].lock_passwd, true);
  assert.equal(read.users[2].lock_passwd, false);
  assert.equal("sudo" in read.users[2], false);
  assert.deepEqual(read.write_files.map((file: { content: string }) => file.content), [
    "one line",
    '#!/bin/sh\n\necho "a: b"\n',
    "\tindented\n  more\n",
  ]);
  // A mode must be text: as a number, 0755 would be read in octal or not, by version.
  assert.equal(read.write_files[1].permissions, "0755");
  assert.deepEqual(read.runcmd, full.runcmd);
  assert.equal(read.package_update, true);
  assert.equal(read.swap, null);
});

Deno.test("what is not given is left to the image", () => {
  assert.equal(cloudConfig({}), "#cloud-config\n");
  assert.equal(cloudConfig({ hostname: "a", packages: [] }), "#cloud-config\nhostname: a\n");
});

Deno.test("meta-data says who the guest is", () => {
  assert.deepEqual(parse(metaData("6695eb01-f6a4-4304-89aa-97f2502e193f", "12")), {
    "instance-id": "6695eb01-f6a4-4304-89aa-97f2502e193f",
    "local-hostname": "12",
  });
});

Deno.test("what YAML cannot hold is refused", () => {
  for (const value of ["\ud800", NaN, Infinity]) {
    assert.throws(() => toYaml({ a: value }), (error) => error instanceof StaddleError);
  }
});

/** Texts that are easily read as something else. */
const tricky = fc.constantFrom(
  ..."yes no on off y N true null ~ 0755 1e3 12:30:45 2001-01-01 .5 - ? : # & * ! | > % @ ` = <<"
    .split(" "),
  "",
  " a",
  "a ",
  "a: b",
  "a #b",
  "- a",
  "a\nb",
  "a\nb\n",
  "a\n\nb\n\n\n",
  "\na",
  " a\nb",
  "a\n \nb",
  "a\n\tb \n",
  "a\r\nb",
  "\u0085a\nb",
  "\u2028\nx",
  "\u{1f600}\nb",
  "\ufeff",
  "key: |\n  x\n",
  "---\na",
  "...\n",
  "#cloud-config\nx: y\n",
);
const anyText = fc.oneof(
  tricky,
  fc.string({ unit: "binary", maxLength: 12 }).filter((text) => text.isWellFormed()),
);
const value = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    anyText,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(anyText.filter((key) => key !== "__proto__" && key !== "<<"), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).value;

for (const version of ["1.1", "1.2"] as const) {
  Deno.test(`property: YAML ${version} reads back what was written`, () => {
    fc.assert(
      fc.property(value, (data) => {
        // `uniqueKeys` and `merge` off: keys such as "<<" are texts like others.
        const read = parse(toYaml(data), { version, merge: false, logLevel: "error" });
        assert.deepEqual(read, data);
      }),
      { numRuns: 500 },
    );
  });
}
