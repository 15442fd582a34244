/**
 * The applier: carries a plan out, step by step, and keeps the record true at every moment.
 *
 * It orders, limits, journals, retries and stops. It reaches hosts only through the sessions that it
 * is given, writes only through the lease that it is given, prints nothing, and decides nothing about
 * what a resource ought to be: that was the planner's part.
 *
 * @module
 */

export { applyPlan } from "./apply_plan.ts";
export type { ApplyOptions } from "./options.ts";
export { defaultRetry, defaultTimeouts, type RetryPolicy } from "./attempt.ts";
export { checkSecrets, type SecretKnowledge, withSecretNotes } from "./check_secrets.ts";
export { refuseHooks } from "./hooks.ts";
export { operatorSecrets } from "./operator_secrets.ts";
export type {
  ApplyEvent,
  Counts,
  EventBase,
  SkipReason,
  StepReference,
  StopReason,
} from "./events.ts";
export type { ApplyResult, FailedStep, Note, SkippedStep } from "./result.ts";
