/**
 * Names: what a host allows is more than what a stack's declarations and TypeScript's variables do.
 *
 * @module
 */

/** Whether a declaration can have a name as the host has it. */
export function isPlain(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name);
}

/** A name for a declaration, as near to the given one as can be. */
export function declarationName(name: string, taken: Set<string>): string {
  const plain = name.normalize("NFKD").replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "").slice(0, 55) || "unnamed";
  return distinct(plain, taken, "-");
}

const RESERVED = new Set(
  ("await break case catch class const continue debugger default delete do else enum export extends " +
    "false finally for function if implements import in instanceof interface let new null package " +
    "private protected public return static super switch this throw true try typeof var void while " +
    "with yield arguments eval s stack").split(" "),
);

/** A variable's name in camel case. */
export function variableName(name: string, taken: Set<string>): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const camel = words.map((word, index) =>
    index === 0 ? word[0]!.toLowerCase() + word.slice(1) : word[0]!.toUpperCase() + word.slice(1)
  ).join("");
  const plain = /^[A-Za-z]/.test(camel) ? camel : `the${camel}`;
  return distinct(RESERVED.has(plain) ? `${plain}1` : plain, taken, "");
}

function distinct(name: string, taken: Set<string>, between: string): string {
  let result = name;
  for (let count = 2; taken.has(result); count++) result = `${name}${between}${count}`;
  taken.add(result);
  return result;
}

/** The name of a stack that is written to a folder. */
export function stackNameOf(folder: string): string {
  const last = folder.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return declarationName(last === "" || /^\.+$/.test(last) ? "imported" : last, new Set());
}
