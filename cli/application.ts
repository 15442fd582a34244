/**
 * The commands: their arguments, their help. What each does is loaded when it is run.
 *
 * @module
 */

import {
  type Application,
  type ApplicationText,
  ArgumentParseError,
  ArgumentScannerError,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type Command,
  EnumValidationError,
  FlagNotFoundError,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { StaddleError } from "../providers/error.ts";
import type { ApplyFlags } from "./commands/apply.ts";
import type { DestroyFlags } from "./commands/destroy.ts";
import type { DriftFlags } from "./commands/drift.ts";
import type { GraphFlags } from "./commands/graph.ts";
import { DOCUMENTS_KEEP, ROWS_KEEP } from "../state/history_limits.ts";
import type { HistoryFlags } from "./commands/history.ts";
import type { ImportFlags } from "./commands/import.ts";
import type { PlanCommandFlags } from "./commands/plan.ts";
import type { ShowFlags } from "./commands/show.ts";
import { recordedArgument, stackArgument } from "./arguments.ts";
import type { Context } from "./context.ts";
import {
  breakDependents,
  claim,
  file,
  json,
  maxDisruption,
  param,
  planning,
  positiveInteger,
  running,
  showing,
  toggle,
} from "./flags.ts";
import { errorText, type ErrorTextOptions, exitCodeOf } from "./render/error_text.ts";
import { state } from "./state/routes.ts";
import { VERSION } from "./version.ts";

type OneStack = { readonly kind: "tuple"; readonly parameters: readonly [typeof stackArgument] };
const oneStack: OneStack = { kind: "tuple", parameters: [stackArgument] };

const plan: Command<Context> = buildCommand<PlanCommandFlags, [string], Context>({
  loader: async () => (await import("./commands/plan.ts")).plan,
  parameters: {
    flags: {
      ...planning,
      ...showing,
      breakDependents,
      out: file("Save the plan, to be applied as it stands"),
      sign: {
        ...file("Sign the saved plan with this ed25519 private key"),
        placeholder: "keyfile",
      },
      json,
      detailedExitcode: toggle("Exit with 2 when there are changes"),
      destroy: toggle("Plan to destroy everything that the stack owns"),
      refreshOnly: toggle("Plan to take over into the record what has changed on the hosts"),
      to: {
        kind: "parsed",
        parse: String,
        brief: "Plan the way back to a revision of the history; nothing is evaluated",
        placeholder: "revision",
        optional: true,
      },
    },
    positional: oneStack,
  },
  docs: { brief: "Show what applying a stack would do" },
});

const apply: Command<Context> = buildCommand<ApplyFlags, [string], Context>({
  loader: async () => (await import("./commands/apply.ts")).apply,
  parameters: {
    flags: {
      ...planning,
      ...running,
      maxDisruption,
      refreshOnly: toggle("Take over into the record what has changed on the hosts, and no more"),
      requireSignature: {
        kind: "parsed",
        parse: String,
        brief: "Refuse a plan that this ed25519 key has not signed: a file, or a line of one; " +
          "may be repeated",
        placeholder: "pubkey",
        optional: true,
        variadic: true,
      },
    },
    aliases: { y: "yes" },
    positional: {
      kind: "tuple",
      parameters: [{
        ...stackArgument,
        brief: "The stack's file or folder, or a saved plan",
        placeholder: "stack|plan",
      }],
    },
  },
  docs: {
    brief: "Make the hosts what a stack says, or carry out a saved plan",
    fullDescription:
      "Plans, shows the plan, asks, and carries it out. A saved plan is carried out exactly as it " +
      "stands, unless something that it touches has moved since. Without a terminal a stack needs --yes.",
  },
});

const destroy: Command<Context> = buildCommand<DestroyFlags, [string, ...string[]], Context>({
  loader: async () => (await import("./commands/destroy.ts")).destroy,
  parameters: {
    flags: {
      ...planning,
      ...running,
      fromHost: toggle("Without a record: find on the hosts what carries the stack's mark"),
      claim,
    },
    aliases: { y: "yes" },
    positional: {
      kind: "array",
      parameter: {
        brief:
          "The stack's file, folder or recorded name; with --from-host, URIs of hosts behind it",
        parse: String,
        placeholder: "stack|uri",
      },
      minimum: 1,
    },
  },
  docs: {
    brief: "Destroy everything that a stack owns",
    fullDescription:
      "Destroy everything that a stack owns. With --from-host neither a record nor the stack's file is " +
      "needed: machines and networks are found by the stack's mark, and what they stand on by its name. " +
      "What nothing speaks for is left alone, and named.",
  },
});

const show: Command<Context> = buildCommand<ShowFlags, [string], Context>({
  loader: async () => (await import("./commands/show.ts")).show,
  parameters: {
    flags: {
      format: {
        kind: "enum",
        values: ["text", "json", "markdown"],
        brief: "How to show it; markdown is made for a comment on a pull request",
        default: "text",
      },
      ...showing,
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "A saved plan", parse: String, placeholder: "plan" }],
    },
  },
  docs: { brief: "Show a saved plan" },
});

