/**
 * What plan, apply, destroy and drift have in common: a stack is evaluated while the record is
 * opened and libvirt is loaded, the hosts are read in parallel, and a plan is made.
 *
 * @module
 */

import { withSecretNotes } from "../applier/check_secrets.ts";
import { operatorSecrets } from "../applier/operator_secrets.ts";
import type { MadePlan, Selection } from "../planner/mod.ts";
import type { Plan } from "../planner/plan.ts";
import { type Topology, TOPOLOGY_FORMAT } from "../planner/topology.ts";
import { StaddleError } from "../providers/error.ts";
import type { KvmProvider } from "../providers/kvm/mod.ts";
import type { Kind, Provider } from "../providers/provider.ts";
import type { Lease, StackRecord } from "../state/store.ts";
import { brokenDependents } from "./dependents.ts";
import { Hosts } from "./hosts.ts";
import { withDigests } from "./local_files.ts";
import { locateStack } from "./location.ts";
import { type OpenStack, openStack, type OpenStackOptions } from "./open_stack.ts";
import { asStaddleError, throwAll } from "./render/error_text.ts";
import { declaredBefore } from "./revisions.ts";
import { whoAmI } from "./who_am_i.ts";

/** What a command asks for. */
export interface SessionOptions extends OpenStackOptions {
  readonly mode: Plan["mode"];
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
  /** Go on though a stack that uses outputs of this one would break. */
  readonly breakDependents?: boolean;
}

/** A stack with its record and its hosts. */
export interface Session extends OpenStack {
  readonly hosts: Hosts;
  readonly provider: () => Promise<Provider>;
  readonly kinds: ReadonlyMap<string, Kind>;
}

/** A plan with what went wrong while it was made. */
export interface Planned extends MadePlan {
  /** Those of the errors that say why a host was not read. */
  readonly hostErrors: readonly StaddleError[];
  readonly record?: StackRecord;
  /** What the plan leaves declared; absent where it cannot be carried out, or declares nothing. */
  readonly topology?: Topology;
  /** Addresses that a way back leaves as they are, for what was declared of them is not known. */
  readonly leftAlone: readonly string[];
}

/** A provider that is loaded when it is first asked for, and libvirt with it. */
export class LazyProvider implements AsyncDisposable {
  #loading: Promise<KvmProvider> | undefined;

  /** Begins to load, at the latest now. A failure is seen by whoever needs a host. */
  readonly load = (): Promise<KvmProvider> => {
    this.#loading ??= import("../providers/kvm/mod.ts").then(({ kvm }) =>
      kvm({ preload: true, secrets: operatorSecrets() })
    );
    this.#loading.catch(() => {});
    return this.#loading;
  };

  /** Closes what was loaded. */
  async [Symbol.asyncDispose](): Promise<void> {
    const provider = await this.#loading?.catch(() => undefined);
    await provider?.[Symbol.asyncDispose]();
  }
}

/**
 * Evaluates the stack and opens its record. Connections to hosts that the record knows are begun
 * meanwhile, unless the run is to leave some out.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { folder } = locateStack(options.stack, { recorded: options.recorded });
  const provider = new LazyProvider();
  const hosts = new Hosts(provider.load, { signal: options.signal, baseDirectory: folder });
  const close = async (): Promise<void> => {
    await hosts[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  };
  const whole = !options.target?.length && !options.exclude?.length;
  try {
    const stack = await openStack(options, (record) => {
      // The stack is being evaluated in processes of its own: time to load the rest.
      void provider.load();
      import("../planner/mod.ts").catch(() => {}); // Seen where it is awaited.
      if (whole && record !== undefined) openRecorded(hosts, record);
    });
    const { kinds } = await import("../providers/kvm/kinds/mod.ts");
    return {
      ...stack,
      hosts,
      provider: provider.load,
      kinds,
      async [Symbol.asyncDispose]() {
        await close();
        await stack[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function openRecorded(hosts: Hosts, record: StackRecord): void {
  const resources = Map.groupBy(record.resources, ({ host }) => host);
  for (const host of Object.values(record.hosts)) {
    hosts.open(host, resources.get(host.name)?.length);
  }
}

/**
 * Reads the hosts and makes the plan. A host that cannot be reached is one of the errors; what the
 * others have is in the plan all the same.
 *
 * @throws {StaddleError} if the topology itself is not valid.
 */
