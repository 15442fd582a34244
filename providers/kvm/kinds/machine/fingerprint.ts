/**
 * The fingerprint of a machine.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { JsonObject } from "../../../provider.ts";

/**
 * SHA-256 over configuration and state. Of the live XML, what moves by itself is left out: the
 * domain's id, the balloon, pseudo-terminals, process labels.
 */
export function machineFingerprint(source: JsonObject): string {
  const { xml, liveXml, savedXml, active, autostart, persistent } = source;
  const hash = createHash("sha256");
  hash.update(String(xml)).update("\0");
  hash.update(`${active}|${autostart}|${persistent}`).update("\0");
  if (typeof liveXml === "string") hash.update(withoutVolatile(liveXml));
  if (typeof savedXml === "string") hash.update("saved\0").update(savedXml);
  return hash.digest("hex");
}

function withoutVolatile(xml: string): string {
  return xml
    .replace(/^(<domain [^>]*?) id=(['"])\d+\2/, "$1")
    .replace(/<currentMemory[^>]*>[^<]*<\/currentMemory>/, "")
    .replace(/(['"])\/dev\/pts\/\d+\1/g, "''")
    .replace(/<seclabel[\s\S]*?<\/seclabel>/g, "");
}
