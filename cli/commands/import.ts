/** `staddle import`: a stack that declares what a host has. */

import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `import`. */
export interface ImportFlags {
  readonly out: string;
}

/** Reads the host, and writes the stack. */
export async function importMachines(
  this: Context,
  { out }: ImportFlags,
  uri: string,
  ...names: string[]
): Promise<void> {
  const { terminal } = this;
  using stop = listenForStop();
  const file = `${out.replace(/(?<=.)\/+$/, "")}/stack.ts`;
  await refuseExisting(file);
  const { kvm } = await import("../../providers/kvm/mod.ts");
  const { draftStack, stackNameOf } = await import("../import/mod.ts");
  const { writeStack } = await import("../../stacks/write/mod.ts");
  await using provider = kvm();
  const options = { signal: stop.cancel, baseDirectory: Deno.cwd() };
  const contents = await provider.survey({ name: uri, uri }, names, options);
  const name = stackNameOf(await Deno.realPath(".").then((here) => `${here}/${out}`));
  const { draft, refused } = draftStack({ name, uri }, contents);
  const machines = draft.declarations.filter(({ call }) => call === "vm").length;
  if (machines === 0) throw nothing(uri, refused);
  await Deno.mkdir(out, { recursive: true });
  await Deno.writeTextFile(file, writeStack(draft), { createNew: true });
  for (const { name, why } of refused) terminal.print(`${name} was left out: ${why}`);
  terminal.print(
    `Wrote ${file}: ${machines} ${machines === 1 ? "machine" : "machines"}. ` +
      `"staddle plan ${file}" shows what applying it would import.`,
  );
}

async function refuseExisting(file: string): Promise<void> {
  const known = await Deno.lstat(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (known === undefined) return;
  throw new StaddleError({
    code: "import.file-exists",
    summary: `${file} is there already, and an import overwrites nothing`,
    where: [file],
    help: "name another folder with --out, or move the file away",
  });
}

function nothing(
  uri: string,
  refused: readonly { readonly name: string; readonly why: string }[],
): StaddleError {
  return new StaddleError({
    code: "import.nothing",
    summary: "there is nothing to import",
    where: [uri],
    details: refused.length === 0
      ? ["the host has no machines"]
      : refused.slice(0, 12).map(({ name, why }) => `${name}: ${why}`),
    help: "name a host with machines that no stack owns",
  });
}