export async function makeSessionPlan(
  session: Session,
  options: SessionOptions,
): Promise<Planned> {
  const planner = await import("../planner/mod.ts");
  const { kinds, store } = session;
  const [record, given] = await Promise.all([
    store.load(session.name),
    validTopology(session, options),
  ]);
  const { topology, leftAlone } = session.revision === undefined || given === undefined
    ? { topology: given, leftAlone: [] }
    : planner.wayBack(given, record);
  const declared = { ...record?.hosts, ...topology?.hosts };
  const mode = options.mode === "destroy" ? "destroy" : "apply";
  const { target, exclude = [] } = options;
  const scope = { mode, target, exclude: [...exclude, ...leftAlone] } as const;
  const selection: Selection = planner.select(topology, record, kinds, scope);
  const requests = planner.readRequests(topology, record, kinds, selection);
  for (const host of Object.keys(requests)) session.hosts.open(declared[host]!);
  const foreseen = options.mode === "destroy"
    ? []
    : planner.factsForeseen(topology, record, selection);
  const [unfinished, read] = await Promise.all([
    record === undefined ? [] : store.unfinished(session.name),
    session.hosts.read(declared, requests),
    // A host keeps its answer for when it is known who else is to be asked.
    session.hosts.facts(declared, foreseen),
  ]);
  const wanted = options.mode === "destroy"
    ? []
    : planner.factsNeeded(topology, record, kinds, { observed: read.values, selection });
  const facts = await session.hosts.facts(declared, wanted);
  const unreachable = new Map([...facts.errors, ...read.errors]);
  const observed = Object.fromEntries(
    Object.entries(read.values).filter(([host]) => !unreachable.has(host)),
  );
  options.signal.throwIfAborted();
  const input = {
    topology,
    kinds,
    observed,
    facts: facts.values,
    record,
    unfinished,
    source: session.location.kind === "file" ? session.location.shown : undefined,
    digest: session.digest,
    target,
    exclude,
    leftAlone,
  };
  const refresh = options.mode === "refresh";
  const made = refresh ? planner.makeRefreshPlan(input) : await planner.heedingUsers(
    (known) => planner.makePlan({ ...input, mode, ...known }),
    (going) => session.hosts.users(declared, going),
  );
  // What keeps a host from being read says more than that it was not read.
  const others = made.errors.filter((error) =>
    error.code !== "plan.host-not-read" || !error.where.some((host) => unreachable.has(host))
  );
  const hostErrors = [...unreachable].map(([host, error]) =>
    ofHost(asStaddleError(error), host, topology?.hostPlaces?.[host])
  );
  // What is wrong with what is declared keeps nobody from taking over what the hosts have.
  const concerning = refresh ? others.filter(({ code }) => code === "plan.no-match") : others;
  const broken = refresh || options.breakDependents ? [] : await brokenDependents(made.plan, store);
  const errors = [...hostErrors, ...concerning, ...broken];
  const plan = await withSecretNotes(made.plan, kinds, { source: operatorSecrets(), observed });
  const earlier = declaredBefore(store, session.name);
  const after = errors.length > 0 || refresh
    ? undefined
    : !selection.whole
    ? await planner.declaredAfter({ plan, topology, record, earlier, kinds })
    : mode === "apply"
    ? topology
    : noneDeclared(session.name);
  const { going } = made;
  return { plan, errors, going, hostErrors, record, topology: after, leftAlone };
}

/** What is declared of a stack that was destroyed. */
function noneDeclared(stack: string): Topology {
  return {
    format: TOPOLOGY_FORMAT,
    stack,
    parameters: {},
    hosts: {},
    resources: [],
    outputs: {},
    reservations: {},
  };
}

/** What keeps a host from being read, with its place in the stack and the way around it. */
function ofHost(error: StaddleError, host: string, place: string | undefined): StaddleError {
  const { code, message: summary, where, details, help, exitCode, cause } = error;
  const around = `to go on without it: --exclude "${host}/*"`;
  return new StaddleError({
    code,
    summary,
    where: [...(place === undefined ? [] : [place]), ...where],
    details,
    help: help === undefined ? around : `${help}; ${around}`,
    exitCode,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A plan, and the lock under which it was made or found to be good still. */
export interface LockedPlan extends Planned {
  readonly lease: Lease;
}

/**
 * Makes the plan under the stack's lock. A stack that has no record yet is planned and reviewed first,
 * so that one which is refused or declined leaves no store behind; should a record have come to be
 * before the lock was held, it is planned and reviewed again.
 *
 * @param review Refuses a plan by throwing, declines it with false.
 * @returns undefined if it was declined.
 * @throws {StaddleError} `state.locked` (exit code 5), naming the holder and since when.
 */
export async function lockAndPlan(
  session: Session,
  options: SessionOptions,
  review: (planned: Planned) => Promise<boolean>,
): Promise<LockedPlan | undefined> {
  const { name, store } = session;
  const make = async (): Promise<Planned | undefined> => {
    const planned = await makeSessionPlan(session, options);
    return await review(planned) ? planned : undefined;
  };
  let early: Planned | undefined;
  if (await store.load(name) === undefined && await store.holder(name) === undefined) {
    early = await make();
    if (early === undefined) return undefined;
  }
  const lease = await store.lock(name, whoAmI());
  try {
    const good = early !== undefined && await store.load(name) === undefined;
    const planned = good ? early : await make();
    if (planned !== undefined) return { ...planned, lease };
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
  await lease[Symbol.asyncDispose]();
  return undefined;
}

async function validTopology(
  session: Session,
  options: SessionOptions,
): Promise<Topology | undefined> {
  const { topology, location } = session;
  if (topology === undefined) return undefined;
  // What was applied once has every digest already.
  if (options.to !== undefined) return await validated(topology);
  const { signal } = options;
  let withSums: Topology;
  try {
    withSums = await withDigests(topology, { baseDirectory: location.folder, signal });
  } catch (error) {
    // What is to be destroyed is known by its record, whether or not the images are still here.
    if (options.mode === "destroy" && !signal.aborted) return undefined;
    throw error;
  }
  return await validated(withSums);
}

/**
 * A topology with the digests of its local files, normalised.
 *
 * @throws {StaddleError} or {StaddleErrors} if it is not valid.
 */
export async function validateStack(
  topology: Topology,
  options: { readonly baseDirectory: string; readonly signal: AbortSignal },
): Promise<Topology> {
  return await validated(await withDigests(topology, options));
}

async function validated(given: Topology): Promise<Topology> {
  const [{ validateTopology }, { kinds }] = await Promise.all([
    import("../planner/mod.ts"),
    import("../providers/kvm/kinds/mod.ts"),
  ]);
  const { topology, errors } = validateTopology(given, kinds);
  throwAll(errors);
  return topology;
}
