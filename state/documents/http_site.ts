/**
 * One document behind the protocol of Terraform's http backend, which GitLab's managed state and others
 * speak: https://developer.hashicorp.com/terraform/language/backend/http. An address holds the record of one
 * stack.
 *
 * The protocol knows no conditional write. The server's own lock stands in for it: every write names the
 * lease in `ID`, and a server that has the lock under another refuses it. Before each write the document is
 * read as well, so that a lease which was taken over is noticed also where a server does not look at `ID`.
 *
 * @module
 */

import { hash } from "node:crypto";
import { StaddleError } from "../../providers/error.ts";
import { badLocation } from "../bad_location.ts";
import { parseDocument } from "./format.ts";
import type { DocumentSite, FoundDocument, LockRefusal } from "./site.ts";
import { type Answer, refused, transport } from "./http_transport.ts";

/** Where the document is, and how it is locked. */
export interface HttpAddress {
  readonly url: string;
  readonly updateMethod: string;
  readonly lockUrl: string;
  readonly lockMethod: string;
  readonly unlockUrl: string;
  readonly unlockMethod: string;
  /** Of the header `Authorization`. */
  readonly authorization: string | undefined;
  /** For messages: without the password. */
  readonly location: string;
}

/** Paths of GitLab's and of Gitea's, which have the lock below them. */
const FORGES: readonly RegExp[] = [
  /\/api\/v4\/projects\/[^/]+\/terraform\/state\/[^/]+$/,
  /\/api\/packages\/[^/]+\/terraform\/state\/[^/]+$/,
];

/**
 * Reads an `https://` or `http://` URL. User and password come from it, or from `TF_HTTP_USERNAME` and
 * `TF_HTTP_PASSWORD`; `TF_HTTP_UPDATE_METHOD`, `TF_HTTP_LOCK_ADDRESS`, `TF_HTTP_LOCK_METHOD`,
 * `TF_HTTP_UNLOCK_ADDRESS` and `TF_HTTP_UNLOCK_METHOD` mean what they mean to Terraform. An address of
 * GitLab's or Gitea's needs none of them.
 *
 * @throws {StaddleError} `state.bad-location`.
 */
export function httpAddress(
  location: string,
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): HttpAddress {
  let url: URL;
  try {
    url = new URL(location);
  } catch {
    throw badLocation("it is not a URL; special characters in a password must be percent-encoded");
  }
  const user = decodeURIComponent(url.username) || variable("TF_HTTP_USERNAME") || "";
  const password = decodeURIComponent(url.password) || variable("TF_HTTP_PASSWORD") || "";
  url.username = "";
  url.password = "";
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  const authorization = user === "" && password === ""
    ? undefined
    : `Basic ${btoa(String.fromCharCode(...bytes))}`;
  const forge = FORGES.some((form) => form.test(url.pathname));
  const ownLock = forge ? `${url.href}/lock` : url.href;
  const lockUrl = variable("TF_HTTP_LOCK_ADDRESS") || ownLock;
  return {
    url: url.href,
    updateMethod: variable("TF_HTTP_UPDATE_METHOD") || "POST",
    lockUrl,
    lockMethod: variable("TF_HTTP_LOCK_METHOD") || (forge ? "POST" : "LOCK"),
    unlockUrl: variable("TF_HTTP_UNLOCK_ADDRESS") || lockUrl,
    unlockMethod: variable("TF_HTTP_UNLOCK_METHOD") || (forge ? "DELETE" : "UNLOCK"),
    authorization,
    location: url.href,
  };
}

