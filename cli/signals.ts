/**
 * Ctrl-C and SIGTERM: the first lets what is in flight finish, but for waits, and stops cleanly; the
 * second aborts.
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
  const signals: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    cancel: cancel.signal,
    abort: abort.signal,
    protect() {
      changing = true;
    },
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}
