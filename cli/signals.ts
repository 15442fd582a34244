/**
 * Ctrl-C and SIGTERM: the first lets what is in flight finish and stops cleanly, the second aborts.
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
}

/** Listens until it is disposed of. `notify` is told which stage was reached. */
export function listenForStop(notify: (stage: "cancel" | "abort") => void): Stop {
  const cancel = new AbortController();
  const abort = new AbortController();
  const onSignal = (): void => {
    if (!cancel.signal.aborted) {
      cancel.abort();
      notify("cancel");
    } else if (!abort.signal.aborted) {
      abort.abort();
      notify("abort");
    } else {
      Deno.exit(CANCELLED); // A third: the person means it.
    }
  };
  const signals: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    cancel: cancel.signal,
    abort: abort.signal,
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}
