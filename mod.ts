/**
 * Staddle: virtual machines on KVM hosts, from TypeScript.
 *
 * Imported, it is what a stack's author writes with. Run as the main module, it is the command
 * line: `deno run -P mod.ts --help`.
 *
 * The rooms: `stacks/` the language and its sandbox, `planner/` what would be done, `applier/` doing
 * it, `state/` what is owned, `providers/` the hosts, `cli/` commands and what people read.
 *
 * @module
 */

export * from "./stacks/mod.ts";

if (import.meta.main) {
  const { main } = await import("./cli/mod.ts");
  // Not merely the status: a Worker in a call that blocks would keep the process alive.
  Deno.exit(await main(Deno.args));
}
