/**
 * Plans and runs as JSON lines, in the shapes of Terraform's machine-readable output
 * (https://developer.hashicorp.com/terraform/internals/machine-readable-ui), version 1.2.
 *
 * What Terraform has no word for (a retry, a skipped step, a stop) is a `diagnostic`, so that every
 * reader shows it. Sensitive values are in none of the lines.
 *
 * @module
 */

import type { ApplyEvent, StepReference } from "../../applier/events.ts";
import type { Action, Drift, Plan, Reason, ResourcePlan, Summary } from "../../planner/plan.ts";
import type { StaddleError } from "../../providers/error.ts";
import type { Json, JsonObject, Operation } from "../../providers/provider.ts";
import type { StackPart, StackRecord } from "../../state/store.ts";
import { asStaddleError, flatten } from "./error_text.ts";
import { countsText } from "./apply_text.ts";
import { typeOf } from "./outputs_text.ts";
import { partText } from "./part_text.ts";
import { summaryLine } from "./plan_text.ts";

/** One line. */
export interface EventLine extends JsonObject {
  readonly "@level": "info" | "warn" | "error";
  readonly "@message": string;
  readonly "@module": "staddle.ui";
  readonly "@timestamp": string;
  readonly type: string;
}

/** The time of a line; a run's own events carry theirs. */
type Clock = () => string;

function line(
  type: string,
  message: string,
  at: string,
  more: JsonObject,
  level: EventLine["@level"] = "info",
): EventLine {
  return {
    "@level": level,
    "@message": message,
    "@module": "staddle.ui",
    "@timestamp": at,
    ...more,
    type,
  };
}

/** The first line of every stream. */
export function versionLine(version: string, clock: Clock): EventLine {
  return line("version", `Staddle ${version}`, clock(), { staddle: version, ui: "1.2" });
}

const ACTIONS: Readonly<Record<Action, string>> = {
  "no-op": "noop",
  create: "create",
  update: "update",
  replace: "replace",
  delete: "delete",
  forget: "forget",
};

const REASONS: Partial<Readonly<Record<Reason, string>>> = {
  "replace-field-differs": "cannot_update",
  "not-declared": "delete_because_no_resource_config",
};

/** A plan: what drifted, what is planned, the sums, and the outputs as they will be. */
export function planLines(plan: Plan, summary: Summary, clock: Clock): EventLine[] {
  return [
    ...plan.drift.map((drift) => driftLine(drift, clock)),
    ...plan.resources
      .filter(({ action }) => action !== "no-op")
      .map((resource) => plannedLine(resource, clock)),
    summaryLineOf(
      plan.mode === "destroy" ? "destroy" : "plan",
      summary,
      summaryLine(summary),
      clock,
    ),
    ...outputChangeLines(plan, clock),
    ...(plan.part === undefined ? [] : [partLine(plan.part, clock)]),
  ];
}

function driftLine(drift: Drift, clock: Clock): EventLine {
  const action = drift.status === "deleted" ? "delete" : "update";
  return line("resource_drift", `${drift.address}: Drift detected (${action})`, clock(), {
    change: { resource: resourceOf(drift), action },
  });
}

function plannedLine(resource: ResourcePlan, clock: Clock): EventLine {
  const imported = resource.reason === "to-import" && resource.changes.length === 0;
  const action = imported ? "import" : ACTIONS[resource.action];
  const reason = REASONS[resource.reason];
  return line("planned_change", `${resource.address}: Plan to ${action}`, clock(), {
    change: {
      resource: resourceOf(resource),
      action,
      ...(reason === undefined ? {} : { reason }),
    },
    staddle: {
      reason: resource.reason,
      ...(resource.disruption === undefined ? {} : { disruption: resource.disruption }),
      fields: resource.changes.map(({ path, disruption }) => ({ path, disruption })),
    },
  });
}

/** As Terraform warns of targets. */
function partLine(part: StackPart, clock: Clock): EventLine {
  const summary = partText(part);
  return line("diagnostic", summary, clock(), {
    diagnostic: { severity: "warning", summary, detail: "" },
    staddle: { part: { ...part } },
  }, "warn");
}

function outputChangeLines(plan: Plan, clock: Clock): EventLine[] {
  if (plan.outputs.length === 0) return [];
  const outputs = Object.fromEntries(plan.outputs.map((output) => [
    output.name,
    {
      action: ACTIONS[output.action],
      sensitive: output.sensitive,
      ...(output.sensitive || output.after === undefined
        ? {}
        : { type: typeOf(output.after), value: output.after }),
    },
  ]));
  return [line("outputs", `Outputs: ${plan.outputs.length}`, clock(), { outputs })];
}

function summaryLineOf(
  operation: "plan" | Plan["mode"],
  summary: Summary,
  message: string,
  clock: Clock,
): EventLine {
  return line("change_summary", message, clock(), {
    changes: {
      add: summary.add,
      change: summary.change,
      import: summary.import ?? 0,
      remove: summary.destroy,
      operation,
    },
  });
}

