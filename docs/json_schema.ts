/**
 * The JSON schema of a kind's specs, as they stand in topologies and plans: for those who judge plans by
 * policy, or make topologies by program. What spans several fields is not in it, nor what a host decides.
 *
 * @module
 */

import { z } from "zod";
import type { Kind } from "../providers/provider.ts";

type Shape = Readonly<Record<string, z.ZodType>>;

/** A kind whose table makes its schemas late has the shape of an object all the same. */
function objectOf({ schema }: Kind): z.ZodType {
  const { def } = schema._zod as unknown as {
    readonly def: { readonly type: string; readonly in?: z.ZodType };
  };
  if (def.type !== "pipe") return schema;
  const { shape } = def.in!._zod.def as unknown as { readonly shape: Shape };
  return z.strictObject({ ...shape });
}

/** The text of a kind's schema, as it is written to a file. */
export function jsonSchema(kind: Kind): string {
  const { $schema, ...rest } = z.toJSONSchema(objectOf(kind), {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
    // libvirt takes UUIDs of any version; who reads the format may not.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === "uuid") delete jsonSchema.format;
    },
  });
  const title = `Spec of a Staddle ${kind.kind}`;
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`;
}
