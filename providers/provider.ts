/**
 * The contract between Staddle and a provider.
 *
 * A provider has two halves. The **pure half** is its {@linkcode Kind}s: schema, resolution,
 * comparison, change class. It runs in the stack's sandbox and in the planner, and performs no I/O.
 * The **effectful half** is {@linkcode Provider} and {@linkcode HostSession}: they read hosts in
 * bulk and carry out steps; only the applier and the commands that read hosts reach them.
 *
 * Everything that passes through here is plain JSON, so that it can be saved, reviewed and compared.
 *
 * @module
 */

import type { z } from "zod";
import type { StaddleError } from "./error.ts";
import type { SecretUse, SecretVerdict } from "./secret.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Keys whose value is undefined count as absent. */
export interface JsonObject {
  /** A value by its name. */
  readonly [key: string]: Json | undefined;
}

/** A host as a stack declares it. */
export interface HostDeclaration {
  /** Name in the stack. */
  readonly name: string;
  /** libvirt URI, for example `qemu:///system` or `qemu+ssh://root@kvm1/system`. */
  readonly uri: string;
  /** How OpenSSH reaches the host; whatever is left out comes from the user's own configuration. */
  readonly ssh?: SshOptions;
  /** Seconds within which the host must answer; 15 by default. */
  readonly connectTimeout?: number;
  /** Most steps in flight on this host at once; 5 by default. */
  readonly parallelism?: number;
}

/** What a stack may say about reaching a host by SSH. Paths are relative to the stack's folder. */
export interface SshOptions {
  /** Private key. */
  readonly identityFile?: string;
  /** File of the host keys that are accepted. */
  readonly knownHosts?: string;
  /** TCP port of the SSH server. */
  readonly port?: number;
  /** Host or hosts on the way, as `ssh -J` takes them. */
  readonly proxyJump?: string;
  /** An ssh_config file to use instead of the user's own. */
  readonly configFile?: string;
}

/**
 * How a stack stands to an object:
 *
 * - `managed`: the stack creates, changes and destroys it;
 * - `existing`: it must be there, and is never touched;
 * - `shared`: created when absent, used as it is when present, removed when nothing on the host
 *   needs it any more (the image store and the images in it).
 */
export type Tenure = "managed" | "existing" | "shared";

/** A command that the applier runs on the client beside a step. */
export interface Hook {
  /** Program and arguments; one of `/bin/sh`, `-c` and a line for a line of shell. */
  readonly command: readonly string[];
  /** Seconds within which it must end. */
  readonly timeout: number;
}

/** When a {@linkcode Hook} is run. */
export type HookMoment =
  | "beforeCreate"
  | "afterCreate"
  | "beforeUpdate"
  | "afterUpdate"
  | "beforeDelete"
  | "afterDelete";

/** What an author says of how a resource is dealt with, beside what it is. */
export interface DeclaredOptions {
  /** A plan that would destroy it or make it anew is refused. */
  readonly protect?: true;
  /** Fields that are left as the host has them once it is there: `disks[*].cache`. */
  readonly ignoreChanges?: readonly string[];
  /** Fields whose change makes it anew. */
  readonly replaceOnChanges?: readonly string[];
  /** It is left on the host when the stack has done with it. */
  readonly retainOnDelete?: true;
  /** Addresses that it had before, in the author's order. */
  readonly aliases?: readonly string[];
  /** Seconds that a step may take. */
  readonly timeouts?: {
    readonly create?: number;
    readonly update?: number;
    readonly delete?: number;
  };
  readonly hooks?: { readonly [Moment in HookMoment]?: Hook };
}

/** One thing that a stack wants on a host. */
export interface Resource {
  /**
   * `<scope>/<kind>.<name>`, for example `lab/machine.web-0`; the scope is the host's name followed
   * by any nested scopes. Unique in the stack.
   */
  readonly address: string;
  /** Name of the {@linkcode Kind}. */
  readonly kind: string;
  /** Name of the host, a key of the topology's hosts. */
  readonly host: string;
  /** The last part of the address: the name that the stack's author wrote. */
  readonly name: string;
  /** Derived: UUID v5 over stack and address. */
  readonly uuid: string;
  readonly tenure: Tenure;
  /**
   * True when an object that is on the host and nobody's is to become this resource, as it is. It is
   * found by `uuid` where its kind has one.
   */
  readonly adopt?: boolean;
  /** The declared fields, normalised by the kind's schema. References are addresses. */
  readonly spec: JsonObject;
  /** Addresses that must be done before, beyond those that the spec refers to. */
  readonly dependsOn: readonly string[];
  /** How it is dealt with; absent: as usual. */
  readonly options?: DeclaredOptions;
  /** Paths in the spec that hold what another stack gives out as sensitive. */
  readonly sensitive?: readonly string[];
  /** `file:line:column` of the declaration, for messages; no part of any digest. */
  readonly declaredAt?: string;
}

