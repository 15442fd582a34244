import assert from "node:assert/strict";
import { isTransient, libvirtError } from "../../../providers/kvm/host/failure.ts";
import { ErrorCode } from "../../../providers/kvm/libvirt/error_names.ts";
import { localUnreachable } from "../../../providers/kvm/host/unreachable.ts";

const attempt = {
  host: "kvm1",
  uri: "qemu+ssh://kvm1/system",
  doing: 'create machine "web"',
  address: "kvm1/machine.web",
  declaredAt: "stack.ts:3:1",
};

for (
  const [code, domain, message, expected, transient] of [
    [38, 7, "Cannot recv data: Connection reset by peer", "kvm.connection-lost", true],
    [1, 7, "internal error: client socket is closed", "kvm.connection-lost", true],
    [
      1,
      7,
      "internal error: connection closed due to keepalive timeout",
      "kvm.connection-lost",
      true,
    ],
    [68, 10, "Timed out during operation: cannot acquire state change lock", "kvm.timeout", true],
    [86, 10, "Guest agent is not responding", "kvm.agent-unresponsive", true],
    [38, 18, "cannot write data to file '/p/x': No space left on device", "kvm.no-space", false],
    [
      38,
      7,
      "Failed to connect socket to '/var/run/libvirt/virtlogd-sock': No such file",
      "kvm.no-virtlogd",
      false,
    ],
    [
      38,
      7,
      "Failed to connect socket to '/var/run/libvirt/virtstoraged-sock': No such file",
      "kvm.no-daemon",
      false,
    ],
    [
      3,
      0,
      "this function is not supported by the connection driver: virStoragePoolLookupByName",
      "kvm.no-driver",
      false,
    ],
    [
      1,
      10,
      "process exited while connecting to monitor: Could not access KVM kernel module: Permission denied",
      "kvm.kvm-refused",
      false,
    ],
    [1, 10, 'process exited: Failed to get "write" lock', "kvm.image-in-use", false],
    [1, 10, "Could not open '/root/x.img': Permission denied", "kvm.file-permission", false],
    [
      1,
      19,
      "internal error: Network is already in use by interface virbr0",
      "kvm.address-in-use",
      false,
    ],
    [42, 10, "Domain not found", "kvm.gone", false],
    [92, 5, "XML document failed to validate against schema", "kvm.xml-refused", false],
    [67, 10, "unsupported configuration: nope", "kvm.unsupported", false],
    [88, 0, "access denied", "kvm.denied", false],
    [9, 20, "operation failed: domain 'web' already exists with uuid x", "kvm.exists", false],
    [1, 10, "internal error: something odd", "kvm.libvirt", false],
  ] as const
) {
  Deno.test(`libvirt's "${message.slice(0, 60)}" becomes ${expected}`, () => {
    const error = libvirtError({ code, domain, message, call: "virDomainCreate" }, attempt);
    assert.equal(error.code, expected);
    assert.equal(isTransient(error), transient);
    const text = error.render();
    for (
      const part of [
        "kvm1/machine.web",
        "host kvm1 (qemu+ssh://kvm1/system)",
        "stack.ts:3:1",
        message,
        `${code})`,
      ]
    ) {
      assert.ok(text.includes(part), text);
    }
    assert.ok(error.help !== undefined);
  });
}

for (
  const [message, expected] of [
    [
      "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory",
      "kvm.no-libvirt",
    ],
    [
      "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused",
      "kvm.no-libvirt",
    ],
    [
      "Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
      "kvm.permission",
    ],
    ["authentication unavailable: no polkit agent available", "kvm.permission"],
  ] as const
) {
  Deno.test(`a local daemon: "${message.slice(-30)}" becomes ${expected}`, () => {
    const error = localUnreachable({ name: "here", uri: "qemu:///system" }, {
      code: 38,
      domain: 7,
      message,
    });
    assert.equal(error.code, expected);
    assert.match(error.render(), /host here \(qemu:\/\/\/system\)/);
  });
}

Deno.test("of libvirt's own codes only these may pass", () => {
  const passing = Object.entries(ErrorCode).filter(([, code]) =>
    isTransient(libvirtError({ code, domain: 10, message: "it failed" }, attempt))
  );
  assert.deepEqual(passing.map(([name]) => name).sort(), [
    "VIR_ERR_AGENT_UNRESPONSIVE",
    "VIR_ERR_AGENT_UNSYNCED",
    "VIR_ERR_INVALID_CONN",
    "VIR_ERR_OPERATION_TIMEOUT",
    "VIR_ERR_RESOURCE_BUSY",
  ]);
});

Deno.test("no daemon on this machine: the advice is of the one that libvirt looked for", () => {
  const help = (socket: string) =>
    localUnreachable({ name: "lab", uri: "qemu:///system" }, {
      code: 38,
      domain: 7,
      message:
        `Failed to connect socket to '/var/run/libvirt/${socket}': No such file or directory`,
    }).help!;
  assert.match(
    help("libvirt-sock"),
    /^start it \(systemctl enable --now libvirtd \(without systemd/,
  );
  assert.match(help("virtqemud-sock"), /virtqemud.socket virtnetworkd.socket virtstoraged.socket/);
});
