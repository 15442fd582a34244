/**
 * A corpus of domain XML: libvirt's own tests, from the source package of the distribution that this machine
 * runs. It is fetched with an apt configuration of its own, into a folder that is removed; nothing of it
 * is kept.
 *
 * @module
 */

/** One domain of the corpus. */
export interface CorpusDomain {
  /** Path below libvirt's `tests/`. */
  readonly path: string;
  readonly xml: string;
}

/** Names of the files of apt's sources, each with what is in it. */
async function aptSources(): Promise<[name: string, text: string][]> {
  const files = ["/etc/apt/sources.list"];
  for await (const entry of Deno.readDir("/etc/apt/sources.list.d")) {
    files.push(`/etc/apt/sources.list.d/${entry.name}`);
  }
  const found: [string, string][] = [];
  for (const file of files.sort()) {
    const text = await Deno.readTextFile(file).catch(() => "");
    const name = file.slice(file.lastIndexOf("/") + 1);
    if (text !== "") found.push([name, text]);
  }
  return found;
}

/** The distribution's own sources, turned to source packages. */
function sourcePackages([name, text]: readonly [string, string]): [string, string] | undefined {
  const distribution = /(debian|ubuntu)-archive-keyring|(debian|ubuntu)\.(org|com)/;
  if (name.endsWith(".sources")) {
    const stanzas = text.split(/\n\s*\n/).filter((stanza) => distribution.test(stanza));
    const turned = stanzas.map((stanza) => stanza.replace(/^Types:.*$/m, "Types: deb-src"));
    return turned.length === 0 ? undefined : [name, `${turned.join("\n\n")}\n`];
  }
  const lines = text.split("\n").filter((line) => /^deb\s/.test(line) && distribution.test(line));
  const turned = lines.map((line) => line.replace(/^deb\s/, "deb-src "));
  return turned.length === 0 ? undefined : [name, `${turned.join("\n")}\n`];
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  const child = new Deno.Command(program, { args, cwd, stdin: "null" });
  const { success, stderr } = await child.output();
  if (success) return;
  const text = new TextDecoder().decode(stderr).trim();
  throw new Error(`${program} ${args.at(-1)} failed: ${text.split("\n").at(-1) ?? ""}`);
}

/**
 * Fetches the corpus.
 *
 * @throws {Error} that says why it cannot be had.
 */
export async function fetchCorpus(): Promise<CorpusDomain[]> {
  const folder = await Deno.makeTempDir({ prefix: "staddle-corpus-" });
  try {
    await Deno.mkdir(`${folder}/lists/partial`, { recursive: true });
    await Deno.mkdir(`${folder}/cache/archives/partial`, { recursive: true });
    await Deno.mkdir(`${folder}/sources`);
    let any = false;
    for (const source of await aptSources()) {
      const turned = sourcePackages(source);
      if (turned === undefined) continue;
      await Deno.writeTextFile(`${folder}/sources/${turned[0]}`, turned[1]);
      any = true;
    }
    if (!any) throw new Error("apt knows no source of the distribution's own");
    const options = [
      `Dir::Etc::sourcelist=/dev/null`,
      `Dir::Etc::sourceparts=${folder}/sources`,
      `Dir::State::lists=${folder}/lists`,
      `Dir::Cache=${folder}/cache`,
      "APT::Sandbox::User=root",
      "Acquire::Retries=1",
      "Acquire::http::Timeout=20",
    ].flatMap((option) => ["-o", option]);
    await run("apt-get", ["-q", ...options, "update"], folder);
    await run("apt-get", ["-q", ...options, "source", "--download-only", "libvirt"], folder);
    let archive: string | undefined;
    for await (const { name } of Deno.readDir(folder)) {
      if (/\.orig\.tar\.\w+$/.test(name)) archive = name;
    }
    if (archive === undefined) throw new Error("the source package holds no archive");
    await Deno.mkdir(`${folder}/tree`);
    const only = ["--wildcards", "--strip-components=1", "*/tests/*.xml"];
    await run("tar", ["-xf", `../${archive}`, ...only], `${folder}/tree`);
    return await domainsBelow(`${folder}/tree/tests`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function domainsBelow(tests: string): Promise<CorpusDomain[]> {
  const found: CorpusDomain[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      if (!isFile || !name.endsWith(".xml")) continue;
      const xml = await Deno.readTextFile(path).catch(() => "");
      if (/^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*<domain[\s>]/.test(xml)) {
        found.push({ path: path.slice(tests.length + 1), xml });
      }
    }
  };
  await walk(tests);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
