/**
 * Carries a plan out and shows how that goes.
 *
 * @module
 */

import { applyPlan, checkSecrets, operatorSecrets, refuseHooks } from "../applier/mod.ts";
import type { ApplyEvent } from "../applier/events.ts";
import type { Plan } from "../planner/plan.ts";
import type { Topology } from "../planner/topology.ts";
import { exceeds, hasChanges, summarize } from "../planner/summary.ts";
import { StaddleError } from "../providers/error.ts";
import type { Disruption, Provider } from "../providers/provider.ts";
import type { Lease, Store } from "../state/store.ts";
import type { Context } from "./context.ts";
import type { EventFlags, EventSink } from "./event_sink.ts";
import type { Hosts } from "./hosts.ts";
import { LiveStatus } from "./live_status.ts";
import { confirm } from "./prompt.ts";
import { staleReferences } from "./dependents.ts";
import { throwAll } from "./render/error_text.ts";
import { applyLog, completeText, incompleteText } from "./render/apply_text.ts";
import { applyEventLines, outputsLine, planLines, versionLine } from "./render/events_json.ts";
import { outputsText } from "./render/outputs_text.ts";
import { planText } from "./render/plan_text.ts";
import { CANCELLED, type Stop } from "./signals.ts";
import { VERSION } from "./version.ts";
import { whoAmI } from "./who_am_i.ts";

/** Flags of the commands that carry plans out. */
export interface RunFlags extends EventFlags {
  readonly yes?: boolean;
  /** Whether the commands are run that the stack wants run on this machine. */
  readonly allowHooks?: boolean;
  /** Whether stacks may break that use outputs of this one. */
  readonly breakDependents?: boolean;
  readonly parallelism?: number;
  readonly maxDisruption?: Disruption;
}

/** What a review of a plan needs. */
export interface ReviewOptions {
  readonly flags: RunFlags;
  readonly sink: EventSink;
  readonly stop: Stop;
}

/** What a run needs beside its plan. */
export interface RunOptions extends ReviewOptions {
  readonly store: Store;
  readonly lease: Lease;
  readonly hosts: Hosts;
  readonly provider: () => Promise<Provider>;
  readonly baseDirectory: string;
  /** What the plan leaves declared, for the history. */
  readonly topology?: Topology;
  /** Digest of the saved plan; absent if it was not saved. */
  readonly planDigest?: string;
  /** The command that goes on if this run stops. */
  readonly again: string;
}

const clock = (): string => new Date().toISOString();

/** Exit status for a plan that is refused by a limit. */
const REFUSED = 3;

/**
 * Refuses early what could not be asked about: without a terminal a stack needs `--yes`.
 *
 * @param plan Arguments of `staddle plan` that plan the same, where something does.
 * @throws {StaddleError} `usage.needs-yes`
 */
export function requireConsent(
  context: Context,
  flags: RunFlags,
  command: string,
  plan?: readonly string[],
): void {
  if (flags.yes || (context.terminal.interactive && !flags.json && flags.events !== "-")) return;
  throw new StaddleError({
    code: "usage.needs-yes",
    summary: `Cannot ask whether to ${command}: there is no terminal`,
    help: plan === undefined
      ? "add --yes"
      : `add --yes, or save a plan with "${
        ["staddle plan", ...plan, "--out FILE"].join(" ")
      }" and ` +
        "apply that",
  });
}

/**
 * Refuses a plan that disturbs more than is allowed.
 *
 * @throws {StaddleError} `policy.max-disruption` naming the fields.
 */
export function checkDisruption(plan: Plan, limit: Disruption | undefined): void {
  if (limit === undefined) return;
  const beyond = exceeds(plan, limit);
  if (beyond.length === 0) return;
  throw new StaddleError({
    code: "policy.max-disruption",
    summary: `The plan disturbs more than ${limit}: --max-disruption refuses it`,
    details: beyond.map(({ address, path, action, disruption }) =>
      `${address}: ${path === "" ? action : `${path} (${disruption})`}`
    ),
    help: "nothing was touched; leave these out with --exclude, or allow more",
    exitCode: REFUSED,
  });
}

/**
 * Refuses a plan that runs commands on this machine, unless that was allowed.
 *
 * @throws {StaddleError} `hooks.not-allowed` naming them.
 */
export function checkHooks(plan: Plan, flags: Pick<RunFlags, "allowHooks">): void {
  if (flags.allowHooks || Deno.env.get("STADDLE_ALLOW_HOOKS") === "1") return;
  refuseHooks(plan);
}

const QUESTIONS: Readonly<Record<Plan["mode"], (stack: string) => string>> = {
  apply: (stack) => `Do you want to carry this plan out for stack "${stack}"?`,
  destroy: (stack) => `Do you really want to destroy what stack "${stack}" owns?`,
  refresh: (stack) => `Do you want the record of stack "${stack}" to take over these changes?`,
};

