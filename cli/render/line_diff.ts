/**
 * Which lines of a text went and which came.
 *
 * @module
 */

/** One line of a comparison. */
export interface DiffLine {
  readonly sign: "+" | "-" | " ";
  readonly text: string;
}

/** Above this many cells the table would cost more than the reader gains. */
const MOST_CELLS = 1_000_000;

/**
 * Compares two texts line by line by their longest common subsequence and keeps `context` unchanged
 * lines around each change. Very long texts are shown as wholly replaced.
 */
export function lineDiff(before: string, after: string, context = 2): DiffLine[] {
  const old = splitLines(before);
  const fresh = splitLines(after);
  const all = old.length * fresh.length > MOST_CELLS
    ? [...signed("-", old), ...signed("+", fresh)]
    : compare(old, fresh);
  return withContext(all, context);
}

function splitLines(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function signed(sign: DiffLine["sign"], lines: readonly string[]): DiffLine[] {
  return lines.map((text) => ({ sign, text }));
}

function compare(old: readonly string[], fresh: readonly string[]): DiffLine[] {
  const width = fresh.length + 1;
  // common[i * width + j]: length of the longest common subsequence of old[i…] and fresh[j…].
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === fresh[j]
        ? common[(i + 1) * width + j + 1]! + 1
        : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ sign: " ", text: old[i]! });
      i++;
      j++;
    } else if (
      j >= fresh.length ||
      (i < old.length && common[(i + 1) * width + j]! >= common[i * width + j + 1]!)
    ) {
      lines.push({ sign: "-", text: old[i++]! });
    } else {
      lines.push({ sign: "+", text: fresh[j++]! });
    }
  }
  return lines;
}

function withContext(lines: readonly DiffLine[], context: number): DiffLine[] {
  const near = (index: number): boolean => {
    for (let k = index - context; k <= index + context; k++) {
      if (lines[k] !== undefined && lines[k]!.sign !== " ") return true;
    }
    return false;
  };
  const kept: DiffLine[] = [];
  let skipped = 0;
  const flush = (): void => {
    if (skipped > 0) kept.push({ sign: " ", text: `… ${skipped} unchanged` });
    skipped = 0;
  };
  lines.forEach((line, index) => {
    if (!near(index)) {
      skipped++;
      return;
    }
    flush();
    kept.push(line);
  });
  flush();
  return kept;
}
