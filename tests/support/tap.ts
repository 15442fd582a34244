/**
 * What the kernel itself says of a tap.
 *
 * @module
 */

/** `SIOCETHTOOL`, `ETHTOOL_GCOALESCE`. */
const ETHTOOL = 0x8946n;
const GET_COALESCE = 0x0e;
/** Words of `struct ethtool_coalesce`; the third is `rx_max_coalesced_frames`. */
const WORDS = 23;
const FRAMES = 2;

/** Frames that a network device of this namespace may hold back before the receiver is told. */
export function coalescedFrames(device: string): number {
  const libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const answer = new Uint32Array(WORDS);
  answer[0] = GET_COALESCE;
  // `struct ifreq`: 16 bytes of name, then a pointer to the question.
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode(device).subarray(0, 15));
  const pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(answer));
  new DataView(request.buffer).setBigUint64(16, BigInt(pointer), true);
  // `AF_INET`, `SOCK_DGRAM`.
  const socket = libc.symbols.socket(2, 2, 0);
  try {
    if (libc.symbols.ioctl(socket, ETHTOOL, request) !== 0) {
      throw new Error(`the kernel says nothing of ${device}`);
    }
    return answer[FRAMES]!;
  } finally {
    libc.symbols.close(socket);
    libc.close();
  }
}