/** Tells those who read events what is planned. */
export function announcePlan(plan: Plan, { wanted, write }: EventSink): void {
  if (wanted) write([versionLine(VERSION, clock), ...planLines(plan, summarize(plan), clock)]);
}

/**
 * Shows the plan and asks. False: the person does not want it; nothing was touched, and the exit
 * status is set.
 *
 * @throws {StaddleError} `policy.max-disruption` naming the fields.
 */
export async function reviewPlan(
  context: Context,
  plan: Plan,
  { flags, sink, stop }: ReviewOptions,
): Promise<boolean> {
  const { terminal } = context;
  announcePlan(plan, sink);
  if (!sink.onStdout) {
    terminal.print(planText(plan, { style: terminal.style, summary: summarize(plan) }));
  }
  checkDisruption(plan, flags.maxDisruption);
  checkHooks(plan, flags);
  if (!hasChanges(plan)) return true;
  if (!flags.yes && !await confirm(terminal, QUESTIONS[plan.mode](plan.stack.name), stop.cancel)) {
    terminal.warn(`${plan.mode === "destroy" ? "Destroy" : "Apply"} cancelled.`);
    context.setExitCode(CANCELLED);
    return false;
  }
  if (!sink.onStdout) terminal.print("");
  return true;
}

/** Carries a plan out that was reviewed, and sets the exit status. */
export async function runPlan(context: Context, plan: Plan, options: RunOptions): Promise<void> {
  const { terminal } = context;
  const { sink } = options;
  const print = (text: string): void => {
    if (!sink.onStdout) terminal.print(text);
  };
  throwAll(await staleReferences(plan, options.store));
  const { kinds } = await import("../providers/kvm/kinds/mod.ts");
  await checkSecrets(plan, kinds, operatorSecrets());
  const result = await carryOut(context, plan, options);
  const end = { mode: plan.mode, result, again: options.again };
  if (result.result === "done") {
    if (sink.wanted || plan.mode === "apply") await showOutputs(plan, options, print, end);
    else print(`\n${completeText(end, terminal.style)}`);
    return;
  }
  const style = terminal.errorStyle;
  terminal.warn(`\n${incompleteText(end, { style, debug: context.debug })}`);
  context.setExitCode(result.result === "cancelled" ? CANCELLED : result.fatal?.exitCode ?? 1);
}

type End = Parameters<typeof completeText>[0];

async function carryOut(
  { terminal }: Context,
  plan: Plan,
  options: RunOptions,
): Promise<End["result"]> {
  const { flags, stop, sink, hosts, store, lease } = options;
  const live = terminal.live && !sink.onStdout;
  const log = applyLog({ style: terminal.style, live });
  using status = live ? new LiveStatus(terminal) : undefined;
  const onEvent = (event: ApplyEvent): void => {
    if (sink.wanted) sink.write(applyEventLines(event, plan.mode));
    if (sink.onStdout) return;
    const lines = log(event);
    if (status !== undefined) status.update(event, lines);
    else for (const line of lines) terminal.print(line);
  };
  const provider = plan.steps.length > 0 ? await options.provider() : undefined;
  stop.protect();
  return await applyPlan(plan, {
    lease,
    record: await store.load(plan.stack.name),
    topology: options.topology,
    planDigest: options.planDigest,
    sessions: (host) => hosts.open(host),
    baseDirectory: options.baseDirectory,
    who: whoAmI(),
    isTransient: (error) => provider?.isTransient(error) ?? false,
    isHostLost,
    isForeign: ({ code }) => code === "kvm.name-taken",
    parallelism: flags.parallelism,
    allowHooks: true, // What was not allowed was refused before anybody was asked.
    signal: stop.cancel,
    abort: stop.abort,
    onEvent,
  });
}

/** After these nothing more can be done on that host in this run: its other steps are not tried. */
function isHostLost({ code }: StaddleError): boolean {
  return code.startsWith("ssh.") || code === "kvm.connection-lost" || code === "kvm.unreachable" ||
    code === "kvm.no-libvirt";
}

async function showOutputs(
  plan: Plan,
  { store, sink }: RunOptions,
  print: (text: string) => void,
  end: End,
): Promise<void> {
  const outputs = (await store.load(plan.stack.name))?.outputs ?? {};
  if (sink.wanted) sink.write([outputsLine(outputs, clock)]);
  print(`\n${completeText(end)}`);
  if (plan.mode === "apply" && Object.keys(outputs).length > 0) {
    print(`\nOutputs:\n\n${outputsText(outputs)}`);
  }
}
