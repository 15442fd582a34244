/** Connections: opening, asking, failing, closing. */

import assert from "node:assert/strict";
import {
  AffectFlags,
  type AuthRequest,
  ErrorCode,
  isDenied,
  isDisconnected,
  isNotFound,
  Libvirt,
  LibvirtClosedError,
  LibvirtError,
  LibvirtLibraryError,
  LibvirtTimeoutError,
} from "../../providers/kvm/libvirt/mod.ts";
import { delay, domainXml, PrivateDaemon, run, SYSTEM, systemAnswers, until } from "./support.ts";

const system = await systemAnswers();

Deno.test("the in-memory driver: a host can be asked about itself", async () => {
  await using libvirt = await Libvirt.open();
  assert.ok(libvirt.version() >= 6_000_000);
  await using connection = await libvirt.connect("test:///default");
  assert.equal(connection.uri, "test:///default");
  assert.equal(connection.keepalive, false);
  assert.equal(await connection.type(), "TEST");
  assert.equal(await connection.isAlive(), true);
  assert.equal(await connection.isSecure(), true);
  assert.equal((await connection.nodeInfo()).cpus, 16);
  assert.match(await connection.capabilities(), /^<capabilities>/);
  assert.deepEqual((await connection.cpuMap()).slice(0, 3), [true, false, true]);
});

Deno.test("the real daemon: a host can be asked about itself", { ignore: !system }, async () => {
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect(SYSTEM);
  assert.equal(connection.keepalive, true);
  assert.ok(await connection.libVersion() >= 6_000_000);
  assert.ok(await connection.hypervisorVersion() > 1_000_000);
  assert.equal(await connection.type(), "QEMU");
  assert.ok((await connection.hostname()).length > 0);
  const node = await connection.nodeInfo();
  assert.equal(node.cpus, navigator.hardwareConcurrency);
  assert.ok(node.memory > 100_000);
  assert.ok(await connection.freeMemory() > 1_000_000);
  assert.ok((await connection.cpuMap()).length >= node.cpus);
  assert.match(
    await connection.domainCapabilities({ arch: "x86_64", virttype: "qemu" }),
    /<domain>qemu<\/domain>/,
  );
  assert.match(await connection.poolCapabilities(), /<storagepoolCapabilities>/);
  assert.ok((await connection.cpuModelNames("x86_64")).includes("EPYC"));
  assert.ok(await connection.maxVcpus("qemu") > 0);
  assert.ok((await connection.nodeDevices()).some(({ name }) => name === "computer"));
  assert.ok((await connection.nwfilters()).length > 0);
  const stats = await connection.allDomainStats();
  assert.ok(Array.isArray(stats));
});

