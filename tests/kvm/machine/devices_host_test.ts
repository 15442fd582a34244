/** Every device, declared, made and changed, as the libvirt of this host takes and keeps it. */

import assert from "node:assert/strict";
import type { JsonObject, Resource } from "../../../providers/provider.ts";
import { machineKind, machineXml, patchMachine } from "../../../providers/kvm/kinds/machine/mod.ts";
import { SAMPLES } from "./devices.ts";
import { completed, lookup, machine, MARK, observed } from "./fixtures.ts";

async function virsh(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const command = new Deno.Command("virsh", { args: ["-q", "-c", "qemu:///system", ...args] });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, out: decode(stdout), error: decode(stderr) };
}

async function reachable(): Promise<boolean> {
  try {
    return (await virsh("version")).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const uuid = crypto.randomUUID();
const name = `staddle-devices-${uuid.slice(0, 8)}`;

/** The machine under a name and identity of this test's own. */
function own(declared: JsonObject): Resource {
  const resource = machine({ ...declared, name });
  return { ...resource, uuid };
}

async function define(xml: string): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    await Deno.writeTextFile(file, xml);
    const { code, error } = await virsh("define", "--validate", file);
    assert.equal(code, 0, `${error}\n${xml}`);
  } finally {
    await Deno.remove(file);
  }
  const { out } = await virsh("dumpxml", "--inactive", "--security-info", name);
  return out;
}

Deno.test({
  name: "libvirt keeps every device as it was declared",
  ignore: !(await reachable()),
  fn: async (t) => {
    for (const { path, before, after, undefinable } of SAMPLES) {
      await t.step({
        name: path,
        ignore: undefinable !== undefined && !(await offers(undefinable)),
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
            await virsh("undefine", "--nvram", name);
          }
        },
      });
    }
  },
});

/** Whether the host's QEMU has what a sample needs. */
async function offers(what: string): Promise<boolean> {
  const { out } = await virsh("domcapabilities");
  return what === "SEV" ? out.includes("<sev supported='yes'") : out.includes(`>${what}<`);
}
