/**
 * Requests to a server that may be away for a moment, and errors that say what came back.
 *
 * @module
 */

import { StaddleError } from "../../providers/error.ts";

/** How a server is asked. */
export interface Transport {
  /**
   * Sends what `make` makes, anew for each try, and gives the answer with its whole body. A server that is
   * away or busy is asked again.
   *
   * @param final A status that is an answer here, though another server may mean that it is busy by it.
   * @throws {StaddleError} `state.unreachable`, `state.not-permitted`.
   */
  send(make: () => Request | Promise<Request>, final?: number): Promise<Answer>;
  /** ms since 1970 by the server's clock, to a second, as its last answer told it. */
  now(): number;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/** Answers after which the same may succeed in a moment. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

/** ms for one request with its answer. */
const REQUEST_TIMEOUT = 30_000;
/** ms between tries, doubled each time up to the last. */
const FIRST_PAUSE = 200;
const LAST_PAUSE = 3000;

/** Makes a transport. One that never answered is given up after a sixth of the patience. */
export function transport(location: string, patienceSeconds: number): Transport {
  let offset = 0;
  let answered = false;

  async function once(request: Request): Promise<Answer> {
    const begun = Date.now();
    const response = await fetch(request, { signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    const ended = Date.now();
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) offset = clockOffset(offset, date, { begun, ended });
    return { status: response.status, headers: response.headers, bytes, text };
  }

  return {
    now: () => Date.now() + offset,
    async send(make, final) {
      const begun = Date.now();
      let pause = FIRST_PAUSE;
      for (;;) {
        const patience = patienceSeconds * 1000 / (answered ? 1 : 6);
        const last = Date.now() - begun + pause > patience;
        try {
          const answer = await once(await make());
          answered = true;
          const { status } = answer;
          if (!passing.has(status) || status === final || last) return answer;
        } catch (error) {
          if (error instanceof StaddleError) throw error;
          if (error instanceof Deno.errors.NotCapable) throw notPermitted(location, error);
          if (last) throw unreachable(location, error);
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, LAST_PAUSE);
      }
    },
  };
}

/**
 * What to add to this machine's clock, in ms, so that it is the server's. A date in a header is cut to the
 * second, and was written at some time between question and answer: a clock that fits is taken as being
 * right, and one that does not is moved just so far that it does. A busy machine must not make the clock
 * jump, for leases end by it.
 *
 * @param before what was added until now.
 */
export function clockOffset(
  before: number,
  date: number,
  { begun, ended }: { readonly begun: number; readonly ended: number },
): number {
  const [least, most] = [date - ended, date + 999 - begun];
  return Math.min(Math.max(before, least), most);
}

/** An answer that says no. */
export function refused(
  location: string,
  what: string,
  { status, text }: Answer,
): StaddleError {
  const said = text.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim().slice(0, 200);
  const details = [`status ${status}${said === "" ? "" : `: ${said}`}`];
  if (status === 401 || status === 403) {
    return new StaddleError({
      code: "state.not-authorised",
      summary: `Cannot ${what}: the server does not let this user in`,
      where: [location],
      details,
      help: "look at the credentials in the environment, and at what they are allowed",
    });
  }
  if (passing.has(status)) {
    return new StaddleError({
      code: "state.unreachable",
      summary: `Cannot ${what}: the server is not able to answer`,
      where: [location],
      details,
      help: "run the same command again later; what was done is read from the hosts",
    });
  }
  return new StaddleError({
    code: "state.failed",
    summary: `Cannot ${what}: the server refuses`,
    where: [location],
    details,
    help: "look at the address in STADDLE_STATE, and at the server's log",
  });
}

function unreachable(location: string, error: unknown): StaddleError {
  return new StaddleError({
    code: "state.unreachable",
    summary: "Cannot use the record: the server does not answer",
    where: [location],
    details: reasons(error),
    help:
      "look whether it runs and can be reached, then run the same command again; what was done " +
      "is read from the hosts",
    cause: error,
  });
}

/** What went wrong, and what was the cause of that. */
function reasons(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const cause = error.cause === undefined ? [] : reasons(error.cause);
  return [error.message, ...cause.filter((reason) => !error.message.includes(reason))];
}

function notPermitted(location: string, error: Error): StaddleError {
  return new StaddleError({
    code: "state.not-permitted",
    summary: "Cannot use the record: Deno was not given the permission",
    where: [location],
    details: [error.message],
    help: "run with -P, or with --allow-net for the server",
    cause: error,
  });
}