/** How a changed field is applied. In rising order of disruption. */
export type Disruption = "live" | "next-boot" | "restart" | "replace";

/** A field whose declared value differs from what the host has. */
export interface FieldChange {
  /** Path in the spec, list entries by name: `vcpus`, `disks[root].size`, `dhcp.hosts[52:54:…]`. */
  readonly path: string;
  /** What the host has; absent: nothing there; `null` where that is a secret, which is not said. */
  readonly before?: Json;
  /** What is declared; absent: to be removed. */
  readonly after?: Json;
  /** How it will be applied, decided by field, by the object's state and by the host. */
  readonly disruption: Disruption;
  /** How to show the values: sizes in bytes are printed as `2 GiB`, secrets not at all. */
  readonly format?: "bytes" | "sensitive";
}

/** One object that a host has, as it was read. Interpreted only by its kind. */
export interface Observed {
  readonly kind: string;
  readonly host: string;
  /** Name under which it is found on the host, as {@linkcode Kind.key} gives it. */
  readonly key: string;
  readonly uuid?: string;
  /** Staddle's mark, where the object can hold one. */
  readonly mark?: Mark;
  /** SHA-256 (hex) over everything in `source` that a stack can declare. */
  readonly fingerprint: string;
  /** What was read: XML texts and states; no secret's value. */
  readonly source: JsonObject;
  /** How the secrets that the request named compare, by path. No fingerprint depends on it. */
  readonly secrets?: Readonly<Record<string, SecretVerdict>>;
}

/** The mark of ownership that domains and networks carry in their metadata. */
export interface Mark {
  /** Name of the stack that owns the object. */
  readonly stack: string;
  /** Address of the resource in that stack. */
  readonly address: string;
  /** Digest of the declaration that was last applied. */
  readonly digest: string;
}

/** What a kind may look at while it resolves, checks or compares. */
export interface Lookup {
  readonly stack: string;
  /** Another resource of the stack, its spec resolved already if it stands before this one. */
  resource(address: string): Resource | undefined;
  /** All resources of the stack, for checks that span many: subnets that overlap. */
  resources?(): Iterable<Resource>;
  /** What the host has for another resource of the stack. */
  observed(address: string): Observed | undefined;
  /** Provider-specific facts of a host; undefined when they were not read. */
  facts(host: string): JsonObject | undefined;
}

/** An address that a spec refers to, and the path where it stands. */
export interface Reference {
  readonly address: string;
  readonly path: string;
  /** Kinds that may stand there. */
  readonly kinds: readonly string[];
  /**
   * True when the object that refers stays whole while the other is taken away and made anew: a
   * NIC's network. Otherwise it is replaced together with what it refers to: a machine with its
   * volume.
   */
  readonly survives?: boolean;
}

/** Something that a resource wants for itself alone: a MAC address, a volume to write to. */
export interface Claim {
  /** Claims of one `what` collide within their scope: `mac 52:54:00:12:34:56`. */
  readonly what: string;
  /** Path in the spec. */
  readonly path: string;
  readonly scope: "host" | "stack";
}

/** Something wrong with a spec that the schema alone cannot see. */
export interface Issue {
  /** Stable code, for example `network.address-outside-subnet`. */
  readonly code: string;
  /** Path in the spec. */
  readonly path: string;
  readonly message: string;
  /** What would be valid. */
  readonly help?: string;
}

