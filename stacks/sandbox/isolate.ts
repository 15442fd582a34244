/**
 * Prepares the inside of the sandbox before the stack is loaded: what it prints is kept, exits are
 * errors, storage is gone, and clocks may be shifted.
 *
 * None of this is what keeps a stack in: the process has no permission, and what a stack does to
 * these objects harms its own evaluation alone.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";
import { callSite } from "../call_site.ts";
import type { Print } from "./report.ts";

/** What the runner keeps for itself. */
export interface Inside {
  readonly prints: readonly Print[];
  /** Writes to the true standard output. */
  write(text: string): void;
  /** Ends the process. */
  exit(): never;
}

/** Prints beyond these are dropped: they are shown to explain an error. */
const mostPrints = 50;
const mostCharacters = 500;

/** Milliseconds by which the clocks of the second evaluation are ahead: 400 days and some. */
const shift = 34_567_890_123;

/** Takes hold of the process. Must run before the stack's modules do. */
export function isolate(options: { readonly shifted: boolean }): Inside {
  const prints: Print[] = [];
  const keep = (text: string): void => {
    if (prints.length >= mostPrints) return;
    const at = callSite();
    const short = text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text;
    prints.push(at === undefined ? { text: short } : { text: short, at });
  };
  const { stdout } = Deno;
  const writeSync = stdout.writeSync.bind(stdout);
  const exit = Deno.exit.bind(Deno);
  keepConsole(keep);
  keepStreams(keep);
  const refuse = (): never => {
    const at = callSite();
    throw new StaddleError({
      code: "stack.exits",
      summary: "the stack ends the process that evaluates it",
      where: at === undefined ? [] : [at],
      help: "throw an error instead: its message is shown with the place in the stack",
    });
  };
  Object.defineProperty(Deno, "exit", { value: refuse, configurable: true });
  Object.defineProperty(globalThis, "close", { value: refuse, configurable: true });
  for (const name of ["localStorage", "sessionStorage", "caches"]) {
    Reflect.deleteProperty(globalThis, name);
  }
  if (options.shifted) shiftClocks();
  return {
    prints,
    write(text) {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += writeSync(bytes.subarray(at));
    },
    exit: () => exit(0),
  };
}

function keepConsole(keep: (text: string) => void): void {
  const say = (...values: unknown[]) =>
    keep(values.map((one) => (typeof one === "string" ? one : Deno.inspect(one))).join(" "));
  for (
    const name of [
      "log",
      "info",
      "debug",
      "warn",
      "error",
      "trace",
      "dir",
      "dirxml",
      "table",
    ] as const
  ) {
    globalThis.console[name] = say;
  }
  for (const name of ["alert", "confirm", "prompt"] as const) {
    Object.defineProperty(globalThis, name, {
      value: (message = "") => {
        keep(String(message));
        return null;
      },
      configurable: true,
    });
  }
}

function keepStreams(keep: (text: string) => void): void {
  const decode = (bytes: Uint8Array): number => {
    keep(new TextDecoder().decode(bytes).replace(/\n$/, ""));
    return bytes.length;
  };
  for (const stream of [Deno.stdout, Deno.stderr]) {
    stream.writeSync = decode;
    stream.write = (bytes) => Promise.resolve(decode(bytes));
  }
}

/** Shifts every clock that a stack can read, so that a stack that reads one is found out. */
function shiftClocks(): void {
  const RealDate = Date;
  const now = RealDate.now.bind(RealDate);
  const Shifted = function (this: unknown, ...given: unknown[]) {
    if (new.target === undefined) return new RealDate(now() + shift).toString();
    return Reflect.construct(
      RealDate,
      given.length === 0 ? [now() + shift] : given,
      new.target,
    );
  } as unknown as DateConstructor;
  Object.setPrototypeOf(Shifted, RealDate);
  Object.defineProperty(Shifted, "prototype", { value: RealDate.prototype });
  Shifted.now = () => now() + shift;
  RealDate.prototype.constructor = Shifted;
  globalThis.Date = Shifted;
  const elapsed = performance.now.bind(performance);
  performance.now = () => elapsed() + shift;
  Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + shift });
  const temporal = (globalThis as { Temporal?: { Now?: Record<string, unknown> } }).Temporal?.Now;
  if (temporal === undefined) return;
  for (const [name, value] of Object.entries(Object.getOwnPropertyDescriptors(temporal))) {
    if (typeof value.value !== "function" || name === "timeZoneId") continue;
    const real = value.value as (...given: unknown[]) => { add?(by: unknown): unknown };
    // Hours, for an Instant has no days.
    temporal[name] = (...given: unknown[]) => {
      const time = real(...given);
      const by = name === "plainDateISO" ? { days: 400 } : { hours: 9607 };
      return time.add?.(by) ?? time;
    };
  }
}
