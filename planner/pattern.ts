/**
 * Patterns over texts.
 *
 * @module
 */

/** `*` stands for any characters, `/` too; `?` for one. */
export function matchesPattern(pattern: string, address: string): boolean {
  let p = 0;
  let a = 0;
  let star = -1;
  let mark = 0;
  while (a < address.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = a;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === address[a])) {
      p++;
      a++;
    } else if (star >= 0) {
      p = star + 1;
      a = ++mark;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