/** One field of a kind, for reference pages and the JSON schema. Made from the kind's table. */
export interface FieldDoc {
  readonly path: string;
  readonly type: string;
  readonly doc: string;
  /** Where it stands in libvirt's XML. */
  readonly xml?: string;
  /** The change class; `varies` where state and host decide. */
  readonly change: Disruption | "varies" | "none";
  /** What decides, where the change class varies. */
  readonly when?: string;
  /** Least libvirt version, for example `9.0.0`, where it is above the least supported one. */
  readonly since?: string;
}

/** Something that an object goes on using. */
export interface Hold {
  readonly object: Observed;
  /**
   * What of the object names it, though nothing runs on it: `the saved state`, `snapshot "clean"`. Absent:
   * the object runs on it until its next start.
   */
  readonly by?: string;
}

/** Something on a host that uses an object, whoever made it. */
export interface Use {
  /** What is used. */
  readonly object: Pick<Observed, "kind" | "key">;
  /** What uses it: a machine, or a volume that stands on it. */
  readonly user: Pick<Observed, "kind" | "key" | "uuid">;
  /** What of the user names the object, where it is not its definition: see {@linkcode Hold.by}. */
  readonly by?: string;
}

/** How an object is taken away. */
export interface Removal {
  /** For the delete step, which has to know it without the stack. */
  readonly how: JsonObject;
  /** What a person should know of it. */
  readonly note?: string;
}

/** The pure half: one kind of resource. */
export interface Kind {
  readonly kind: string;
  /** Validates and normalises a spec. */
  readonly schema: z.ZodType;
  readonly fields: readonly FieldDoc[];
  /** Addresses that the spec refers to. */
  references(resource: Resource): readonly Reference[];
  /** The spec with everything physical filled in: names, paths, reservations. Declared fields only. */
  resolve(resource: Resource, lookup: Lookup): JsonObject;
  /** Name under which the object is found on its host. The resource is resolved. */
  key(resource: Resource): string;
  /** Checks that need other resources or the host's facts. The resource is resolved. */
  check(resource: Resource, lookup: Lookup): readonly Issue[];
  /** The resolved spec plus the defaults that a person expects of a new object on this host. */
  complete(resource: Resource, lookup: Lookup): JsonObject;
  /** What the host has, in the shape of a spec: every field that the table knows. */
  view(observed: Observed): JsonObject;
  /**
   * The declared fields that differ. `previous` is the declaration that was last applied: an entry
   * of a list that stands there and no longer in `resource` is to be removed.
   */
  diff(
    resource: Resource,
    observed: Observed,
    context: { readonly previous?: JsonObject; readonly lookup: Lookup },
  ): readonly FieldChange[];
  /** Conditions to wait for after creation, if the spec declares any (JSON for the wait step). */
  waits(resource: Resource): JsonObject | undefined;
  /**
   * True when objects of this kind carry the mark and the derived UUID: one under our name without
   * either is not ours, whatever the record says.
   */
  readonly marked?: boolean;
  /**
   * True when a stopped run may leave something on the host that reading does not show: a torn file, a
   * stamp beside it. Deleting takes that away too, also where nothing is seen.
   */
  readonly hides?: boolean;
  /**
   * Whether what is declared of an adopted object makes it as it was, should it be gone; it does unless
   * said otherwise. The resource is resolved.
   */
  remakes?(resource: Resource): boolean;
  /**
   * What no two resources may have at once, beside the key and the UUID. The resource is as the topology
   * has it; or its spec is completed, or what {@linkcode Kind.view} gives, where a new object is to stand
   * beside the one that it replaces.
   */
  claims?(resource: Resource): readonly Claim[];
  /** The secrets that the spec refers to. */
  secrets?(resource: Resource): readonly SecretUse[];
  /** What a person should know before it is made: the accelerator that was chosen, and why. */
  notes?(resource: Resource, lookup: Lookup): readonly string[];
  /**
   * Objects that one goes on using once `changes` are made: it runs on them until its next start, or has
   * them in a state that it can go back to, and its definition does without them. They are of `among`, which
   * is all of a host that the plan concerns, one list for all who are asked.
   */
  holds?(
    observed: Observed,
    context: { readonly changes: readonly FieldChange[]; readonly among: readonly Observed[] },
  ): readonly Hold[];
  /**
   * How an object is taken away, where that depends on more than itself. `resource` is as declared, or as
   * last applied where nothing declares it any more; `going` is all that the same plan takes away.
   */
  removal?(
    resource: Resource,
    context: { readonly observed: Observed; readonly going: readonly Observed[] },
  ): Removal;
}

