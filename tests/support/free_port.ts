/**
 * A loopback port on which nobody listens.
 *
 * @module
 */

/** Another process may take it at any moment: whoever uses it must bear that. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
