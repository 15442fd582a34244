import assert from "node:assert/strict";
import {
  judgeAccelerator,
  PROBE_SCRIPT,
  readProbe,
} from "../../../providers/kvm/host/accelerator.ts";
import { parseXml } from "../../../providers/kvm/xml/mod.ts";

function capabilities(arch: string, cpu: string, domainTypes: string[], guestArch = arch) {
  return parseXml(`<capabilities><host><cpu><arch>${arch}</arch>${cpu}</cpu></host>
    <guest><os_type>hvm</os_type><arch name='${guestArch}'>${
    domainTypes.map((type) => `<domain type='${type}'/>`).join("")
  }</arch></guest></capabilities>`);
}

const intel = "<model>Skylake-Server</model><vendor>Intel</vendor>";

for (
  const [name, xml, probe, verdict] of [
    [
      "Intel with VT-x",
      capabilities("x86_64", intel + "<feature name='vmx'/>", ["qemu", "kvm"]),
      {},
      "kvm-hw",
    ],
    [
      "Intel without VT-x, software KVM",
      capabilities("x86_64", intel, ["qemu", "kvm"]),
      {},
      "kvm-soft",
    ],
    [
      "Intel with VT-x, no KVM",
      capabilities("x86_64", intel + "<feature name='vmx'/>", ["qemu"]),
      {},
      "tcg",
    ],
    [
      "AMD: svm stands in the model",
      capabilities("x86_64", "<model>EPYC-Rome</model>", ["qemu", "kvm"]),
      {},
      "kvm-hw",
    ],
    [
      "AMD: svm stands beside it",
      capabilities("x86_64", "<model>kvm64</model><feature name='svm'/>", ["qemu", "kvm"]),
      {},
      "kvm-hw",
    ],
    [
      "ARM has no flag",
      capabilities("aarch64", "<model>cortex-a72</model>", ["qemu", "kvm"]),
      {},
      "kvm-hw",
    ],
    ["ARM without KVM", capabilities("aarch64", "", ["qemu"]), {}, "tcg"],
    [
      "a foreign emulator counts for nothing",
      capabilities("aarch64", "", ["qemu", "kvm"], "x86_64"),
      {},
      "tcg",
    ],
    ["the host's own word goes before libvirt's", capabilities("x86_64", intel, ["qemu", "kvm"]), {
      flag: "vmx",
    }, "kvm-hw"],
    [
      "also when it says no",
      capabilities("x86_64", intel + "<feature name='vmx'/>", ["qemu", "kvm"]),
      { flag: "none" },
      "kvm-soft",
    ],
  ] as const
) {
  Deno.test(`accelerator: ${name}`, () => {
    const judged = judgeAccelerator(xml, probe);
    assert.equal(judged.verdict, verdict, judged.evidence.join("\n"));
    assert.ok(judged.evidence.length >= 2);
  });
}

Deno.test("accelerator: the evidence names device, modules and flags", () => {
  const probe = readProbe("flag none\ndevice 600 root:root\nopens yes\nmodules kvm kvm_pvm\n");
  assert.deepEqual(probe, {
    flag: "none",
    device: "600 root:root",
    opens: true,
    modules: ["kvm", "kvm_pvm"],
  });
  assert.deepEqual(judgeAccelerator(capabilities("x86_64", intel, ["qemu", "kvm"]), probe), {
    verdict: "kvm-soft",
    evidence: [
      "libvirt offers domain type 'kvm' for x86_64",
      "/dev/kvm is there (600 root:root) and opens",
      "kernel modules: kvm, kvm_pvm",
      "/proc/cpuinfo has neither vmx (VT-x) nor svm (AMD-V)",
    ],
  });
});

Deno.test("accelerator: the probe's script runs in a plain shell", async () => {
  const { stdout, success } = await new Deno.Command("sh", { args: ["-c", PROBE_SCRIPT] }).output();
  assert.ok(success);
  const probe = readProbe(new TextDecoder().decode(stdout));
  assert.ok(probe.flag !== undefined && probe.device !== undefined, JSON.stringify(probe));
});