const drift: Command<Context> = buildCommand<DriftFlags, [string], Context>({
  loader: async () => (await import("./commands/drift.ts")).drift,
  parameters: {
    flags: {
      ...planning,
      json,
      detailedExitcode: toggle("Exit with 2 when something has changed"),
    },
    positional: oneStack,
  },
  docs: { brief: "Show what has changed on the hosts since the last apply" },
});

const outputs: Command<Context> = buildCommand<{ json?: boolean }, [string], Context>({
  loader: async () => (await import("./commands/outputs.ts")).outputs,
  parameters: {
    flags: { json },
    positional: { kind: "tuple", parameters: [recordedArgument] },
  },
  docs: { brief: "Show the outputs of a stack as they were last applied" },
});

const graph: Command<Context> = buildCommand<GraphFlags, [string], Context>({
  loader: async () => (await import("./commands/graph.ts")).graph,
  parameters: {
    flags: {
      param,
      format: {
        kind: "enum",
        values: ["dot", "mermaid"],
        brief: "Language of the graph",
        default: "dot",
      },
    },
    positional: oneStack,
  },
  docs: { brief: "Draw what a stack declares and what needs what" },
});

const history: Command<Context> = buildCommand<HistoryFlags, [string, string?], Context>({
  loader: async () => (await import("./commands/history.ts")).history,
  parameters: {
    flags: {
      json,
      limit: {
        kind: "parsed",
        parse: positiveInteger,
        brief: "Most runs to show",
        placeholder: "n",
        default: "20",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [recordedArgument, {
        brief: "A revision, by the beginning of its id: its steps are shown",
        parse: String,
        placeholder: "revision",
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Show the runs of a stack, or one of them: who, when, what, result",
    fullDescription: "Show the runs of a stack, or one of them: who, when, what, result.\n\n" +
      "SQLite and PostgreSQL keep every run, and of the last " +
      `${ROWS_KEEP.journalled} their steps and the way back; a bucket and Terraform's http protocol ` +
      `keep ${DOCUMENTS_KEEP.runs} runs, and of the last ${DOCUMENTS_KEEP.journalled} their steps ` +
      "and the way back.",
  },
});

const doctor: Command<Context> = buildCommand<{ json?: boolean }, [string?], Context>({
  loader: async () => (await import("./commands/doctor.ts")).doctor,
  parameters: {
    flags: { json },
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "libvirt URI of the host; qemu:///system by default",
        parse: String,
        placeholder: "uri",
        optional: true,
        proposeCompletions: () => ["qemu:///system", "qemu:///session", "qemu+ssh://"],
      }],
    },
  },
  docs: { brief: "Say whether a host is fit for Staddle, and what to do if it is not" },
});

/** Something of a host, by its name. */
function named(brief: string, placeholder: string) {
  return {
    kind: "parsed",
    parse: String,
    brief,
    placeholder,
    optional: true,
    variadic: true,
  } as const;
}

const importCommand: Command<Context> = buildCommand<ImportFlags, [string, ...string[]], Context>({
  loader: async () => (await import("./commands/import.ts")).importMachines,
  parameters: {
    flags: {
      out: {
        kind: "parsed",
        parse: String,
        brief: "Folder to write stack.ts to; made if it is not there",
        placeholder: "dir",
      },
      network: named("A network, whoever uses it; may be repeated", "name"),
      pool: named("A pool, whoever uses it; may be repeated", "name"),
      volume: named("A volume, whoever uses it; may be repeated", "pool/name"),
      overwrite: {
        kind: "boolean",
        brief: "Replace a stack.ts that is there already",
        optional: true,
        withNegated: false,
      },
    },
    positional: {
      kind: "array",
      parameter: {
        brief: "libvirt URI of the host, then names of machines; all unless anything is named",
        parse: String,
        placeholder: "uri|name",
      },
      minimum: 1,
    },
  },
  docs: {
    brief: "Write a stack that declares what a host has",
    fullDescription:
      "Write a stack that declares machines which a host has already, and what they are on. Nothing " +
      "on the host is touched: all becomes the stack's own when it is applied. What machines use " +
      "that are not imported is declared as existing.",
  },
});

const completions: Command<Context> = buildCommand<
  Record<never, never>,
  ["bash" | "zsh" | "fish"],
  Context
>({
  loader: async () => (await import("./commands/completions.ts")).completions,
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "bash, zsh or fish",
        parse: parseShell,
        placeholder: "bash|zsh|fish",
        proposeCompletions: (partial) => SHELLS.filter((shell) => shell.startsWith(partial)),
      }],
    },
  },
  docs: {
    brief: "Print a script that completes commands, flags and addresses",
    fullDescription:
      'Print a script that completes commands, flags and addresses. In bash: eval "$(staddle completions bash)"',
  },
});

