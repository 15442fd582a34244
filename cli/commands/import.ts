/** `staddle import`: a stack that declares what a host has. */

import { StaddleError } from "../../providers/error.ts";
import type { Context } from "../context.ts";
import { listenForStop } from "../signals.ts";

/** Flags of `import`. */
export interface ImportFlags {
  readonly out: string;
  readonly network?: readonly string[];
  readonly pool?: readonly string[];
  readonly volume?: readonly string[];
  readonly overwrite?: boolean;
}

/** Reads the host, and writes the stack. */
export async function importMachines(
  this: Context,
  flags: ImportFlags,
  uri: string,
  ...names: string[]
): Promise<void> {
  const { terminal } = this;
  using stop = listenForStop();
  refuseHosts(uri, names);
  const { out, overwrite = false } = flags;
  const file = `${out.replace(/(?<=.)\/+$/, "")}/stack.ts`;
  await refuseFolder(out);
  if (!overwrite) await refuseExisting(file);
  const { kvm } = await import("../../providers/kvm/mod.ts");
  const { draftStack, stackNameOf } = await import("../import/mod.ts");
  const { writeStack } = await import("../../stacks/write/mod.ts");
  await using provider = kvm();
  const wanted = {
    networks: unique(flags.network),
    pools: unique(flags.pool),
    volumes: unique(flags.volume),
  };
  const survey = await provider.survey(
    { name: uri, uri },
    { machines: unique(names), ...wanted },
    { signal: stop.cancel, baseDirectory: Deno.cwd() },
  );
  const name = stackNameOf(await Deno.realPath(".").then((here) => `${here}/${out}`));
  const { draft, refused } = draftStack({ name, uri }, { ...survey, wanted });
  const owned = draft.declarations.filter(({ call }) => !call.startsWith("existing"));
  if (owned.length === 0) throw nothing(uri, refused);
  await write(file, writeStack(draft), { out, overwrite });
  for (const { name, why } of refused) terminal.print(`${name} was left out: ${why}`);
  terminal.print(
    `Wrote ${file}: ${counted(owned.map(({ call }) => call))}. ` +
      `"staddle plan ${file}" shows what applying it would import.`,
  );
}

function unique(names: readonly string[] = []): readonly string[] {
  return [...new Set(names)];
}

/** `2 machines, 1 network`. */
function counted(calls: readonly string[]): string {
  const words = { vm: "machine", network: "network", pool: "pool", volume: "volume" };
  return Object.entries(words).flatMap(([call, word]) => {
    const count = calls.filter((one) => one === call).length;
    return count === 0 ? [] : [`${count} ${word}${count === 1 ? "" : "s"}`];
  }).join(", ");
}

const URI = /^[a-z]+(\+[a-z0-9]+)?:\/\//;

/** An import is of one host: its stack can be joined with others by hand. */
function refuseHosts(uri: string, names: readonly string[]): void {
  if (!URI.test(uri)) {
    throw new StaddleError({
      code: "import.no-uri",
      summary: `"${uri}" is no libvirt URI`,
      help: 'name the host first, for example "qemu:///system" or "qemu+ssh://root@kvm1/system"',
    });
  }
  const other = names.find((name) => URI.test(name));
  if (other === undefined) return;
  throw new StaddleError({
    code: "import.several-hosts",
    summary: `an import reads one host, and two are named: ${uri} and ${other}`,
    help: "import each into a folder of its own",
  });
}

/** Says early what would keep the file from being written. */
async function refuseFolder(out: string): Promise<void> {
  try {
    if ((await Deno.stat(out)).isDirectory) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw unwritable(out, error);
  }
  throw new StaddleError({
    code: "import.no-folder",
    summary: `${out} is no folder`,
    where: [out],
    help: "name a folder with --out; it is made if it is not there",
  });
}

async function write(
  file: string,
  text: string,
  { out, overwrite }: { readonly out: string; readonly overwrite: boolean },
): Promise<void> {
  try {
    await Deno.mkdir(out, { recursive: true });
    await Deno.writeTextFile(file, text, { createNew: !overwrite });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw fileExists(file);
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): StaddleError {
  return new StaddleError({
    code: "import.not-writable",
    summary: `${file} cannot be written`,
    where: [file],
    // The path stands above.
    details: [error instanceof Error ? error.message.replace(/: \w+ '.*'$/, "") : String(error)],
    help: "name a folder with --out in which you may write",
    cause: error,
  });
}

async function refuseExisting(file: string): Promise<void> {
  const known = await Deno.lstat(file).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unwritable(file, error);
  });
  if (known !== undefined) throw fileExists(file);
}

function fileExists(file: string): StaddleError {
  return new StaddleError({
    code: "import.file-exists",
    summary: `${file} is there already`,
    where: [file],
    help: "name another folder with --out, or say --overwrite to replace the file",
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