interface Named {
  readonly address: string;
  readonly kind: string;
}

function resourceOf({ address, kind }: Named): JsonObject {
  const name = address.slice(address.lastIndexOf("/") + 1).replace(/^[a-z]+\./, "");
  return {
    addr: address,
    module: "",
    resource: `${kind}.${name}`,
    implied_provider: "kvm",
    resource_type: kind,
    resource_name: name,
    resource_key: null,
  };
}

/** A wait is what Terraform calls reading: nothing is changed by it. */
const OPERATIONS: Readonly<Record<Operation, string>> = {
  create: "create",
  update: "update",
  delete: "delete",
  wait: "read",
};

/** One event of a run. */
export function applyEventLines(
  event: ApplyEvent,
  mode: Plan["mode"],
): EventLine[] {
  switch (event.type) {
    case "run_start":
      return [];
    case "step_start":
      return [hook("apply_start", "started", event.step, event.at)];
    case "step_progress":
      return [
        hook("apply_progress", event.message, event.step, event.at, {
          elapsed: event.elapsed,
          ...(event.fraction === undefined ? {} : { fraction: event.fraction }),
        }),
      ];
    case "step_complete":
      return [
        hook("apply_complete", "complete", event.step, event.at, { elapsed: event.elapsed }),
        ...event.notes.map((note) => notice("warn", note, event.step, event.at)),
      ];
    case "step_failed":
      return [
        hook("apply_errored", "failed", event.step, event.at, { elapsed: event.elapsed }),
        diagnostic(event.error, event.at, event.step.address),
      ];
    case "step_retry":
      return [
        notice(
          "warn",
          `attempt ${event.attempt} failed and will be repeated: ${event.error.message}`,
          event.step,
          event.at,
        ),
      ];
    case "step_skipped":
      return [notice("warn", `skipped (${event.reason})`, event.step, event.at)];
    case "run_stopping":
      return event.error === undefined
        ? [line("diagnostic", `Stopping: ${event.reason}`, event.at, {
          diagnostic: { severity: "warning", summary: `Stopping: ${event.reason}`, detail: "" },
        }, "warn")]
        : [diagnostic(event.error, event.at)];
    case "run_complete": {
      const { destroy } = event.counts;
      const message = mode === "destroy"
        ? `Destroy ${ended(event.result)} Resources: ${destroy} destroyed.`
        : `Apply ${ended(event.result)} Resources: ${countsText(event.counts)}.`;
      return [summaryLineOf(mode, event.counts, message, () => event.at)];
    }
  }
}

function ended(result: "done" | "failed" | "cancelled"): string {
  return result === "done" ? "complete!" : result === "cancelled" ? "cancelled." : "incomplete.";
}

function hook(
  type: string,
  what: string | undefined,
  step: StepReference,
  at: string,
  more: { readonly elapsed?: number; readonly fraction?: number } = {},
): EventLine {
  const action = OPERATIONS[step.operation];
  const doing = type === "apply_progress" ? what ?? `${action} goes on` : `${action} ${what}`;
  return line(type, `${step.address}: ${doing}`, at, {
    hook: {
      resource: resourceOf(step),
      action,
      ...(type === "apply_complete" ? { id_key: "key", id_value: step.key } : {}),
      ...(more.elapsed === undefined ? {} : { elapsed_seconds: Math.round(more.elapsed / 1000) }),
    },
    ...(more.fraction === undefined ? {} : { staddle: { fraction: more.fraction } }),
  }, type === "apply_errored" ? "error" : "info");
}

function notice(level: "warn", text: string, step: StepReference, at: string): EventLine {
  const message = `${step.address}: ${text}`;
  return line("diagnostic", message, at, {
    diagnostic: { severity: "warning", summary: message, detail: "", address: step.address },
  }, level);
}

/** Each error, as a line of its own. */
export function errorLines(error: unknown, clock: Clock): EventLine[] {
  return flatten(error).map((entry) => diagnostic(asStaddleError(entry), clock()));
}

function diagnostic(error: StaddleError, at: string, address?: string): EventLine {
  const detail = [
    ...error.where.map((place) => `at ${place}`),
    ...error.details,
    ...(error.help === undefined ? [] : [`help: ${error.help}`]),
  ].join("\n");
  return line("diagnostic", `Error: ${error.message}`, at, {
    diagnostic: {
      severity: "error",
      summary: error.message,
      detail,
      ...(address === undefined ? {} : { address }),
    },
    staddle: { code: error.code },
  }, "error");
}

/** The outputs as they are after a run. */
export function outputsLine(outputs: StackRecord["outputs"], clock: Clock): EventLine {
  const shown: Record<string, Json> = {};
  for (const [name, { value, sensitive }] of Object.entries(outputs)) {
    shown[name] = sensitive ? { sensitive } : { sensitive, type: typeOf(value), value };
  }
  return line("outputs", `Outputs: ${Object.keys(shown).length}`, clock(), { outputs: shown });
}
