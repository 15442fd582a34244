/**
 * Opening a connection that may ask for credentials.
 *
 * libvirt asks by a callback on the thread that opens. That Worker sends the questions to the main
 * thread and waits on shared memory for the answers, so the program's callback may be asynchronous and
 * the main thread stays free.
 *
 * @module
 */

import { addressOf, keepAlive, type Native, textAt } from "../native.ts";

/** What libvirt asks for. */
export type CredentialKind =
  | "username"
  | "authname"
  | "language"
  | "cnonce"
  | "passphrase"
  | "echo-prompt"
  | "noecho-prompt"
  | "realm"
  | "external";

/** `virConnectCredentialType`, from 1. */
const KINDS: readonly CredentialKind[] = [
  "username",
  "authname",
  "language",
  "cnonce",
  "passphrase",
  "echo-prompt",
  "noecho-prompt",
  "realm",
  "external",
];

/** One question that libvirt asks while it opens a connection. */
export interface AuthRequest {
  /** What kind of answer is wanted. */
  readonly kind: CredentialKind;
  /** Text to show, for example `Enter username for localhost`. */
  readonly prompt: string;
  /** A challenge to answer, if the mechanism has one. */
  readonly challenge: string | null;
  /** Used when the answer is null and this is not. */
  readonly default: string | null;
}

/** Sent by a Worker that waits for answers. */
export interface AuthNotice {
  readonly notice: "auth";
  readonly requests: readonly AuthRequest[];
  /** 0: state (0 waiting, 1 answered, 2 refused); 1: length in bytes; from byte 8: JSON. */
  readonly reply: SharedArrayBuffer;
}

const REPLY_BYTES = 65_536;

/** struct _virConnectCredential: type 0, prompt 8, challenge 16, defresult 24, result 32, length 40. */
const CREDENTIAL = 48;

/** Writes answers (null: refuse) where the waiting Worker finds them, and wakes it. */
export function reply(to: SharedArrayBuffer, answers: readonly (string | null)[] | null): void {
  const state = new Int32Array(to, 0, 2);
  const bytes = new TextEncoder().encode(JSON.stringify(answers));
  if (answers === null || bytes.length > REPLY_BYTES - 8) {
    Atomics.store(state, 0, 2);
  } else {
    new Uint8Array(to, 8).set(bytes);
    Atomics.store(state, 1, bytes.length);
    Atomics.store(state, 0, 1);
  }
  Atomics.notify(state, 0);
}

function ask(native: Native, requests: readonly AuthRequest[]): (string | null)[] | null {
  const shared = new SharedArrayBuffer(REPLY_BYTES);
  const state = new Int32Array(shared, 0, 2);
  const notice: AuthNotice = { notice: "auth", requests, reply: shared };
  native.notify(notice);
  Atomics.wait(state, 0, 0);
  if (Atomics.load(state, 0) !== 1) return null;
  const bytes = new Uint8Array(shared, 8, Atomics.load(state, 1)).slice();
  const answers: unknown = JSON.parse(new TextDecoder().decode(bytes));
  return Array.isArray(answers)
    ? answers.map((answer) => typeof answer === "string" ? answer : null)
    : null;
}

function answer(native: Native, credentials: bigint, count: number): number {
  const memory = new DataView(
    Deno.UnsafePointerView.getArrayBuffer(
      Deno.UnsafePointer.create(credentials) as Deno.PointerObject,
      count * CREDENTIAL,
    ),
  );
  const requests = Array.from({ length: count }, (_, index): AuthRequest => {
    const base = index * CREDENTIAL;
    return {
      kind: KINDS[memory.getInt32(base, true) - 1] ?? "external",
      prompt: textAt(memory.getBigUint64(base + 8, true)) ?? "",
      challenge: textAt(memory.getBigUint64(base + 16, true)),
      default: textAt(memory.getBigUint64(base + 24, true)),
    };
  });
  const answers = ask(native, requests);
  if (answers === null) return -1;
  for (const [index, request] of requests.entries()) {
    const text = answers[index] ?? request.default;
    if (text === null) return -1;
    const bytes = new TextEncoder().encode(text + "\0");
    // libvirt frees the result with the C library's free().
    memory.setBigUint64(
      index * CREDENTIAL + 32,
      native.call("strdup", bytes) as bigint,
      true,
    );
    memory.setUint32(index * CREDENTIAL + 40, bytes.length - 1, true);
  }
  return 0;
}

/** `virConnectOpenAuth`, with the main thread answering. */
export function openWithPrompts(
  native: Native,
  uri: Uint8Array | null,
  readonly: boolean,
): bigint {
  const callback = new Deno.UnsafeCallback(
    { parameters: ["u64", "u32", "u64"], result: "i32" },
    (credentials, count) => answer(native, BigInt(credentials), count),
  );
  const kinds = Int32Array.from(KINDS, (_, index) => index + 1);
  try {
    // struct _virConnectAuth: int *credtype, unsigned ncredtype, callback, void *cbdata.
    const auth = new BigUint64Array([
      addressOf(kinds),
      BigInt(kinds.length),
      Deno.UnsafePointer.value(callback.pointer),
      0n,
    ]);
    return native.pointer(
      "virConnectOpenAuth",
      uri,
      new Uint8Array(auth.buffer),
      readonly ? 1 : 0,
    );
  } finally {
    callback.close();
    keepAlive(kinds);
  }
}
