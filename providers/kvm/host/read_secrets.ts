/**
 * How the secrets that a declaration names compare with what machines have. Values meet here, in
 * memory, and only verdicts leave.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { Observed, ReadRequest } from "../../provider.ts";
import {
  secretFor,
  type SecretSource,
  type SecretState,
  type SecretUse,
  type SecretVerdict,
} from "../../secret.ts";
import { type Connection, isNotFound, LibvirtError } from "../libvirt/mod.ts";
import { ErrorCode } from "../libvirt/error_names.ts";
import { getElements, getPath, parseXml, type XmlElement } from "../xml/mod.ts";

/** `VIR_DOMAIN_XML_SECURE`, and the same of the configuration. */
const LIVE_SECURE = 1;
const CONFIG_SECURE = 1 | 2;

/** What was read, with verdicts on the secrets that the requests name. Costs nothing where none does. */
export async function withVerdicts(
  found: readonly Observed[],
  connection: Connection,
  requests: readonly ReadRequest[],
  source: SecretSource,
): Promise<readonly Observed[]> {
  const asking = requests.filter(({ secrets }) => secrets !== undefined && secrets.length > 0);
  if (asking.length === 0) return found;
  return await Promise.all(found.map(async (object) => {
    const request = asking.find(({ kind, key, uuid }) =>
      kind === object.kind && (key === object.key || (uuid !== undefined && uuid === object.uuid))
    );
    if (request === undefined) return object;
    const secrets = await verdicts(object, connection, request.secrets!, source);
    return { ...object, secrets };
  }));
}

async function verdicts(
  object: Observed,
  connection: Connection,
  uses: readonly SecretUse[],
  source: SecretSource,
): Promise<Readonly<Record<string, SecretVerdict>>> {
  const [config, live] = await secureXml(object, connection);
  const judged = uses.map(async (use): Promise<[string, SecretVerdict]> => {
    const wanted = await valueOf(use, source);
    const why = [config, live, wanted].find((one) => one instanceof StaddleError);
    const verdict = {
      config: stateOf(use, config, wanted),
      ...(live === undefined ? {} : { live: stateOf(use, live, wanted) }),
    };
    const open = verdict.config === "unknown" || verdict.live === "unknown";
    return [use.path, { ...verdict, ...(open && why !== undefined ? { why: why.message } : {}) }];
  });
  return Object.fromEntries(await Promise.all(judged));
}

function stateOf(
  use: SecretUse,
  domain: XmlElement | StaddleError | undefined,
  wanted: string | StaddleError,
): SecretState {
  if (domain instanceof StaddleError) return "unknown";
  const has = domain === undefined ? undefined : getPath(domain, use.xml);
  if (has === undefined) return "absent";
  if (wanted instanceof StaddleError) return "unknown";
  return has === wanted ? "same" : "other";
}

/** Reading goes on without a value: a plan says what it could not compare. */
async function valueOf(use: SecretUse, source: SecretSource): Promise<string | StaddleError> {
  try {
    return await secretFor(use, source);
  } catch (error) {
    if (error instanceof StaddleError) return error;
    throw error;
  }
}

/** Names of the machines that have a display with a password. Where the host does not say: none. */
export async function withPassword(
  machines: readonly Observed[],
  connection: Connection,
): Promise<readonly string[]> {
  const shown = machines.filter(({ source }) => `${source.xml}`.includes("<graphics "));
  const found = await Promise.all(shown.map(async (machine) => {
    const [config] = await secureXml(machine, connection);
    if (config === undefined || config instanceof StaddleError) return false;
    return getElements(config, "./devices/graphics").some((one) => one.attributes.has("passwd"));
  }));
  return shown.filter((_, at) => found[at]).map(({ key }) => key);
}

type Secure = XmlElement | StaddleError | undefined;

/** Configuration and live XML with passwords; an error of ours where the host does not give them. */
async function secureXml(
  { key, uuid, source: { liveXml } }: Observed,
  connection: Connection,
): Promise<readonly [config: Secure, live: Secure]> {
  try {
    using domain = uuid === undefined
      ? await connection.domainByName(key)
      : await connection.domainByUuid(uuid);
    const [config, live] = await Promise.all([
      domain.xml(CONFIG_SECURE),
      typeof liveXml === "string" ? domain.xml(LIVE_SECURE) : undefined,
    ]);
    return [parseXml(config), live === undefined ? undefined : parseXml(live)];
  } catch (error) {
    // One that went away since it was read has nothing that could be compared.
    const passable = isNotFound(error) || (error instanceof LibvirtError && DENIED.has(error.code));
    if (!passable) throw error;
    const refused = new StaddleError({
      code: "kvm.secrets-denied",
      summary: "the host does not show passwords to this user",
      cause: error,
    });
    return [refused, typeof liveXml === "string" ? refused : undefined];
  }
}

const DENIED: ReadonlySet<number> = new Set([
  ErrorCode.VIR_ERR_ACCESS_DENIED,
  ErrorCode.VIR_ERR_OPERATION_DENIED,
]);
