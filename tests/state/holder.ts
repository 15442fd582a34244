/**
 * Processes of their own that lock a stack: see `holder_process.ts`.
 *
 * @module
 */

const program = new URL("./holder_process.ts", import.meta.url).pathname;

/** A process that locks, and what it says line by line. */
export interface Holder extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
  say(line: string): Promise<void>;
  /** The next line that it prints. */
  line(): Promise<string>;
}

/** Begins one, on stack "shop" in the store at a location. */
export function holder(location: string, who: string, leaseSeconds = 30): Holder {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", program, location, "shop", who, String(leaseSeconds)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let buffered = "";
  return {
    process,
    say: (line) => writer.write(new TextEncoder().encode(`${line}\n`)),
    async line() {
      for (;;) {
        const end = buffered.indexOf("\n");
        if (end >= 0) {
          const line = buffered.slice(0, end);
          buffered = buffered.slice(end + 1);
          return line;
        }
        const { value, done } = await reader.read();
        if (done) throw new Error(`the process of ${who} ended; unread: ${buffered}`);
        buffered += value;
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await process.status;
      await writer.close().catch(() => {});
      await reader.cancel();
    },
  };
}
