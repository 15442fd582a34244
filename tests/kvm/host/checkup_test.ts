import assert from "node:assert/strict";
import { checkup, HOST_SCRIPT, type HostFindings } from "../../../providers/kvm/host/checkup.ts";
import { libvirtError } from "../../../providers/kvm/host/failure.ts";

const script = `user root
flag vmx
device 660 root:kvm
opens yes
modules kvm kvm_intel
qemu-user libvirt-qemu libvirt-qemu kvm
program dnsmasq /usr/sbin/dnsmasq
program qemu-img /usr/bin/qemu-img
program virtlogd /usr/sbin/virtlogd
program nft /usr/sbin/nft
socket virtlogd-sock listening
socket virtlockd-sock absent
forward 1
free 83238784
`;

const well: HostFindings = {
  facts: {
    uri: "qemu:///system",
    hostname: "kvm1",
    libvirtVersion: 9_000_000,
    hypervisorVersion: 7_002_022,
    arch: "x86_64",
    accelerator: { verdict: "kvm-hw", evidence: ["libvirt offers domain type 'kvm' for x86_64"] },
    emulators: {
      x86_64: {
        path: "/usr/bin/qemu-system-x86_64",
        domainTypes: ["qemu", "kvm"],
        machines: [],
        efi: true,
      },
    },
    cpus: 8,
    memory: 32 * 2 ** 30,
    freeMemory: 16 * 2 ** 30,
  },
  local: true,
  script,
  pools: [{ name: "default", active: true, autostart: true }],
  networks: [],
};

function troubles(findings: Partial<HostFindings>): string[] {
  return checkup({ ...well, ...findings }).filter(({ status }) => status !== "ok").map((check) => {
    assert.ok(check.remedy !== undefined || check.name === "commands", check.name);
    return `${check.status} ${check.name}`;
  });
}

Deno.test("doctor: a host that is well", () => {
  assert.deepEqual(troubles({}), []);
});

for (
  const [name, findings, expected] of [
    ["QEMU's user cannot open /dev/kvm", {
      script: script.replace("660 root:kvm", "600 root:root"),
    }, ["warn /dev/kvm"]],
    ["QEMU runs as root, so it can", {
      script: script.replace("660 root:kvm", "600 root:root").replace(
        "libvirt-qemu libvirt-qemu kvm",
        "root root",
      ),
    }, []],
    [
      "everybody may open /dev/kvm",
      { script: script.replace("660 root:kvm", "666 root:root") },
      [],
    ],
    ["virtlogd does not run", {
      script: script.replace("virtlogd-sock listening", "virtlogd-sock dead"),
    }, ["fail virtlogd"]],
    ["virtlogd is not needed", {
      script: script.replace("virtlogd-sock listening", "virtlogd-sock absent") + "stdio file\n",
    }, []],
    ["dnsmasq is missing", { script: script.replace(/program dnsmasq.*\n/, "") }, ["fail dnsmasq"]],
    ["no packet filter", { script: script.replace(/program nft.*\n/, "") }, ["fail packet filter"]],
    ["qemu-img is missing", { script: script.replace(/program qemu-img.*\n/, "") }, [
      "fail qemu-img",
    ]],
    ["no room", { script: script.replace("free 83238784", "free 1000") }, ["warn room"]],
    ["software KVM", {
      facts: { ...well.facts, accelerator: { verdict: "kvm-soft", evidence: [] } },
    }, ["warn accelerator"]],
    ["no emulator", { facts: { ...well.facts, emulators: {} } }, ["fail qemu"]],
    ["a pool that should run", { pools: [{ name: "store", active: false, autostart: true }] }, [
      "warn pools",
    ]],
    ["the daemon of the networks does not run", {
      networks: libvirtError({
        code: 38,
        domain: 7,
        message: "Failed to connect socket to '/var/run/libvirt/virtnetworkd-sock': No such file",
      }, { host: "kvm1", uri: "qemu:///system", doing: "list the networks" }),
    }, ["fail networks"]],
    ["no command can be run there", { script: undefined, local: false }, ["warn commands"]],
  ] as const
) {
  Deno.test(`doctor: ${name}`, () => {
    assert.deepEqual(troubles(findings as Partial<HostFindings>), expected);
  });
}

Deno.test("doctor: the host's script runs in a plain shell and says what it should", async () => {
  const { stdout, stderr, success } = await new Deno.Command("sh", { args: ["-c", HOST_SCRIPT] })
    .output();
  const decoder = new TextDecoder();
  assert.ok(success);
  assert.equal(decoder.decode(stderr), "");
  const said = decoder.decode(stdout);
  for (const word of ["user", "device", "socket virtlogd-sock", "free"]) {
    assert.match(said, new RegExp(`^${word} `, "m"));
  }
});