/** Makes a site; nothing is asked yet. */
export function httpSite(
  address: HttpAddress,
  options: { readonly patienceSeconds?: number } = {},
): DocumentSite {
  const { location } = address;
  const http = transport(location, options.patienceSeconds ?? 60);
  /** What the server was told of each lock that was taken here: giving it back repeats it. */
  const taken = new Map<string, string>();

  function send(method: string, url: string, body?: string, final?: number): Promise<Answer> {
    return http.send(() => {
      const headers = new Headers({ accept: "application/json" });
      if (address.authorization !== undefined) headers.set("authorization", address.authorization);
      if (body !== undefined) headers.set("content-type", "application/json");
      return new Request(url, { method, headers, ...(body === undefined ? {} : { body }) });
    }, final);
  }

  async function read(): Promise<FoundDocument | undefined> {
    const answer = await send("GET", address.url);
    const { status, text, bytes } = answer;
    if (status === 200) return { text, bytes, tag: hash("sha256", bytes) };
    if (status === 204 || status === 404) return undefined;
    throw refused(location, "read the record", answer);
  }

  async function take(
    _stack: string,
    { id, who }: { readonly id: string; readonly who: string },
  ): Promise<LockRefusal | undefined> {
    const info = JSON.stringify({
      ID: id,
      Operation: "staddle",
      Info: "",
      Who: who,
      Version: "1",
      Created: new Date(http.now()).toISOString(),
      Path: "",
    });
    const answer = await send(address.lockMethod, address.lockUrl, info);
    if (isGood(answer)) {
      taken.set(id, info);
      return undefined;
    }
    if (answer.status === 409 || answer.status === 423) {
      const refusal = refusalOf(answer.text);
      // An answer that was lost, and a second try.
      if (refusal.id !== id) return refusal;
      taken.set(id, info);
      return undefined;
    }
    if ([404, 405, 501].includes(answer.status)) throw noLocking(location, answer);
    throw refused(location, "lock the record", answer);
  }

  async function give(_stack: string, id: string): Promise<void> {
    const info = taken.get(id) ?? JSON.stringify({ ID: id });
    taken.delete(id);
    const answer = await send(address.unlockMethod, address.unlockUrl, info);
    const gone = [404, 409, 423].includes(answer.status);
    if (!gone && !isGood(answer)) throw refused(location, "give the lock back", answer);
  }

  /** Whether the server's lock is still that of a lease. Nothing but asking for it once more tells. */
  async function isLocked(lease: string): Promise<boolean> {
    const info = taken.get(lease);
    const answer = await send(address.lockMethod, address.lockUrl, info);
    if (isGood(answer)) {
      await give("", lease);
      return false;
    }
    const refusal = refusalOf(answer.text);
    return refusal.id === undefined || refusal.id === lease;
  }

  return {
    location,
    now: () => http.now(),
    read,
    async stacks() {
      const found = await read();
      return found === undefined ? [] : [parseDocument(found.text, location).stack];
    },
    async write(_stack, text, tag, lease) {
      if ((await read())?.tag !== tag) return undefined;
      const url = new URL(address.url);
      url.searchParams.set("ID", lease);
      let answer = await send(address.updateMethod, url.href, text, 500);
      if (answer.status === 500) {
        // GitLab fails like this when the lock is not this lease's any more. Its lock knows.
        if (!await isLocked(lease)) return undefined;
        answer = await send(address.updateMethod, url.href, text);
      }
      if (isGood(answer)) return hash("sha256", text);
      // Another lock than this lease's, or (GitLab) a serial that has been taken.
      if ([409, 412, 422, 423].includes(answer.status) && (await read())?.tag !== tag) {
        return undefined;
      }
      // GitLab says it with 422, Gitea with 409.
      const taken = /unique|duplicate|already exists/i.test(answer.text);
      if (taken && [409, 422].includes(answer.status)) throw serialTaken(location, answer);
      if (answer.status === 409 || answer.status === 423) return undefined;
      throw refused(location, "write the record", answer);
    },
    lock: { take, give },
  };
}

function isGood({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** The holder's own words, as far as the server repeats them. */
function refusalOf(text: string): LockRefusal {
  let info: unknown;
  try {
    info = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof info !== "object" || info === null) return {};
  const { ID, Who, Created } = info as { ID?: unknown; Who?: unknown; Created?: unknown };
  const since = typeof Created === "string" ? Date.parse(Created) : NaN;
  return {
    ...(typeof ID === "string" && ID !== "" ? { id: ID } : {}),
    ...(typeof Who === "string" && Who !== "" ? { who: Who } : {}),
    ...(Number.isNaN(since) ? {} : { since }),
  };
}

function noLocking(location: string, { status, text }: Answer): StaddleError {
  return new StaddleError({
    code: "state.no-locking",
    summary: "Cannot keep a record there: the server does not lock it",
    where: [location],
    details: [`status ${status}${text === "" ? "" : `: ${text.slice(0, 200)}`}`],
    help: "name its lock in TF_HTTP_LOCK_ADDRESS and TF_HTTP_UNLOCK_ADDRESS, and the methods in " +
      "TF_HTTP_LOCK_METHOD and TF_HTTP_UNLOCK_METHOD",
  });
}

/** A version is kept for each serial, and one that is kept already is higher than the newest says. */
function serialTaken(location: string, { status, text }: Answer): StaddleError {
  return new StaddleError({
    code: "state.serial-taken",
    summary: "Cannot write the record: the server has a version with a higher serial",
    where: [location],
    details: [`status ${status}: ${text.slice(0, 200)}`],
    help: "look at the versions that the server keeps of it, and remove those that are not wanted",
  });
}
