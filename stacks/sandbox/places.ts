/**
 * Places in errors as a person wants them: relative to where they stand, with the line itself.
 *
 * @module
 */

import { StaddleError, StaddleErrors } from "../../providers/error.ts";
import type { Project } from "./project.ts";

/** The error with its places made relative to the current folder, and the first line shown. */
export async function placed<T extends StaddleError | StaddleErrors>(
  project: Project,
  error: T,
): Promise<StaddleError | StaddleErrors> {
  if (error instanceof StaddleErrors) {
    return new StaddleErrors(
      await Promise.all(error.errors.map((one) => placeOne(project, one))),
    );
  }
  return placeOne(project, error);
}

async function placeOne(project: Project, error: StaddleError): Promise<StaddleError> {
  const { code, message: summary, where, details, help, exitCode, cause } = error;
  const line = await sourceLine(project, where[0]);
  const cwd = Deno.cwd();
  const here = (text: string) => text.replaceAll(`${cwd}/`, "");
  return new StaddleError({
    code,
    summary: here(summary),
    where: where.map(here),
    details: [...(line === undefined ? [] : [line]), ...details.map(here)],
    exitCode,
    ...(help === undefined ? {} : { help }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** `12 | lab.vm("web", {`, for a place in a file of the project. */
async function sourceLine(
  project: Project,
  place: string | undefined,
): Promise<string | undefined> {
  const match = /^(\/.+?):(\d+):\d+(?: \(.*\))?$/.exec(place ?? "");
  // Only code of the project is shown: what is outside was never agreed to.
  if (match === null || !match[1]!.startsWith(`${project.root}/`)) return undefined;
  if (!/\.[cm]?[jt]sx?$/.test(match[1]!)) return undefined;
  const real = await Deno.realPath(match[1]!).catch(() => undefined);
  if (real === undefined || !real.startsWith(`${project.root}/`)) return undefined;
  const text = await Deno.readTextFile(real).catch(() => "");
  const line = text.split("\n")[Number(match[2]) - 1]?.trim();
  return line === undefined || line === "" ? undefined : `${match[2]} | ${line.slice(0, 120)}`;
}