const version: Command<Context> = buildCommand<Record<never, never>, [], Context>({
  func() {
    this.terminal.print(VERSION);
  },
  parameters: {},
  docs: { brief: "Print the version" },
});

const SHELLS = ["bash", "zsh", "fish"] as const;

function parseShell(text: string): (typeof SHELLS)[number] {
  const shell = SHELLS.find((known) => known === text);
  if (shell !== undefined) return shell;
  throw new StaddleError({
    code: "usage.unknown-shell",
    summary: `"${text}" is not a shell that Staddle knows`,
    help: "bash, zsh or fish",
  });
}

const root = buildRouteMap<string, Context>({
  routes: {
    plan,
    apply,
    destroy,
    show,
    drift,
    outputs,
    graph,
    state,
    history,
    doctor,
    import: importCommand,
    completions,
    version,
  },
  docs: {
    brief: "Virtual machines on KVM hosts, from TypeScript",
    fullDescription: [
      "Virtual machines on KVM hosts, from TypeScript.",
      "",
      "Exit status: 0 done or no change; 1 error; 2 changes present (--detailed-exitcode only);",
      "3 policy or disruption limit; 4 stale plan; 5 locked; 130 cancelled.",
      "STADDLE_STATE names the record's store; NO_COLOR and CI are honoured.",
      "Everywhere: --debug shows stack traces with errors, --no-color leaves colour out.",
    ].join("\n"),
  },
});

/** The commands; errors are written in the given style. */
export function buildStaddle(errors: ErrorTextOptions): Application<Context> {
  return buildApplication(root, {
    name: "staddle",
    versionInfo: { currentVersion: VERSION },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { onlyRequiredInUsageLine: true },
    localization: { text: texts(errors) },
    determineExitCode: exitCodeOf,
  });
}

/** Stricli's words, with every error in Staddle's own form. */
function texts(options: ErrorTextOptions): ApplicationText {
  const failure = (error: unknown): string => errorText(error, options);
  return {
    ...text_en,
    exceptionWhileParsingArguments: (error) => failure(usageError(error)),
    exceptionWhileLoadingCommandFunction: failure,
    exceptionWhileLoadingCommandContext: failure,
    exceptionWhileRunningCommand: failure,
    commandErrorResult: failure,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      failure(
        new StaddleError({
          code: "usage.unknown-command",
          summary: `staddle has no command "${input}"`,
          help: corrections.length > 0
            ? `did you mean ${corrections.join(" or ")}?`
            : "staddle --help lists the commands",
        }),
      ),
  };
}

function usageError(error: unknown): unknown {
  if (!(error instanceof ArgumentScannerError)) return error;
  if (error instanceof ArgumentParseError && error.exception instanceof StaddleError) {
    const { code, message, help } = error.exception;
    const summary = `${error.externalFlagNameOrPlaceholder}: ${message}`;
    return new StaddleError({ code, summary, help, cause: error });
  }
  const corrections = error instanceof FlagNotFoundError ? error.corrections : [];
  return new StaddleError({
    code: "usage.bad-arguments",
    summary: formatMessageForArgumentScannerError(error, {
      FlagNotFoundError: ({ input }) => `there is no flag --${input}`,
      EnumValidationError: ({ externalFlagName, input, values }) =>
        `--${externalFlagName} takes ${values.join(", ")}, not "${input}"`,
      UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing`,
    }),
    help: corrections.length > 0
      ? `did you mean ${corrections.map((name) => `--${name}`).join(" or ")}?`
      : error instanceof EnumValidationError
      ? undefined
      : "add --help to see what the command takes",
  });
}
