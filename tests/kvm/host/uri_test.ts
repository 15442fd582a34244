import assert from "node:assert/strict";
import { parseHostUri } from "../../../providers/kvm/host/uri.ts";
import { StaddleError } from "../../../providers/error.ts";

const parse = (uri: string) => parseHostUri({ name: "lab", uri });

Deno.test("the ways to a daemon", () => {
  assert.deepEqual(parse("qemu:///system"), {
    text: "qemu:///system",
    driver: "qemu",
    path: "system",
    transport: "local",
  });
  assert.equal(parse("qemu+unix:///system?socket=/x").transport, "local");
  assert.equal(parse("test:///default").transport, "local");
  assert.equal(parse("qemu+tls://kvm1/system").transport, "other");
  assert.deepEqual(
    parse(
      "qemu+ssh://me%40corp@[fd00::1]:2222/system?keyfile=/k&known_hosts=/h&socket=/s&no_tty=1",
    ),
    {
      text:
        "qemu+ssh://me%40corp@[fd00::1]:2222/system?keyfile=/k&known_hosts=/h&socket=/s&no_tty=1",
      driver: "qemu",
      path: "system",
      user: "me@corp",
      hostname: "fd00::1",
      port: 2222,
      transport: "ssh",
      keyfile: "/k",
      knownHosts: "/h",
      socket: "/s",
    },
  );
});

for (
  const [uri, message] of [
    ["nonsense", /no libvirt URI/],
    ["qemu+ssh:///system", /needs a host name/],
    ["qemu+ssh://root:secret@kvm1/system", /password in a URI is not used/],
    ["qemu+ssh://kvm1/", /system or session/],
    ["test+ssh://kvm1/default", /system or session/],
    ["qemu+ssh://kvm1/system?no_verify=1", /no_verify=1 is not honoured/],
    ["qemu+ssh://kvm1/system?command=/bin/x", /command=\/bin\/x is not honoured/],
    ["qemu+ssh://kvm1/session?socket=/x", /socket= cannot be had with a session daemon/],
  ] as const
) {
  Deno.test(`refused: ${uri}`, () => {
    assert.throws(() => parse(uri), (error) => {
      assert.ok(error instanceof StaddleError);
      assert.equal(error.code, "kvm.uri");
      assert.match(error.message, message);
      assert.ok(error.help);
      assert.ok(!error.render().includes("secret"));
      return true;
    });
  });
}
