/**
 * Seeds for cloud-init: the texts of its NoCloud data source, and the ISO 9660 image that carries
 * them.
 *
 * Pure and cheap to import: stacks use it in their sandbox. It knows nothing of libvirt.
 *
 * @module
 */

export type { Json, JsonObject } from "../../provider.ts";
export {
  type CloudConfig,
  cloudConfig,
  type CloudFile,
  type CloudUser,
  metaData,
  networkConfig,
  type NetworkInterface,
} from "./user_data.ts";
export { type SeedFiles, seedIso, seedIsoSize } from "./seed_iso.ts";
export { toYaml } from "./yaml.ts";
