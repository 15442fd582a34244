/**
 * As much of a VNC client as it takes to be let in: RFB 3.8 with a password.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6143
 * @module
 */

import { createCipheriv } from "node:crypto";

/** Security type "VNC authentication". */
const PASSWORD = 2;

/** What a display says to who comes with a password. */
export type Welcome = "let in" | "refused" | "asks for none";

/** Knocks at a display's Unix socket with a password. */
export async function knock(socket: string, password: string): Promise<Welcome> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  const greeting = new TextDecoder().decode(await read(connection, 12));
  if (greeting !== "RFB 003.008\n") throw new Error(`no display: ${JSON.stringify(greeting)}`);
  await write(connection, new TextEncoder().encode(greeting));
  const [count] = await read(connection, 1);
  const types = await read(connection, count!);
  if (!types.includes(PASSWORD)) return "asks for none";
  await write(connection, Uint8Array.of(PASSWORD));
  await write(connection, answer(await read(connection, 16), password));
  const result = new DataView((await read(connection, 4)).buffer).getUint32(0);
  return result === 0 ? "let in" : "refused";
}

/** The challenge, enciphered with DES; the password is the key, each byte's bits turned round. */
function answer(challenge: Uint8Array, password: string): Uint8Array {
  const key = new Uint8Array(8);
  key.set(new TextEncoder().encode(password).subarray(0, 8).map(turnedRound));
  // Three times the same key is DES.
  const whole = new Uint8Array([...key, ...key, ...key]);
  const blocks = [challenge.subarray(0, 8), challenge.subarray(8)].map((block) => {
    const cipher = createCipheriv("des-ede3-cbc", whole, new Uint8Array(8));
    cipher.setAutoPadding(false);
    return [...cipher.update(block), ...cipher.final()];
  });
  return new Uint8Array(blocks.flat());
}

function turnedRound(byte: number): number {
  let turned = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) turned |= 0x80 >> bit;
  return turned;
}

async function read(connection: Deno.Conn, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes);
  for (let at = 0; at < bytes;) {
    const got = await connection.read(whole.subarray(at));
    if (got === null) throw new Error(`the display hung up after ${at} of ${bytes} bytes`);
    at += got;
  }
  return whole;
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
