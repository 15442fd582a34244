/** Every device, declared, made and changed, as the libvirt of this host takes and keeps it. */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import {
  type Connection,
  DefineDomainFlags,
  DomainXmlFlags,
  isNotFound,
  Libvirt,
  UndefineFlags,
} from "../../../providers/kvm/libvirt/mod.ts";
import { machineKind, machineXml, patchMachine } from "../../../providers/kvm/kinds/machine/mod.ts";
import { SYSTEM, systemAnswers } from "../../libvirt/support.ts";
import { SAMPLES } from "./devices.ts";
import { completed, lookup, machine, MARK, observed } from "./fixtures.ts";

const uuid = crypto.randomUUID();
const name = `staddle-devices-${uuid.slice(0, 8)}`;

/** The machine under a name and identity of this test's own. */
function own(declared: JsonObject): Resource {
  const resource = machine({ ...declared, name });
  return { ...resource, uuid };
}

Deno.test({
  name: "libvirt keeps every device as it was declared",
  ignore: !(await systemAnswers()),
  fn: async (t) => {
    await using libvirt = await Libvirt.open();
    await using connection = await libvirt.connect(SYSTEM);
    const capabilities = await connection.domainCapabilities();
    const define = async (xml: string): Promise<string> => {
      const domain = await connection.defineDomain(xml, DefineDomainFlags.VALIDATE)
        .catch((error) => assert.fail(`${error.message}\n${xml}`));
      using _ = domain;
      return await domain.xml(DomainXmlFlags.INACTIVE | DomainXmlFlags.SECURE);
    };
    for (const { path, before, after, undefinable } of SAMPLES) {
      await t.step({
        name: path,
        ignore: undefinable !== undefined && !offers(capabilities, undefinable),
        fn: async () => {
          try {
            const [was, wanted] = [own(before), own(after)];
            const made = await define(machineXml(completed(was), MARK));
            const host = observed(was, { xml: made });
            assert.deepEqual(machineKind.diff(was, host, { lookup: lookup() }), []);
            const xml = await define(patchMachine(made, wanted, MARK, was.spec));
            const context = { previous: was.spec, lookup: lookup() };
            const changed = observed(wanted, { xml });
            assert.deepEqual(machineKind.diff(wanted, changed, context), []);
            // And from nothing.
            const anew = observed(wanted, {
              xml: await define(machineXml(completed(wanted), MARK)),
            });
            assert.deepEqual(machineKind.diff(wanted, anew, { lookup: lookup() }), []);
          } finally {
            await undefine(connection);
          }
        },
      });
    }
  },
});

/** Takes the machine away, if it came to be. */
async function undefine(connection: Connection): Promise<void> {
  try {
    using domain = await connection.domainByName(name);
    await domain.undefine(UndefineFlags.NVRAM);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Whether the host's QEMU has what a sample needs. */
function offers(capabilities: string, what: string): boolean {
  return what === "SEV"
    ? capabilities.includes("<sev supported='yes'")
    : capabilities.includes(`>${what}<`);
}
