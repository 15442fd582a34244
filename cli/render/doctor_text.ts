/**
 * What was found out about a host.
 *
 * @module
 */

import type { DoctorCheck } from "../../providers/kvm/host/checkup.ts";
import { plain, type Style } from "./style.ts";

/** A host and what was checked on it. */
export interface Checkup {
  readonly uri: string;
  readonly checks: readonly DoctorCheck[];
}

const WORDS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** Each check with its evidence and, where something is wrong, what to do; then the sum. */
export function doctorText({ uri, checks }: Checkup, style: Style = plain): string {
  const paint = { ok: style.add, warn: style.change, fail: style.destroy };
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, evidence, remedy }) => {
    const [first = "", ...rest] = evidence;
    const indent = " ".repeat(width + 10);
    return [
      `  ${paint[status](WORDS[status])}  ${name.padEnd(width)}  ${first}`.trimEnd(),
      ...rest.map((line) => `${indent}${line}`),
      ...(remedy === undefined
        ? []
        : remedy.split("\n").map((line, index) =>
          `${indent}${index === 0 ? `${style.bold("do:")} ` : "    "}${line}`
        )),
    ];
  });
  return [style.bold(uri), ...lines, "", sum(checks)].join("\n");
}

function sum(checks: readonly DoctorCheck[]): string {
  const count = (status: DoctorCheck["status"]): number =>
    checks.filter((check) => check.status === status).length;
  const [failed, warned] = [count("fail"), count("warn")];
  if (failed > 0) {
    return `Not fit for Staddle yet: ${plural(failed, "check")} failed, ${
      plural(warned, "warning")
    }.`;
  }
  return warned > 0 ? `Fit for Staddle, with ${plural(warned, "warning")}.` : "Fit for Staddle.";
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
