/**
 * Options: how a resource is dealt with, beside what it is. They stand in the argument behind the
 * declaration, and scopes pass those on that mean the same for every resource.
 *
 * @module
 */

import type { Handle } from "../handles.ts";

/** A time: seconds, or a number and a unit: `"30s"`, `"5m"`, `"1h"`. */
export type Duration = number | string;

/** How long a step may take before it is given up. What hangs is found by it, not what is slow. */
export interface Timeouts {
  /** An hour unless declared. */
  readonly create?: Duration;
  /** An hour unless declared. */
  readonly update?: Duration;
  /** 15 minutes unless declared. */
  readonly delete?: Duration;
}

/**
 * A command that is run on the machine where Staddle runs: a line for `/bin/sh`, or a program and its
 * arguments. It starts in the stack's folder and finds what the plan knows in its environment:
 * `STADDLE_STACK`, `STADDLE_ADDRESS`, `STADDLE_KIND`, `STADDLE_NAME`, `STADDLE_HOST`,
 * `STADDLE_HOST_URI`, `STADDLE_UUID`, `STADDLE_IP`, `STADDLE_HOOK`, `STADDLE_OPERATION`,
 * `STADDLE_CHANGES` (paths, one a line) and `STADDLE_SPEC` (JSON).
 */
export type HookCommand =
  | string
  | readonly string[]
  | {
    /** The line, or the program and its arguments. */
    readonly run: string | readonly string[];
    /** A minute unless declared. */
    readonly timeout?: Duration;
  };

/**
 * Commands beside steps. They run only where `--allow-hooks` says so, for a stack may be somebody
 * else's; the plan shows them. One that is run before a step and fails keeps the step from touching
 * the host; one that is run after it and fails marks the step as failed.
 */
export interface Hooks {
  /** Before it is made. */
  readonly beforeCreate?: HookCommand;
  /** When it was made and its wait condition, if it has one, is met. */
  readonly afterCreate?: HookCommand;
  /** Before it is changed. */
  readonly beforeUpdate?: HookCommand;
  /** When it was changed. */
  readonly afterUpdate?: HookCommand;
  /** Before it is destroyed. */
  readonly beforeDelete?: HookCommand;
  /** When it was destroyed. */
  readonly afterDelete?: HookCommand;
}

/** Options that a host and a scope pass on to everything in them. */
export interface InheritedOptions {
  /** Resources that must be done before. */
  readonly dependsOn?: readonly Handle[];
  /** Refuse every plan that would destroy it or make it anew. */
  readonly protect?: boolean;
  /** Leave it on the host when the stack has done with it: it is forgotten instead of destroyed. */
  readonly retainOnDelete?: boolean;
  /** How long steps may take. */
  readonly timeouts?: Timeouts;
  /** Commands beside steps. */
  readonly hooks?: Hooks;
}

/** Options of a scope. */
export interface ScopeOptions extends InheritedOptions {
  /** Names that the scope had before: what is in it is renamed with it, and not made anew. */
  readonly aliases?: readonly string[];
}

/** Options of a resource. */
export interface ResourceOptions extends InheritedOptions {
  /**
   * Fields that are left as the host has them once it is there, whatever is declared:
   * `["memory", "disks[*].cache"]`. `*` stands for any entry of a list.
   */
  readonly ignoreChanges?: readonly string[];
  /** Fields whose change makes it anew, though the host could change them. */
  readonly replaceOnChanges?: readonly string[];
  /**
   * Names that it had before, in the same scope (`"web"`), or whole addresses on the same host
   * (`"lab/old/machine.web"`): it is renamed, keeps its identity, and is not made anew.
   */
  readonly aliases?: readonly string[];
}
