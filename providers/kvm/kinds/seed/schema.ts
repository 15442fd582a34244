/**
 * The schema of a cloud-init seed. Imports zod alone: the sandbox loads it at every plan.
 *
 * @module
 */

import { z } from "zod";
import { fileName, reference } from "../reference.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed(), "is no valid Unicode");

/** A cloud-init seed. */
export const seedSchema = z.strictObject({
  pool: reference("pool").describe("Address of the pool that keeps the seed."),
  name: fileName.describe("First part of the file's name; the digest follows."),
  userData: wellFormed.describe(
    "What the guest does at its first boot: `#cloud-config`, a script.",
  ),
  metaData: wellFormed.describe("Who the guest is: `instance-id` and `local-hostname` in YAML."),
  networkConfig: wellFormed.optional().describe("The guest's network, version 1 or 2, in YAML."),
});

/** A cloud-init seed, normalised. */
export type SeedDeclaration = z.output<typeof seedSchema>;
