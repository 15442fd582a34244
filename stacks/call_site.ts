/**
 * Where in a stack's source something was written: the first frame that is not Staddle's own.
 *
 * @module
 */

/** A line of a stack trace. */
export interface Frame {
  /** `file:` URL of the source. */
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

const root = new URL("../", import.meta.url).href;
const own = ["stacks/", "planner/", "providers/", "mod.ts"].map((path) => root + path);

/** The frames of a stack trace that stand in files, innermost first. */
export function framesOf(trace: string | undefined): readonly Frame[] {
  const frames: Frame[] = [];
  for (const line of (trace ?? "").split("\n")) {
    const match = /(file:\/\/.+?):(\d+):(\d+)\)?$/.exec(line);
    if (match !== null) {
      frames.push({ url: match[1]!, line: Number(match[2]), column: Number(match[3]) });
    }
  }
  return frames;
}

/** Whether a file is part of Staddle's language rather than of somebody's stack. */
export function isOwn(url: string): boolean {
  return own.some((prefix) => url.startsWith(prefix));
}

/** The author's frames of a trace: without Staddle's own, packages, and Deno's. */
export function authorFrames(trace: string | undefined): readonly Frame[] {
  return framesOf(trace).filter((frame) =>
    !isOwn(frame.url) && !/\/npm\/[^/]+\/|\/\$deno\$/.test(frame.url)
  );
}

/** `/path/to/stack.ts:12:5`. */
export function formatFrame(frame: Frame): string {
  return `${decodeURIComponent(new URL(frame.url).pathname)}:${frame.line}:${frame.column}`;
}

/** Anything that can be called, as V8 takes it for the top of a trace. */
type AnyFunction = (...given: never[]) => unknown;

/**
 * Place of the author's call that led here; undefined when the call came from Staddle itself.
 *
 * Each frame costs some 10 µs, for its position is mapped from the emitted code to the source.
 *
 * @param entered The function that the author called, if it is known: then one frame is enough,
 *   unless the caller is a module of ours.
 */
export function callSite(entered?: AnyFunction): string | undefined {
  if (entered !== undefined) {
    const [frame] = capture(1, entered);
    if (frame !== undefined && !isOwn(frame.url)) return formatFrame(frame);
  }
  const frame = capture(30, entered ?? callSite).find((one) => !isOwn(one.url));
  return frame === undefined ? undefined : formatFrame(frame);
}

/** What V8 gives to `Error`; the libraries that a stack is checked with first do not have it. */
const traces = Error as unknown as {
  stackTraceLimit: number;
  captureStackTrace(holder: { stack?: string }, below: AnyFunction): void;
};

function capture(frames: number, below: AnyFunction): readonly Frame[] {
  const limit = traces.stackTraceLimit;
  traces.stackTraceLimit = frames;
  const holder: { stack?: string } = {};
  traces.captureStackTrace(holder, below);
  const { stack } = holder;
  traces.stackTraceLimit = limit;
  return framesOf(stack);
}
