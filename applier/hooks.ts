/**
 * Hooks: commands that a stack wants run on the client beside a step. They are somebody's code with
 * the rights of whoever applies, so none runs unless that was said in so many words.
 *
 * @module
 */

import { hookText, type PlannedHook, plannedHooks } from "../planner/decide/options.ts";
import type { Plan } from "../planner/plan.ts";
import { StaddleError } from "../providers/error.ts";
import type { JsonObject, Step } from "../providers/provider.ts";

/** Exit status for a plan that is refused by a rule. */
const REFUSED = 3;
/** Characters of output that are kept for an error. */
const MOST_OUTPUT = 64 * 1024;
/** The kernel takes no variable of more than 128 KiB. */
const MOST_VARIABLE = 120_000;
/** Milliseconds for what a hook left running to let go of its output. */
const LINGER = 500;

/**
 * Refuses a plan whose hooks nobody has allowed. Nothing was touched then.
 *
 * @throws {StaddleError} `hooks.not-allowed` (exit code 3), naming each.
 */
export function refuseHooks(plan: Plan): void {
  const hooks = [...plannedHooks(plan.steps).values()].flat();
  if (hooks.length === 0) return;
  throw new StaddleError({
    code: "hooks.not-allowed",
    summary: `The plan of stack "${plan.stack.name}" runs ${
      hooks.length === 1 ? "a command" : `${hooks.length} commands`
    } on this machine, and that was not allowed`,
    details: hooks.slice(0, 20).map(({ step, moment, hook }) =>
      `${step.address}: ${moment}: ${hookText(hook)}`
    ).concat(hooks.length > 20 ? [`and ${hooks.length - 20} more`] : []),
    help: "nothing was touched; read them, and if you want them run, add --allow-hooks, or set " +
      "STADDLE_ALLOW_HOOKS=1",
    exitCode: REFUSED,
  });
}

/** What running a hook needs. */
export interface HookOptions {
  readonly plan: Plan;
  /** Folder of the stack: the command starts there. */
  readonly baseDirectory: string;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/**
 * The shell in front leads a process group of its own: Ctrl-C does not reach the hook, and when it is
 * told to stop it takes along whatever the hook has started.
 */
const script = `trap 'kill -KILL 0' TERM; "$@" </dev/null & wait "$!"`;

/**
 * Runs a hook to its end.
 *
 * @throws {StaddleError} `hook.failed`, `hook.timeout`, `hook.not-started`, `apply.aborted`.
 */
export async function runHook(planned: PlannedHook, options: HookOptions): Promise<void> {
  const { hook } = planned;
  const { signal } = options;
  if (signal.aborted) throw failed(planned, "apply.aborted", "the run was aborted", []);
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("/bin/sh", {
      args: ["-c", script, "sh", ...hook.command],
      cwd: options.baseDirectory,
      env: environment(planned, options.plan),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw failed(planned, "hook.not-started", "its shell could not be started", [why]);
  }
  let late = false;
  const stop = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, hook.timeout * 1000);
  signal.addEventListener("abort", stop, { once: true });
  const output = listen(child);
  try {
    const status = await child.status;
    const said = await output.end();
    if (signal.aborted) throw failed(planned, "apply.aborted", "the run was aborted", said);
    if (late) throw failed(planned, "hook.timeout", `it took more than ${hook.timeout} s`, said);
    if (!status.success) {
      throw failed(planned, "hook.failed", `it ended with status ${status.code}`, said);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** Keeps the end of what a process says. */
function listen(child: Deno.ChildProcess): { end(): Promise<string[]> } {
  const decoder = new TextDecoder();
  let text = "";
  const readers = [child.stdout.getReader(), child.stderr.getReader()];
  const reading = readers.map(async (reader) => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text = (text + decoder.decode(part.value, { stream: true })).slice(-MOST_OUTPUT);
    }
  });
  const all = Promise.all(reading).catch(() => {});
  return {
    async end() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      // What was left in the background may keep the pipes open for ever.
      await Promise.race([all, new Promise((done) => timer = setTimeout(done, LINGER))]);
      clearTimeout(timer);
      await Promise.all(readers.map((reader) => reader.cancel().catch(() => {})));
      return text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
    },
  };
}

function failed(
  { step, moment, when, hook }: PlannedHook,
  code: string,
  why: string,
  said: readonly string[],
): StaddleError {
  const { declaredAt } = step.resource;
  return new StaddleError({
    code,
    summary: `Cannot ${step.operation} ${step.address}: hook ${moment}: ${why}`,
    where: [
      ...(declaredAt === undefined ? [] : [declaredAt]),
      step.address,
      `${step.kind} "${step.key}" on host "${step.host}"`,
    ],
    details: [hookText(hook), ...said.slice(-10)],
    help: when === "before"
      ? "the host was not touched: correct the command, and run the same command again"
      : step.operation === "delete"
      ? "what it comes after was done on the host, and will not be done again: see what the command " +
        "has left undone"
      : "what it comes after was done on the host: correct the command, and run the same command " +
        "again, which runs the hook again",
  });
}

/** What the plan knows, as text. */
function environment({ step, moment }: PlannedHook, plan: Plan): Record<string, string> {
  const { address, kind, key, host, operation, resource, changes } = step;
  const spec = JSON.stringify(resource.spec);
  const ip = addressOf(step);
  return {
    STADDLE_STACK: plan.stack.name,
    STADDLE_ADDRESS: address,
    STADDLE_KIND: kind,
    STADDLE_NAME: key,
    STADDLE_HOST: host,
    STADDLE_HOST_URI: plan.hosts[host]?.uri ?? "",
    STADDLE_UUID: resource.uuid,
    STADDLE_HOOK: moment,
    STADDLE_OPERATION: operation,
    STADDLE_CHANGES: changes.map(({ path }) => path).join("\n"),
    ...(ip === undefined ? {} : { STADDLE_IP: ip }),
    ...(spec.length > MOST_VARIABLE ? {} : { STADDLE_SPEC: spec }),
  };
}

/** The first address that a machine's NICs have. */
function addressOf({ resource }: Step): string | undefined {
  const { nics } = resource.spec;
  if (!Array.isArray(nics)) return undefined;
  const found = (nics as JsonObject[]).find(({ ip }) => typeof ip === "string");
  return found === undefined ? undefined : String(found.ip);
}
