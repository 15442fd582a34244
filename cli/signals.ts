/**
 * Ctrl-C and SIGTERM: the first lets what is in flight finish, but for waits, and stops cleanly; the
 * second aborts. A terminal that is closed (SIGHUP) is the first of them, however often it is said.
 *
 * @module
 */

/** Exit status of a cancelled run. */
export const CANCELLED = 130;

/** The two stages of stopping. */
export interface Stop extends Disposable {
  /** Aborts at the first signal: begin nothing new. */
  readonly cancel: AbortSignal;
  /** Aborts at the second: give up what is in flight. */
  readonly abort: AbortSignal;
  /** From now on hosts are changed: the second signal aborts, and only a third ends the process. */
  protect(): void;
}

/** Listens until it is disposed of. While nothing is changed, the second signal ends the process. */
export function listenForStop(): Stop {
  const cancel = new AbortController();
  const abort = new AbortController();
  let changing = false;
  const onSignal = (): void => {
    if (!cancel.signal.aborted) cancel.abort();
    else if (changing && !abort.signal.aborted) abort.abort();
    else Deno.exit(CANCELLED);
  };
  const listeners: [Deno.Signal, () => void][] = [["SIGINT", onSignal], ["SIGTERM", onSignal]];
  if (hasTerminal()) listeners.push(["SIGHUP", () => cancel.abort()]);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    cancel: cancel.signal,
    abort: abort.signal,
    protect() {
      changing = true;
    },
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}

/**
 * Whether the run has a terminal that could be closed. `nohup` leaves it none, and what it has ignored must
 * not be listened for.
 */
function hasTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}
