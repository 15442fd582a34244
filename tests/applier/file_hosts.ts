/**
 * Hosts that outlive the process: each object is a file. A step first leaves its object half made,
 * and makes it whole a moment later, as real objects are made.
 *
 * @module
 */

import { join } from "node:path";
import { digest } from "../../planner/digest.ts";
import type {
  HostDeclaration,
  HostSession,
  JsonObject,
  Step,
  StepResult,
} from "../../providers/provider.ts";

/** What stands in the file of an object that is half made, half changed or half deleted. */
export const HALF: JsonObject = { half: true };

function fileOf(folder: string, object: Pick<Step, "host" | "kind" | "key">): string {
  return join(folder, `${object.host}~${object.kind}~${object.key}`);
}

/** All objects: `<host>~<kind>~<key>` and what is there. */
export async function readObjects(folder: string): Promise<ReadonlyMap<string, JsonObject>> {
  const objects = new Map<string, JsonObject>();
  for await (const { name } of Deno.readDir(folder)) {
    // A file that was being written when the process was killed is empty: half made as well.
    const text = await Deno.readTextFile(join(folder, name));
    objects.set(name, text === "" ? HALF : JSON.parse(text));
  }
  return objects;
}

/** The fingerprint of an object as it stands there. */
export function fingerprintOf(spec: JsonObject): string {
  return digest(spec);
}

/**
 * Sessions on the hosts in a folder. `reached` is called at each moment of a step that matters, and
 * may not return.
 */
export function fileSessions(
  folder: string,
  delay: number,
  reached: (point: string) => void,
): (host: HostDeclaration) => Promise<HostSession> {
  async function perform(step: Step): Promise<StepResult> {
    const file = fileOf(folder, step);
    const pause = () => new Promise((resolve) => setTimeout(resolve, delay * Math.random()));
    reached(`before ${step.id}`);
    if (step.operation === "wait") {
      await pause();
    } else if (step.operation === "delete") {
      await Deno.writeTextFile(file, JSON.stringify(HALF));
      reached(`amid ${step.id}`);
      await pause();
      await Deno.remove(file);
    } else {
      await Deno.writeTextFile(file, JSON.stringify(HALF));
      reached(`amid ${step.id}`);
      await pause();
      await Deno.writeTextFile(file, JSON.stringify(step.resource.spec));
    }
    reached(`after ${step.id}`);
    if (step.operation === "delete") return { notes: [] };
    const source = JSON.parse(await Deno.readTextFile(file)) as JsonObject;
    const { kind, host, key } = step;
    return {
      observed: { kind, host, key, fingerprint: fingerprintOf(source), source },
      notes: [],
    };
  }
  return (host) =>
    Promise.resolve({
      host: host.name,
      facts: () => Promise.resolve({}),
      read: () => Promise.resolve([]),
      perform,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
}
