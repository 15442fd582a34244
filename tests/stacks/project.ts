/**
 * Stacks in folders of their own, which are removed afterwards.
 *
 * @module
 */

import { evaluate, type EvaluateOptions } from "../../stacks/evaluate.ts";
import { StaddleError, StaddleErrors } from "../../providers/error.ts";

/** A folder with files. */
export interface TestProject extends AsyncDisposable {
  /** Symbolic links resolved, no slash behind. */
  readonly folder: string;
  path(name: string): string;
}

/** Makes a folder that holds the given files. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<TestProject> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "staddle-test-" }));
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  return {
    folder,
    path: (name) => `${folder}/${name}`,
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Generous, for machines that are busy: only what never ends gets there. */
export const patient = { processorTime: 60, typeCheck: false } as const;

/** The text of the error with which a stack is refused, its folder left out of it. */
export async function refusal(
  project: TestProject,
  options: EvaluateOptions = {},
  file = "stack.ts",
): Promise<string> {
  try {
    await evaluate(project.path(file), { ...patient, ...options });
  } catch (error) {
    if (error instanceof StaddleError || error instanceof StaddleErrors) {
      return render(error).replaceAll(`${project.folder}/`, "").replaceAll(project.folder, ".")
        // The registry is whichever this machine is told to use.
        .replaceAll(/https:\/\/\S+\/(?=left-pad)/g, "<registry>/");
    }
    throw error;
  }
  throw new Error("the stack was not refused");
}

/** As people see it. */
export function render(error: StaddleError | StaddleErrors): string {
  return error instanceof StaddleErrors
    ? error.errors.map((one) => one.render()).join("\n")
    : error.render();
}

/** A stack file around the body of its function. `lab` is its host, `net` a network of it. */
export function stackText(body: string, before = ""): string {
  return `import { stack, z } from "staddle";
${before}
export default stack("bad", { size: z.int().default(1) }, (s, { size }) => {
  const lab = s.host("lab", { uri: "qemu:///system" });
  const net = lab.network("net", { nat: "10.30.0.0/24" });
  ${body}
});
`;
}
