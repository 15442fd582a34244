/**
 * A bucket on a loopback port, with what of S3 the store leans on: signatures, ETags, copies and conditional
 * writes as AWS describes them. No S3 server can be had from npm or Debian that knows If-Match on PUT (s3rver,
 * the one in use, ignores it), so this one judges strictly by the description; `outside.ts` has the tests run
 * on servers of others. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 *
 * @module
 */

import { hash } from "node:crypto";
import { type Credentials, signatureProblem } from "./sigv4.ts";

/** A running server. */
export interface BucketServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** The environment that gives these credentials. */
  variable(name: string): string | undefined;
  /** Text by key. */
  readonly objects: Map<string, string>;
  /** Complaints about signatures, none of which a test expects unless it says so. */
  readonly complaints: string[];
  /** Every request, as `METHOD /path`. */
  readonly requests: string[];
  /** Called with every request twice: before it is carried out, and before it is answered. */
  watch: ((moment: "before" | "after", request: Request) => Promise<void>) | undefined;
  /** Answers the next requests in another way: carried out or not, and what is said. */
  readonly faults: ("away" | "busy" | "answer lost" | "conflict")[];
  /** The conditions that it knows: some servers ignore them. */
  conditions: readonly ("if-match" | "if-none-match")[];
}

function tagOf(text: string): string {
  return `"${hash("md5", text)}"`;
}

function error(status: number, code: string): Response {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;
  return new Response(body, { status, headers: { "content-type": "application/xml" } });
}

/** Starts it, with one bucket. */
export function bucketServer(bucket = "records"): BucketServer {
  const credentials = { accessKeyId: "AKTEST", secretAccessKey: "s3cr3t/+", region: "eu-test-1" };
  const objects = new Map<string, string>();
  const complaints: string[] = [];
  const requests: string[] = [];
  const faults: BucketServer["faults"] = [];

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      const url = new URL(request.url);
      requests.push(`${request.method} ${url.pathname}`);
      const problem = signatureProblem(request, body, credentials);
      if (problem !== undefined) {
        complaints.push(problem);
        return error(403, "SignatureDoesNotMatch");
      }
      const fault = faults.shift();
      if (fault === "away") return error(503, "ServiceUnavailable");
      if (fault === "busy") return error(503, "SlowDown");
      if (fault === "conflict") return error(409, "ConditionalRequestConflict");
      await all.watch?.("before", request);
      const answer = carryOut(request, url, body);
      await all.watch?.("after", request);
      return fault === "answer lost" ? error(500, "InternalError") : answer;
    },
  );

  function carryOut(request: Request, url: URL, body: string): Response {
    const [, name, ...rest] = url.pathname.split("/");
    if (name !== bucket) return error(404, "NoSuchBucket");
    const key = rest.map((part) => decodeURIComponent(part)).join("/");
    if (request.method === "GET" && key === "") return list(url.searchParams);
    const there = objects.get(key);
    if (request.method === "GET") {
      if (there === undefined) return error(404, "NoSuchKey");
      return new Response(there, { headers: { etag: tagOf(there) } });
    }
    if (request.method !== "PUT") return error(405, "MethodNotAllowed");
    const source = request.headers.get("x-amz-copy-source");
    if (source !== null) {
      const copied = objects.get(decodeURIComponent(source).replace(`/${bucket}/`, ""));
      if (copied === undefined) return error(404, "NoSuchKey");
      objects.set(key, copied);
      return new Response(`<CopyObjectResult><ETag>${tagOf(copied)}</ETag></CopyObjectResult>`);
    }
    const [match, noneMatch] = (["if-match", "if-none-match"] as const).map((name) =>
      all.conditions.includes(name) ? request.headers.get(name) : null
    );
    if (noneMatch === "*" && there !== undefined) return error(412, "PreconditionFailed");
    if (match !== null && there === undefined) return error(404, "NoSuchKey");
    if (match !== null && match !== tagOf(there!)) return error(412, "PreconditionFailed");
    objects.set(key, body);
    return new Response(null, { headers: { etag: tagOf(body) } });
  }

  /** Two keys a page, so that listing has to go on. */
  function list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, 2);
    const entries = page.map((key) =>
      `<Contents><Key>${encodeURIComponent(key).replaceAll("%2F", "/")}</Key></Contents>`
    );
    const more = keys.length > page.length
      ? `<NextContinuationToken>${page.at(-1)!.replaceAll("&", "&amp;")}</NextContinuationToken>`
      : "";
    return new Response(`<ListBucketResult>${entries.join("")}${more}</ListBucketResult>`);
  }

  const all: BucketServer = {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    credentials,
    variable: (name) =>
      ({
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      })[name],
    objects,
    complaints,
    requests,
    watch: undefined,
    faults,
    conditions: ["if-match", "if-none-match"],
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return all;
}
