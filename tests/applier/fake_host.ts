/**
 * Hosts in memory, with faults that a test chooses; and small plans to run on them.
 *
 * @module
 */

import { digest } from "../../planner/digest.ts";
import { type Plan, PLAN_FORMAT, type ResourcePlan } from "../../planner/plan.ts";
import { StaddleError } from "../../providers/error.ts";
import type {
  HostDeclaration,
  HostSession,
  JsonObject,
  Observed,
  Operation,
  Resource,
  Step,
  StepContext,
  StepResult,
} from "../../providers/provider.ts";

/** What a test may have happen in the place of a step's usual end. */
export type Fault = (step: Step, context: StepContext, attempt: number) => Promise<void> | void;

/** Objects on hosts, and a log of what was done to them. */
export interface FakeHosts {
  readonly sessions: (host: HostDeclaration) => Promise<HostSession>;
  /** `<host> <kind> <key>` and what is there. */
  readonly objects: Map<string, JsonObject>;
  /** `begin <id>` and `end <id>`, as they happened. */
  readonly log: string[];
  /** Most steps that were in flight at once, over all hosts and by host. */
  readonly peak: { all: number; readonly hosts: Map<string, number> };
  /** Sessions that were opened, by host. */
  readonly opened: Map<string, number>;
}

/** Makes hosts. Each step takes a turn of the event loop, or `delay` milliseconds. */
export function fakeHosts(
  options: {
    readonly fault?: Fault;
    readonly delay?: number;
    readonly connect?: (host: HostDeclaration) => Promise<void>;
  } = {},
): FakeHosts {
  const objects = new Map<string, JsonObject>();
  const log: string[] = [];
  const peak = { all: 0, hosts: new Map<string, number>() };
  const opened = new Map<string, number>();
  const now = new Map<string, number>();
  const attempts = new Map<string, number>();
  let all = 0;

  const enter = (host: string, by: 1 | -1) => {
    all += by;
    now.set(host, (now.get(host) ?? 0) + by);
    peak.all = Math.max(peak.all, all);
    peak.hosts.set(host, Math.max(peak.hosts.get(host) ?? 0, now.get(host)!));
  };
  async function perform(step: Step, context: StepContext): Promise<StepResult> {
    const attempt = (attempts.get(step.id) ?? 0) + 1;
    attempts.set(step.id, attempt);
    log.push(`begin ${step.id}`);
    enter(step.host, 1);
    try {
      await new Promise((resolve) => setTimeout(resolve, options.delay ?? 0));
      await options.fault?.(step, context, attempt);
    } finally {
      enter(step.host, -1);
    }
    const name = `${step.host} ${step.kind} ${step.key}`;
    if (step.operation === "delete") objects.delete(name);
    else if (step.operation !== "wait") objects.set(name, step.resource.spec);
    log.push(`end ${step.id}`);
    const spec = objects.get(name);
    return {
      ...(spec === undefined ? {} : { observed: observed(step, spec) }),
      notes: [],
    };
  }
  return {
    objects,
    log,
    peak,
    opened,
    sessions: async (host) => {
      opened.set(host.name, (opened.get(host.name) ?? 0) + 1);
      await options.connect?.(host);
      return {
        host: host.name,
        facts: () => Promise.resolve({}),
        read: () => Promise.resolve([]),
        perform,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

function observed(step: Step, spec: JsonObject): Observed {
  return {
    kind: step.kind,
    host: step.host,
    key: step.key,
    fingerprint: `read:${digest(spec)}`,
    source: spec,
  };
}

/** The fingerprint with which the fake hosts read a spec back. */
export function readBack(spec: JsonObject): string {
  return `read:${digest(spec)}`;
}

/** A resource; its name on the host is its address's last part unless `key` says otherwise. */
export function resource(address: string, spec: JsonObject = { size: 1 }): Resource {
  const [host = "", rest = ""] = address.split("/");
  const [kind = "", name = ""] = rest.split(".");
  return {
    address,
    kind,
    host,
    name,
    uuid: "6d1ac6c5-4b3c-5a51-9d8c-5b0a3c3f2a10",
    tenure: "managed",
    spec,
    dependsOn: [],
  };
}

/** A step with what it needs, by ids. */
export function step(
  id: string,
  needs: readonly string[] = [],
  more: Partial<Step> = {},
): Step {
  const [operation, place = ""] = id.split(/:(.*)/);
  const address = place.replace(/#old$/, "");
  const wanted = more.resource ?? resource(address);
  return {
    id,
    operation: operation as Operation,
    address,
    kind: wanted.kind,
    host: wanted.host,
    key: wanted.name,
    resource: wanted,
    mark: { stack: "shop", address, digest: digest(wanted.spec) },
    changes: [],
    needs,
    ...more,
  };
}

/** The plan's line for a resource. */
export function planned(
  action: ResourcePlan["action"],
  wanted: Resource,
  more: Partial<ResourcePlan> = {},
): ResourcePlan {
  return {
    address: wanted.address,
    kind: wanted.kind,
    host: wanted.host,
    key: wanted.name,
    action,
    reason: action === "no-op" ? "unchanged" : "not-on-host",
    changes: [],
    resource: wanted,
    notes: [],
    needs: [],
    ...more,
  };
}

/** A plan of these steps. Resources that no line was given for get one by their steps. */
export function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  const action = { create: "create", update: "update", delete: "delete", wait: "no-op" } as const;
  const lines = new Map<string, ResourcePlan>();
  for (const { address, operation, resource, id } of steps) {
    if (!lines.has(address) && !id.endsWith("#old")) {
      lines.set(address, planned(action[operation], resource));
    }
  }
  for (const line of more.resources ?? []) lines.set(line.address, line);
  const names = new Set(steps.map(({ host }) => host));
  return {
    format: PLAN_FORMAT,
    mode: "apply",
    stack: { name: "shop", parameters: {} },
    record: { serial: 0 },
    hosts: Object.fromEntries(
      [...names].map((name) => [name, { name, uri: `test:///${name}` }]),
    ),
    drift: [],
    outputs: [],
    steps,
    ...more,
    resources: [...lines.values()],
  };
}

/** An error as a provider throws it. */
export function failure(code: string, step: Step): StaddleError {
  return new StaddleError({
    code,
    summary: `Cannot ${step.operation} ${step.address}: it was told to fail`,
  });
}
