/**
 * What was found of a stack on its hosts.
 *
 * @module
 */

import type { ResourceRecord } from "../../state/store.ts";
import type { LeftAlone } from "../from_hosts/left_alone.ts";
import { plain, type Style } from "./style.ts";
import { table } from "./table.ts";

/** A line for each thing that was found. */
export function claimedText(rows: readonly ResourceRecord[], style: Style = plain): string {
  return table(
    ["ADDRESS", "ON HOST AS", "TENURE"],
    rows.map(({ address, key, resource }) => [address, key, resource.tenure]),
    style,
  );
}

/** What was left alone; empty when nothing was. */
export function leftText(left: readonly LeftAlone[], style: Style = plain): string {
  if (left.length === 0) return "";
  const lines = left.map(({ address, host, kind, key, why, claimable }) => {
    const object = `${kind} "${key}" on host ${host}`;
    const what = address === "" ? object : `${address} (${object})`;
    return `  ${what}: ${why}${claimable ? `; --claim ${address} takes it` : ""}`;
  });
  return [style.bold("Left alone:"), ...lines].join("\n");
}