/** What a step does. */
export type Operation = "create" | "update" | "delete" | "wait";

/** One step of a plan: self-contained, so that a saved plan runs without its stack. */
export interface Step {
  /** `<operation>:<address>`, with `#old` behind for the old half of a replacement. */
  readonly id: string;
  readonly operation: Operation;
  readonly address: string;
  readonly kind: string;
  readonly host: string;
  readonly key: string;
  /** Resolved (and, for `create`, completed) resource; for `delete`, as it was last applied. */
  readonly resource: Resource;
  /** The mark to write, for kinds that can hold one. */
  readonly mark: Mark;
  /**
   * The declaration that was last applied, for `update`; the one that was being applied, for a `create`
   * that finishes what is half made.
   */
  readonly previous?: JsonObject;
  /**
   * Declarations that stopped runs were bringing about besides. An entry of a list that stands in one
   * of them and not in `resource` is to be removed, as if it stood in `previous`.
   */
  readonly unsettled?: readonly JsonObject[];
  readonly changes: readonly FieldChange[];
  /** Fingerprint of the object when the plan was made; absent when it must not exist. */
  readonly fingerprint?: string;
  /** Ids of steps that must have ended well before this one begins. */
  readonly needs: readonly string[];
  /** Only with `delete`: the object stays, and what it carries of Staddle's goes. */
  readonly retain?: true;
  /** Only with `delete`: how the object is taken away, as {@linkcode Kind.removal} says. */
  readonly removal?: JsonObject;
}

/** Objects to read, by kind and key; the UUID finds one that was renamed. */
export interface ReadRequest {
  readonly kind: string;
  readonly key: string;
  readonly uuid?: string;
  /** Secrets to compare with what it has; absent: none, which costs nothing. */
  readonly secrets?: readonly SecretUse[];
}

/** What a step may use while it is carried out. */
export interface StepContext {
  readonly signal: AbortSignal;
  /** Folder of the stack file: relative image and key paths start here. */
  readonly baseDirectory: string;
  /** Tells the person what is going on; `fraction` from 0 to 1 where it is known. */
  progress(message: string, fraction?: number): void;
}

/**
 * Beginning of the note that names the fields which were saved and wait for a restart. It is made by a
 * kind's notes, and kept in the record.
 */
export const PENDING_RESTART = "pending restart: ";

/** How a step ended. */
export interface StepResult {
  /** The object as it was read back; absent after a delete. */
  readonly observed?: Observed;
  /**
   * Declared fields that the step was not to change differ by now: a guest died, someone changed it by
   * hand meanwhile. The next plan must not take the object for what was read back.
   */
  readonly differs?: true;
  /** Things that a person should know, for example that a shared pool was kept, and why. */
  readonly notes: readonly string[];
}

/** An open host. */
export interface HostSession extends AsyncDisposable {
  readonly host: string;
  /** Provider-specific facts; read once a session. */
  facts(): Promise<JsonObject>;
  /** Reads in bulk; what does not exist is left out. */
  read(requests: readonly ReadRequest[]): Promise<readonly Observed[]>;
  /**
   * Who uses the objects, of all that the host has: asked before they are taken away. Absent: such a host
   * cannot tell.
   */
  users?(objects: readonly Observed[]): Promise<readonly Use[]>;
  /**
   * Carries a step out, reads the object back, and compares every changed field.
   *
   * Must be safe to repeat after having been cut off anywhere: it finds what is half done by
   * identity and finishes it.
   *
   * @throws {StaddleError} naming the object, the host and, after a false success, the field.
   */
  perform(step: Step, context: StepContext): Promise<StepResult>;
}

/** The effectful half. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  readonly kinds: ReadonlyMap<string, Kind>;
  /** @throws {StaddleError} that names the host and says why it cannot be reached. */
  connect(
    host: HostDeclaration,
    options: {
      readonly signal: AbortSignal;
      readonly baseDirectory: string;
      /** About how many objects will be read as soon as it is open. */
      readonly expectedObjects?: number;
    },
  ): Promise<HostSession>;
  /** Whether trying a failed step again may help, by the error's own codes. */
  isTransient(error: StaddleError): boolean;
}
