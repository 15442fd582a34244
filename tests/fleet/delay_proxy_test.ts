import assert from "node:assert/strict";
import { poll } from "./command.ts";
import { DelayProxy } from "./delay_proxy.ts";

/** Serves each connection to `listener` with `handle`, until the listener is closed. */
function serve(
  listener: Deno.Listener,
  handle: (connection: Deno.Conn) => Promise<void>,
): Promise<void> {
  return (async () => {
    const all: Promise<void>[] = [];
    for await (const connection of listener) {
      all.push(
        handle(connection).catch(() => {}).finally(() => {
          try {
            connection.close();
          } catch { /* the handler has closed it */ }
        }),
      );
    }
    await Promise.all(all);
  })();
}

/** Sends back what it gets, until the end of it. */
async function echo(connection: Deno.Conn): Promise<void> {
  await connection.readable.pipeTo(connection.writable);
}

interface Fixture extends AsyncDisposable {
  readonly proxy: DelayProxy;
  readonly connect: () => Promise<Deno.TcpConn>;
}

function fixture(rttMs: number, handle: (connection: Deno.Conn) => Promise<void> = echo): Fixture {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serve(listener, handle);
  const port = (listener.addr as Deno.NetAddr).port;
  const proxy = DelayProxy.start({ target: { hostname: "127.0.0.1", port }, rttMs });
  return {
    proxy,
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: proxy.port }),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      listener.close();
      await serving;
    },
  };
}

async function roundTrip(connection: Deno.Conn, byte = 7): Promise<number> {
  const start = performance.now();
  await connection.write(new Uint8Array([byte]));
  const answer = new Uint8Array(1);
  assert.equal(await connection.read(answer), 1);
  assert.equal(answer[0], byte);
  return performance.now() - start;
}

for (const rttMs of [0, 10, 50]) {
  Deno.test(`a round trip takes ${rttMs} ms longer through the proxy`, async () => {
    await using line = fixture(rttMs);
    using connection = await line.connect();
    await roundTrip(connection);
    const times: number[] = [];
    for (let turn = 0; turn < 11; turn++) times.push(await roundTrip(connection));
    times.sort((a, b) => a - b);
    // Never early; the best of them hardly late.
    assert.ok(times[0]! >= rttMs - 0.5, `${times[0]} ms`);
    assert.ok(times[0]! < rttMs + 15, `${times[0]} ms`);
  });
}

Deno.test("opening a connection takes the round trips that a handshake takes", async () => {
  await using line = fixture(50);
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const start = performance.now();
    using connection = await line.connect();
    await roundTrip(connection);
    times.push(performance.now() - start);
  }
  // One for SYN and its answer, one for the byte and its echo.
  const best = Math.min(...times);
  assert.ok(best >= 99.5 && best < 140, `${best} ms`);
});

Deno.test("many messages are on the way at once", async () => {
  await using line = fixture(50);
  using connection = await line.connect();
  await roundTrip(connection);
  const start = performance.now();
  // A hundred messages, 1 ms apart: one after the other they would take 5 s.
  const received = (async () => {
    const bytes: number[] = [];
    const buffer = new Uint8Array(100);
    while (bytes.length < 100) bytes.push(...buffer.subarray(0, (await connection.read(buffer))!));
    return bytes;
  })();
  for (let byte = 0; byte < 100; byte++) {
    await connection.write(new Uint8Array([byte]));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.deepEqual(await received, Array.from({ length: 100 }, (_, at) => at));
  assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
});

Deno.test("a long line does not limit throughput, and keeps order and every byte", async () => {
  const size = 128 * 1024 * 1024;
  const block = crypto.getRandomValues(new Uint8Array(65536));
  const words = new BigUint64Array(block.buffer);
  await using line = fixture(50, async (connection) => {
    for (let sent = 0; sent < size; sent += block.length) {
      // Each block differs from the one before.
      words[0] = BigInt(sent);
      for (let at = 0; at < block.length;) at += await connection.write(block.subarray(at));
    }
    await connection.closeWrite();
    await connection.read(new Uint8Array(1));
  });
  using connection = await line.connect();
  const start = performance.now();
  const buffer = new Uint8Array(256 * 1024);
  const head = new Uint8Array(8);
  let received = 0;
  while (true) {
    const count = await connection.read(buffer);
    if (count === null) break;
    for (let at = 0; at < count; at++) {
      const offset = (received + at) % block.length;
      if (offset >= 8) {
        // Only the head of a block is looked at byte by byte.
        const rest = Math.min(block.length - offset, count - at);
        assert.deepEqual(buffer.subarray(at, at + rest), block.subarray(offset, offset + rest));
        at += rest - 1;
        continue;
      }
      head[offset] = buffer[at]!;
      if (offset < 7) continue;
      const number = new DataView(head.buffer).getBigUint64(0, true);
      assert.equal(number, BigInt(received + at - 7));
    }
    received += count;
  }
  assert.equal(received, size);
  const rate = size / 1e6 / ((performance.now() - start) / 1000);
  // A proxy that waits between reading and writing has 256 KiB a 25 ms: 10 MB/s.
  assert.ok(rate > 60, `${rate.toFixed(0)} MB/s`);
});

Deno.test("the end of one direction leaves the other open", async () => {
  await using line = fixture(10, async (connection) => {
    let count = 0;
    const buffer = new Uint8Array(1024);
    for (
      let got = await connection.read(buffer);
      got !== null;
      got = await connection.read(buffer)
    ) {
      count += got;
    }
    await connection.write(new TextEncoder().encode(`${count} bytes`));
  });
  using connection = await line.connect();
  await connection.write(new Uint8Array(300));
  await connection.closeWrite();
  assert.equal(await new Response(connection.readable).text(), "300 bytes");
});

Deno.test("a cut closes what is open and takes new connections", async () => {
  await using line = fixture(10);
  using connection = await line.connect();
  await roundTrip(connection);
  assert.equal(line.proxy.connections, 1);
  line.proxy.cut();
  const end = await connection.read(new Uint8Array(1)).catch(() => null);
  assert.equal(end, null);
  await poll("connection gone", () => line.proxy.connections === 0 ? true : undefined);
  using again = await line.connect();
  await roundTrip(again);
});

Deno.test("a stall holds everything up without a word, and can end", async () => {
  await using line = fixture(0);
  using connection = await line.connect();
  await roundTrip(connection);
  line.proxy.stall();
  let answered = false;
  const answer = roundTrip(connection).then((ms) => {
    answered = true;
    return ms;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(answered, false);
  line.proxy.resume();
  assert.ok(await answer >= 150);
});

Deno.test("a target that refuses ends the connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await using proxy = DelayProxy.start({ target: { hostname: "127.0.0.1", port }, rttMs: 10 });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  assert.equal(await connection.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("socket files are served too", async () => {
  const dir = await Deno.makeTempDir();
  const listener = Deno.listen({ transport: "unix", path: `${dir}/target` });
  const serving = serve(listener, echo);
  {
    await using proxy = DelayProxy.start({
      target: { transport: "unix", path: `${dir}/target` },
      listen: { transport: "unix", path: `${dir}/proxy` },
      rttMs: 20,
    });
    assert.deepEqual(proxy.address, { transport: "unix", path: `${dir}/proxy` });
    using connection = await Deno.connect({ transport: "unix", path: `${dir}/proxy` });
    assert.ok(await roundTrip(connection) >= 19.5);
  }
  listener.close();
  await serving;
  await Deno.remove(dir, { recursive: true });
});