Deno.test("a missing library says which package to install", async () => {
  const error = await Libvirt.open({ library: "/nonexistent/libvirt.so.0" }).then(
    () => assert.fail("it was opened"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof LibvirtLibraryError);
  assert.equal(
    error.message,
    'Cannot load libvirt from "/nonexistent/libvirt.so.0": ' +
      "/nonexistent/libvirt.so.0: cannot open shared object file: No such file or directory. " +
      "Install libvirt's client library (Debian and Ubuntu: package libvirt0; Fedora: libvirt-libs; " +
      "Arch: libvirt), or set STADDLE_LIBVIRT to its file",
  );
});

Deno.test("a file that is another library is refused, and says so", async () => {
  const error = await Libvirt.open({ library: "libc.so.6" }).then(
    () => assert.fail("it was opened"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof LibvirtLibraryError);
  assert.match(error.message, /is this really libvirt's library\?/);
});

Deno.test("a call that this library lacks says which version is needed", async () => {
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect("test:///default");
  using network = await connection.networkByName("default");
  const failure = network.metadata(0).then(() => undefined, (error: unknown) => error);
  const error = await failure;
  if (libvirt.version() >= 9_007_000) {
    assert.ok(error instanceof LibvirtError);
    return;
  }
  assert.ok(error instanceof LibvirtLibraryError);
  assert.equal(
    error.message,
    'Cannot call virNetworkGetMetadata: "libvirt.so.0" does not have it. ' +
      "It needs libvirt 9.7.0 or later on this machine",
  );
});

Deno.test("a failed open gives libvirt's own reason", async () => {
  await using libvirt = await Libvirt.open();
  await assert.rejects(
    libvirt.connect("qemu:///system?socket=/nonexistent/sock"),
    (error: unknown) => {
      assert.ok(error instanceof LibvirtError);
      assert.equal(error.call, "virConnectOpen");
      assert.equal(error.code, ErrorCode.VIR_ERR_SYSTEM_ERROR);
      assert.equal(error.codeName, "VIR_ERR_SYSTEM_ERROR");
      assert.match(error.libvirtMessage, /Failed to connect socket to '\/nonexistent\/sock'/);
      assert.equal(error.uri, "qemu:///system?socket=/nonexistent/sock");
      assert.ok(isDisconnected(error));
      return true;
    },
  );
  await assert.rejects(libvirt.connect("nonsense:///"), LibvirtError);
});

Deno.test("a read-only connection refuses changes", async () => {
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect("test:///default", { readonly: true });
  using domain = await connection.domainByName("test");
  await assert.rejects(domain.destroy(), (error: unknown) => isDenied(error));
});

Deno.test("the authentication callback is asked, and may take its time", async () => {
  const node = await Deno.makeTempFile({ suffix: ".xml" });
  await Deno.writeTextFile(
    node,
    `<node><auth><user password='s3cret'>bob</user></auth></node>`,
  );
  try {
    await using libvirt = await Libvirt.open();
    const asked: AuthRequest[] = [];
    const answers = (password: string) => async (requests: readonly AuthRequest[]) => {
      await delay(20);
      asked.push(...requests);
      return requests.map(({ kind }) => kind === "passphrase" ? password : "bob");
    };
    await using connection = await libvirt.connect(`test://${node}`, { auth: answers("s3cret") });
    assert.equal(await connection.type(), "TEST");
    assert.deepEqual(asked.map(({ kind }) => kind), ["authname", "passphrase"]);
    assert.match(asked[0]?.prompt ?? "", /username/);

    await assert.rejects(
      libvirt.connect(`test://${node}`, { auth: answers("wrong") }),
      (error: unknown) => isDenied(error),
    );
    await assert.rejects(
      libvirt.connect(`test://${node}`, {
        auth: () => {
          throw new Error("nobody is there");
        },
      }),
      (error: unknown) => isDenied(error),
    );
  } finally {
    await Deno.remove(node);
  }
});

Deno.test("500 failing calls on each of 8 connections at once: every error is the call's own", {
  ignore: !system,
}, async () => {
  await using libvirt = await Libvirt.open();
  const uris = Array.from(
    { length: 8 },
    (_, index) => index % 2 === 0 ? SYSTEM : "test:///default",
  );
  const connections = await Promise.all(uris.map((uri) => libvirt.connect(uri)));
  // A known message each: libvirt repeats the name (real daemon) or XML element (in-memory driver).
  const outcomes = await Promise.all(
    connections.flatMap((connection, lane) =>
      Array.from({ length: 500 }, async (_, index) => {
        const name = `lvt-none-${lane}-${index}`;
        const call = index % 3 === 0
          ? connection.domainByName(name)
          : index % 3 === 1
          ? connection.networkByName(name)
          : connection.defineDomain(`<${name}/>`);
        const error = await call.then(() => undefined, (error: unknown) => error);
        return { name, index, uri: connection.uri, error };
      })
    ),
  );
  assert.equal(outcomes.length, 4_000);
  const codes = [
    ["virDomainLookupByName", ErrorCode.VIR_ERR_NO_DOMAIN],
    ["virNetworkLookupByName", ErrorCode.VIR_ERR_NO_NETWORK],
    ["virDomainDefineXMLFlags", ErrorCode.VIR_ERR_XML_ERROR],
  ] as const;
  let named = 0;
  for (const { name, index, uri, error } of outcomes) {
    assert.ok(error instanceof LibvirtError);
    const [call, code] = codes[index % 3] as typeof codes[number];
    assert.equal(error.call, call);
    assert.equal(error.code, code);
    assert.equal(error.uri, uri);
    for (const [other] of error.libvirtMessage.matchAll(/lvt-none-\d+-\d+/g)) {
      assert.equal(other, name);
      named++;
    }
  }
  // The in-memory driver does not repeat a domain's name; every other message carries it.
  assert.ok(named > 3_300, `${named} messages carry their own name`);
  await Promise.all(connections.map((connection) => connection.close()));
});

Deno.test("the main thread goes on while opens hang", async () => {
  const slow = await slowServer();
  await using libvirt = await Libvirt.open();
  try {
    let last = performance.now();
    let stall = 0;
    const timer = setInterval(() => {
      stall = Math.max(stall, performance.now() - last);
      last = performance.now();
    }, 5);
    // Eight opens that hang: the server accepts and never answers.
    const opens = Array.from(
      { length: 8 },
      () => libvirt.connect(slow.uri, { timeout: 3_000 }).then(() => undefined, (error) => error),
    );
    const errors = await Promise.all(opens);
    clearInterval(timer);
    for (const error of errors) {
      assert.ok(error instanceof LibvirtTimeoutError);
      assert.ok(isDisconnected(error));
    }
    // A call on the main thread would hold it up for three seconds.
    assert.ok(stall < 1_000, `the longest stall of the main thread was ${stall.toFixed(0)} ms`);
  } finally {
    await slow.close();
  }
});

Deno.test("an open is given up by its signal", async () => {
  const slow = await slowServer();
  await using libvirt = await Libvirt.open();
  try {
    await assert.rejects(
      libvirt.connect(slow.uri, { signal: AbortSignal.timeout(50) }),
      { name: "TimeoutError" },
    );
    await assert.rejects(
      libvirt.connect("test:///default", { signal: AbortSignal.abort(new Error("no")) }),
      /no/,
    );
  } finally {
    await slow.close();
  }
});

/** A socket that accepts and never answers. */
async function slowServer(): Promise<{ uri: string; close: () => Promise<void> }> {
  const folder = await Deno.makeTempDir({ prefix: "lvt-slow-" });
  const listener = Deno.listen({ transport: "unix", path: `${folder}/sock` });
  const accepted: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const conn of listener) accepted.push(conn);
  })();
  return {
    uri: `qemu:///system?socket=${folder}/sock`,
    close: async () => {
      listener.close();
      await serving.catch(() => {});
      for (const conn of accepted) conn.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test(
  "a daemon that stops answering is noticed by keepalive",
  { ignore: !system },
  async () => {
    await using libvirt = await Libvirt.open();
    await using daemon = await PrivateDaemon.start(libvirt);
    await using connection = await libvirt.connect(daemon.uri, {
      keepalive: { interval: 1, count: 2 },
    });
    const closed = Promise.withResolvers<string>();
    connection.on("close", ({ uri }) => closed.resolve(uri));
    daemon.freeze();
    const began = performance.now();
    const read = connection.capabilities().then(() => undefined, (error: unknown) => error);
    assert.equal(await closed.promise, connection.uri);
    const took = performance.now() - began;
    assert.ok(took < 6_000, `it took ${took.toFixed(0)} ms`);
    const error = await read;
    assert.ok(isDisconnected(error), String(error));
    assert.equal(await connection.isAlive(), false);
    daemon.thaw();
  },
);

Deno.test("a daemon that is killed is noticed at once", { ignore: !system }, async () => {
  await using libvirt = await Libvirt.open();
  const daemon = await PrivateDaemon.start(libvirt);
  await using connection = await libvirt.connect(daemon.uri);
  const closed = Promise.withResolvers<string>();
  connection.on("close", ({ uri }) => closed.resolve(uri));
  await daemon[Symbol.asyncDispose]();
  assert.equal(await closed.promise, connection.uri);
  const error = await connection.domains().then(() => undefined, (error: unknown) => error);
  assert.ok(isDisconnected(error), String(error));
});

Deno.test("what was closed cannot be used", async () => {
  await using libvirt = await Libvirt.open();
  const connection = await libvirt.connect("test:///default");
  const domain = await connection.domainByName("test");
  domain[Symbol.dispose]();
  domain[Symbol.dispose]();
  await assert.rejects(domain.xml(), (error: unknown) => {
    assert.ok(error instanceof LibvirtClosedError);
    assert.equal(error.message, 'Cannot use domain "test": it was disposed of');
    return true;
  });
  const other = await connection.domainByName("test");
  const running = other.xml();
  await connection.close();
  await connection.close();
  await running.catch((error: unknown) => assert.ok(error instanceof LibvirtClosedError));
  await assert.rejects(other.xml(), LibvirtClosedError);
  await assert.rejects(connection.domains(), (error: unknown) => {
    assert.ok(error instanceof LibvirtClosedError);
    assert.equal(error.message, "Cannot use the connection to test:///default: it was closed");
    return true;
  });
  other[Symbol.dispose]();
  await libvirt.close();
  await assert.rejects(libvirt.connect("test:///default"), LibvirtClosedError);
});

Deno.test("a handle that is disposed of while a call uses it is freed after the call", async () => {
  await using libvirt = await Libvirt.open();
  await using connection = await libvirt.connect("test:///default");
  const reads: Promise<string>[] = [];
  for (let round = 0; round < 200; round++) {
    using domain = await connection.domainByName("test");
    reads.push(domain.xml(AffectFlags.CURRENT));
  }
  assert.equal(new Set(await Promise.all(reads)).size, 1);
});

Deno.test("a thousand connections leave no client at the daemon and no memory behind", {
  ignore: !system,
}, async () => {
  await using libvirt = await Libvirt.open();
  await using daemon = await PrivateDaemon.start(libvirt);
  const round = async (count: number) => {
    for (let done = 0; done < count; done += 10) {
      await Promise.all(Array.from({ length: 10 }, async () => {
        await using connection = await libvirt.connect(daemon.uri);
        assert.ok(isNotFound(await connection.domainByName("none").catch((error) => error)));
      }));
    }
  };
  await round(200);
  const sockets = await daemon.sockets();
  const grows = async () => {
    const before = Deno.memoryUsage().rss;
    await round(1_000);
    await until("the last client's farewell", async () => await daemon.sockets() <= sockets);
    return (Deno.memoryUsage().rss - before) / 1_048_576;
  };
  // What leaks, leaks in every round; what only waits for the garbage collector does not.
  let grown = await grows();
  for (let again = 0; again < 4 && grown >= 24; again++) grown = await grows();
  assert.ok(grown < 24, `the process has grown by ${grown.toFixed(1)} MiB`);
});

Deno.test("a process ends by itself once its connections are closed", async () => {
  const module = new URL("../../providers/kvm/libvirt/mod.ts", import.meta.url);
  const folder = new URL(".", module).pathname;
  const program = `
    import { Libvirt } from ${JSON.stringify(module.href)};
    const libvirt = await Libvirt.open();
    const connection: unknown = await libvirt.connect("test:///default");
    const names = await (connection as any).domains();
    await (connection as any).close();
    console.log(names.length);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program);
  try {
    // With no more permissions than the binding says that it needs.
    const output = await run(
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--no-config",
      "--allow-ffi",
      `--allow-read=${folder}`,
      file,
    );
    assert.equal(output.trim(), "1");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("without permission to load Workers the error says which is needed", async () => {
  const module = new URL("../../providers/kvm/libvirt/mod.ts", import.meta.url);
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import { Libvirt } from ${JSON.stringify(module.href)};
    await using libvirt = await Libvirt.open();
    await libvirt.connect("test:///default").catch((error) => console.log(error.message));`,
  );
  try {
    const output = await run(
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--no-config",
      "--allow-ffi",
      file,
    );
    assert.match(output, /^Cannot run a Worker for libvirt: .*--allow-read for the folder /s);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test(
  "reads go past slow calls, of which four run at a time",
  { ignore: !system },
  async () => {
    const gate = await Deno.makeTempDir();
    await using folder = new AsyncDisposableStack();
    folder.defer(() => Deno.remove(gate, { recursive: true }));
    await using libvirt = await Libvirt.open();
    // Each start waits in the daemon until the gate opens, and says that it waits.
    const hold = `touch ${gate}/"$1"; until [ -e ${gate}/open ]; do sleep 0.1; done`;
    await using daemon = await PrivateDaemon.start(libvirt, `[ "$2" != prepare ] || { ${hold}; }`);
    const waiting = () => [...Deno.readDirSync(gate)].length;
    await using connection = await libvirt.connect(daemon.uri);
    await using opened = new AsyncDisposableStack();
    const open = () => Deno.writeTextFile(`${gate}/open`, "");
    opened.defer(open);
    const domains = await Promise.all(
      Array.from({ length: 6 }, (_, index) => connection.defineDomain(domainXml(`slow-${index}`))),
    );
    let last = performance.now();
    let stall = 0;
    const timer = setInterval(() => {
      stall = Math.max(stall, performance.now() - last);
      last = performance.now();
    }, 5);
    const ended = Promise.allSettled(domains.map((domain) => domain.create()));
    await until("the start of four", () => waiting() >= 4, 60_000);
    // (Not of the domains themselves: the daemon holds each one's lock while its hook runs.)
    let answered = false;
    const reads = Promise.all([connection.networks(), connection.pools(), connection.nodeInfo()])
      .then(() => answered = true);
    await until("the answer to the reads", () => answered, 60_000);
    await reads;
    await delay(1_000);
    assert.equal(waiting(), 4, "four starts are under way, and two wait for their turn");
    await open();
    assert.deepEqual((await ended).filter(({ status }) => status === "rejected"), []);
    clearInterval(timer);
    assert.ok(stall < 1_000, `the longest stall of the main thread was ${stall.toFixed(0)} ms`);
    await Promise.all(domains.map((domain) => domain.destroy()));
  },
);

Deno.test("a call that does not come back is given up when its connection is closed", {
  ignore: !system,
}, async () => {
  await using other = await Libvirt.open();
  await using daemon = await PrivateDaemon.start(other, '[ "$2" != prepare ] || sleep 5');
  const libvirt = await Libvirt.open();
  const connection = await libvirt.connect(daemon.uri);
  await connection.on("domain-lifecycle", () => {}).ready;
  const domain = await connection.defineDomain(domainXml("stuck"));
  const start = domain.create().then(() => undefined, (error: unknown) => error);
  await delay(200);
  await connection.close();
  const error = await start;
  assert.ok(error instanceof LibvirtClosedError);
  assert.match(error.message, /^virDomainCreateWithFlags has not come back: the connection to /);
  await libvirt.close();
  // The daemon goes while libvirt still waits for it on a thread that nobody listens to.
});
