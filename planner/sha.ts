/**
 * SHA-1 and SHA-256 (FIPS 180-4) of short inputs, for identities and addresses that are derived.
 *
 * Written out, for `node:crypto` takes longer to load than a stack to be evaluated, and
 * `crypto.subtle` is asynchronous. Tests compare it with `node:crypto`.
 *
 * @module
 */

/** SHA-1, hexadecimal. */
export function sha1(bytes: Uint8Array): string {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const view = padded(bytes);
  for (let at = 0; at < view.byteLength; at += 64) sha1Block(state, view, at);
  return hex(state);
}

/** SHA-256, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  const state = roots.sha256Start.slice();
  const view = padded(bytes);
  for (let at = 0; at < view.byteLength; at += 64) sha256Block(state, view, at);
  return hex(state);
}

/** Behind the input a one bit, zeros up to a multiple of 64 bytes, and its length in bits. */
function padded(bytes: Uint8Array): DataView {
  const whole = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  const view = new DataView(whole.buffer);
  view.setUint32(whole.length - 8, bytes.length / 2 ** 29);
  view.setUint32(whole.length - 4, bytes.length * 8);
  return view;
}

function hex(state: Int32Array): string {
  let text = "";
  for (const word of state) text += (word >>> 0).toString(16).padStart(8, "0");
  return text;
}

/** The words of the block at hand, stretched. */
const words = new Int32Array(80);

function sha1Block(state: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4);
  for (let i = 16; i < 80; i++) {
    words[i] = left(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!, e = state[4]!;
  for (let i = 0; i < 80; i++) {
    let mixed: number;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + (0x8f1bbcdc | 0);
    else mixed = (b ^ c ^ d) + (0xca62c1d6 | 0);
    const next = (left(a, 5) + (mixed | 0) + e + words[i]!) | 0;
    e = d;
    d = c;
    c = left(b, 30);
    b = a;
    a = next;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
}

function sha256Block(state: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15]!, y = words[i - 2]!;
    const s0 = right(x, 7) ^ right(x, 18) ^ (x >>> 3);
    const s1 = right(y, 17) ^ right(y, 19) ^ (y >>> 10);
    words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
  }
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = right(e, 6) ^ right(e, 11) ^ right(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + roots.sha256Round[i]! + words[i]!) | 0;
    const s0 = right(a, 2) ^ right(a, 13) ^ right(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

function left(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function right(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** SHA-256's constants: the fractional parts of roots of the first primes, 32 bits of them. */
const roots = (() => {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((one) => n % one !== 0)) primes.push(n);
  const fraction = (root: number) => (root % 1) * 2 ** 32;
  return {
    sha256Start: Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    sha256Round: Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  };
})();
