/**
 * Copying between a volume and a local file or a web stream.
 *
 * A local file is read or written on the Worker that calls libvirt, from beginning to end: its bytes
 * never pass the main thread.
 *
 * @module
 */

import { CHUNK, type ProgressNotice } from "./calls/stream.ts";
import { LibvirtError } from "./error.ts";
import type { Session } from "./session.ts";
import { Stream } from "./stream.ts";
import { fromFileUrl } from "./path.ts";

/** How a volume is copied. */
export interface TransferOptions {
  /** Where in the volume to begin, in bytes. */
  readonly offset?: number;
  /** Bytes to copy; 0 or left out: to the end. */
  readonly length?: number;
  /**
   * Whether holes stay holes. Default: true for a local file, false for a web stream. In a web stream
   * to be uploaded, aligned blocks of 64 KiB of zeroes count as holes. If the driver has no sparse
   * streams, the copy is made without holes.
   */
  readonly sparse?: boolean;
  /** Called now and then, and at the end, with the bytes so far, holes included. */
  readonly onProgress?: (bytes: number) => void;
  /** Stops the copy, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Zeroes in blocks of this size are taken for a hole. */
const HOLE = 65_536;
/** Web streams are gathered into messages of about this size. */
const MESSAGE = 8 * CHUNK;
const SPARSE = 1;

/** Writes a file or stream into a volume. Gives the bytes written. */
export async function upload(
  session: Session,
  label: string,
  volume: bigint,
  source: string | URL | ReadableStream<Uint8Array>,
  options: TransferOptions,
): Promise<number> {
  options.signal?.throwIfAborted();
  if (source instanceof ReadableStream) {
    return await uploadStream(session, label, volume, source, options);
  }
  const path = fromFileUrl(source);
  // Deno's own check of permissions and existence: the Worker opens the file by libc.
  (await Deno.open(path, { read: true })).close();
  return await transferFile("uploadFile", session, volume, path, options);
}

/** Reads a volume into a file or stream. Gives the bytes read. */
export async function download(
  session: Session,
  label: string,
  volume: bigint,
  target: string | URL | WritableStream<Uint8Array>,
  options: TransferOptions,
): Promise<number> {
  options.signal?.throwIfAborted();
  if (target instanceof WritableStream) {
    return await downloadStream(session, label, volume, target, options);
  }
  const path = fromFileUrl(target);
  (await Deno.open(path, { write: true, create: true, truncate: true })).close();
  return await transferFile("downloadFile", session, volume, path, options);
}

async function transferFile(
  call: "uploadFile" | "downloadFile",
  session: Session,
  volume: bigint,
  path: string,
  options: TransferOptions,
): Promise<number> {
  const { offset = 0, length = 0, sparse = true, onProgress, signal } = options;
  const control = new SharedArrayBuffer(4);
  const stop = () => Atomics.store(new Int32Array(control), 0, 1);
  signal?.addEventListener("abort", stop);
  try {
    return await retryPlain(sparse, (sparse) =>
      session.lane.callWith(
        call,
        (notice) => onProgress?.((notice as ProgressNotice).bytes),
        {
          connection: session.pointer,
          volume,
          path,
          offset,
          length,
          sparse,
          control,
          progress: onProgress !== undefined,
        },
      ));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Tries with holes first; again without where a driver refuses the flag. */
async function retryPlain<T>(sparse: boolean, run: (sparse: boolean) => Promise<T>): Promise<T> {
  try {
    return await run(sparse);
  } catch (error) {
    const refused = sparse && error instanceof LibvirtError && /unsupported flags/.test(
      error.libvirtMessage,
    );
    if (!refused) throw error;
    return await run(false);
  }
}

function openTransfer(
  call: "virStorageVolUpload" | "virStorageVolDownload",
  session: Session,
  label: string,
  volume: bigint,
  options: TransferOptions,
) {
  const { offset = 0, length = 0, sparse = false } = options;
  return retryPlain(sparse, async (sparse) => ({
    sparse,
    stream: await Stream._open(
      session,
      call === "virStorageVolUpload" ? `upload to ${label}` : `download of ${label}`,
      false,
      (stream) => session.lane.call(call, volume, stream, offset, length, sparse ? SPARSE : 0),
    ),
  }));
}

async function uploadStream(
  session: Session,
  label: string,
  volume: bigint,
  source: ReadableStream<Uint8Array>,
  options: TransferOptions,
): Promise<number> {
  const { onProgress, signal } = options;
  const { stream, sparse } = await openTransfer(
    "virStorageVolUpload",
    session,
    label,
    volume,
    options,
  );
  await using _ = stream;
  let total = 0;
  // The next piece is read while the last one is sent.
  let sending = Promise.resolve();
  try {
    for await (const piece of gathered(source)) {
      await sending;
      signal?.throwIfAborted();
      sending = (async () => {
        if (sparse) await sendWithHoles(stream, piece);
        else await stream.write(piece);
        total += piece.length;
        onProgress?.(total);
      })();
      sending.catch(() => {});
    }
    await sending;
  } catch (error) {
    await sending.catch(() => {});
    throw error;
  }
  await stream.finish();
  return total;
}

/** Pieces of about {@linkcode MESSAGE} bytes, whatever the source's own are. */
async function* gathered(source: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(MESSAGE);
  let used = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + MESSAGE - used);
      buffer.set(part, used);
      used += part.length;
      at += part.length;
      if (used === MESSAGE) {
        yield buffer;
        buffer = new Uint8Array(MESSAGE);
        used = 0;
      }
    }
  }
  if (used > 0) yield buffer.subarray(0, used);
}

async function sendWithHoles(stream: Stream, piece: Uint8Array): Promise<void> {
  let begin = 0;
  for (let at = 0; at < piece.length;) {
    const block = piece.subarray(at, at + HOLE);
    const end = at + block.length;
    if (block.length === HOLE && isZero(block)) {
      if (at > begin) await stream.write(piece.subarray(begin, at));
      let until = end;
      while (until + HOLE <= piece.length && isZero(piece.subarray(until, until + HOLE))) {
        until += HOLE;
      }
      await stream.sendHole(until - at);
      begin = at = until;
    } else {
      at = end;
    }
  }
  if (begin < piece.length) await stream.write(piece.subarray(begin));
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

async function downloadStream(
  session: Session,
  label: string,
  volume: bigint,
  target: WritableStream<Uint8Array>,
  options: TransferOptions,
): Promise<number> {
  const { onProgress, signal } = options;
  const { stream, sparse } = await openTransfer(
    "virStorageVolDownload",
    session,
    label,
    volume,
    options,
  );
  await using _ = stream;
  const writer = target.getWriter();
  let total = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const received = sparse ? await stream.receive() : await stream.read().then(asReceived);
      if (received.kind === "end") break;
      if (received.kind === "data") {
        await writer.write(received.bytes);
        total += received.bytes.length;
      } else {
        // A web stream knows no holes.
        for (let left = received.length; left > 0; left -= HOLE) {
          await writer.write(new Uint8Array(Math.min(left, HOLE)));
        }
        total += received.length;
      }
      onProgress?.(total);
    }
    await stream.finish();
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
  return total;
}

function asReceived(bytes: Uint8Array | null) {
  return bytes === null ? { kind: "end" } as const : { kind: "data", bytes } as const;
}
