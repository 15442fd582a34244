/**
 * Colours, or none.
 *
 * @module
 */

/** Paints a piece of text, or leaves it as it is. */
type Paint = (text: string) => string;

/** The few meanings that colour has in Staddle's output. */
export interface Style {
  readonly add: Paint;
  readonly change: Paint;
  readonly destroy: Paint;
  readonly warn: Paint;
  readonly bold: Paint;
  readonly dim: Paint;
}

const same: Paint = (text) => text;

/** No colour at all. */
export const plain: Style = {
  add: same,
  change: same,
  destroy: same,
  warn: same,
  bold: same,
  dim: same,
};

function sgr(on: number, off: number): Paint {
  return (text) => text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
}

/** The terminal's own sixteen colours, so that people's themes hold. */
export const coloured: Style = {
  add: sgr(32, 39),
  change: sgr(33, 39),
  destroy: sgr(31, 39),
  warn: sgr(35, 39),
  bold: sgr(1, 22),
  dim: sgr(2, 22),
};
