/**
 * Which error codes the sources can give, and which of them a golden text shows.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url).pathname;

/** Words of the form `room.kebab-case` that are no codes but names of files. */
const FILE_ENDINGS = new Set(["db", "html", "img", "iso", "js", "json", "md", "ts", "txt", "xml"]);

/** A literal like a code, and what stands right before it. */
const LITERAL = /(===|!==|\.startsWith\(|)\s*(?:"|`)([a-z]+\.[a-z]+(?:-[a-z]+)*)(?:"|`)/g;

/** By code: the files that have it as a literal, sorted. Where it is only compared does not count. */
export function codesIn(folders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const texts = folders.flatMap((folder) =>
    filesBelow(`${ROOT}${folder}`, (name) => name.endsWith(".ts"))
  ).map((path) => ({ path: path.slice(ROOT.length), text: Deno.readTextFileSync(path) }));
  // What comes before the dot in a `code:` or in a golden text is a room; any other `word.word` is none.
  const rooms = new Set([
    ...texts.flatMap(({ text }) =>
      [...text.matchAll(/\bcode: "([a-z]+)\./g)].map(([, room]) => room)
    ),
    ...[...codesShown().keys()].map((code) => code.split(".")[0]),
  ]);
  const found = new Map<string, Set<string>>();
  for (const { path, text } of texts) {
    for (const [, before, code = ""] of withoutComments(text).matchAll(LITERAL)) {
      const [room = "", word = ""] = code.split(".");
      if (before !== "" || !rooms.has(room) || FILE_ENDINGS.has(word)) continue;
      found.set(code, (found.get(code) ?? new Set()).add(path));
    }
  }
  return new Map(
    [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([code, files]) => [code, [...files].sort()]),
  );
}

/** By code: the golden files that show it, sorted. */
export function codesShown(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const path of filesBelow(`${ROOT}tests`, (name) => name.endsWith(".txt"))) {
    if (!path.includes("/golden/")) continue;
    for (const [, code = ""] of Deno.readTextFileSync(path).matchAll(/^error\[([^\]]+)\]: /gm)) {
      found.set(code, (found.get(code) ?? new Set()).add(path.slice(ROOT.length)));
    }
  }
  return new Map([...found].map(([code, files]) => [code, [...files].sort()]));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

function filesBelow(folder: string, wanted: (name: string) => boolean): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesBelow(path, wanted) : wanted(name) ? [path] : [];
  }).sort();
}
