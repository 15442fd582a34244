/**
 * Staddle provisions virtual machines on KVM hosts from stacks written in TypeScript.
 *
 * A stack's author imports this module; run as the main module, it is the command line. May not:
 * load the command line, the provider or libvirt for somebody who only imports it.
 *
 * @module
 */

export * from "./stacks/mod.ts";

if (import.meta.main) {
  const { main } = await import("./cli/main.ts");
  // Not merely the status: a Worker in a call that blocks would keep the process alive.
  Deno.exit(await main(Deno.args));
}
