/**
 * Documents in an S3-compatible bucket: one object for each stack, replaced by conditional writes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 *
 * @module
 */

import type { AwsClient } from "aws4fetch";
import { hash } from "node:crypto";
import { StaddleError } from "../../providers/error.ts";
import { badLocation } from "../bad_location.ts";
import type { DocumentSite, FoundDocument } from "./site.ts";
import { type Answer, refused, type Transport, transport } from "./http_transport.ts";

/** A bucket and how it is reached. */
export interface S3Address {
  /** Its name. */
  readonly bucket: string;
  /** URL of the bucket, without a slash at its end. */
  readonly bucketUrl: string;
  /** What stands before the names of the objects: empty, or with a slash at its end. */
  readonly prefix: string;
  readonly region: string;
  /** For messages. */
  readonly location: string;
}

const known = ["endpoint", "region", "path-style"];

/**
 * Reads `s3://bucket/prefix?endpoint=https://…&region=…`. What it leaves out comes from
 * `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_REGION` and `AWS_DEFAULT_REGION`. With an endpoint the
 * bucket stands in the path, unless `path-style=false`.
 *
 * @throws {StaddleError} `state.bad-location`.
 */
export function s3Address(
  url: string,
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): S3Address {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw badLocation("it is not a URL");
  }
  for (const name of parsed.searchParams.keys()) {
    if (!known.includes(name)) {
      throw badLocation(`it has an unknown parameter "${name}"; known are ${known.join(", ")}`);
    }
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw badLocation("its credentials belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  const bucket = parsed.hostname;
  if (bucket === "") throw badLocation("it names no bucket");
  const path = decodeURIComponent(parsed.pathname).replaceAll(/^\/+|\/+$/g, "");
  const region = parsed.searchParams.get("region") ?? variable("AWS_REGION") ??
    variable("AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = parsed.searchParams.get("endpoint") ?? variable("AWS_ENDPOINT_URL_S3") ??
    variable("AWS_ENDPOINT_URL");
  return {
    bucket,
    bucketUrl: bucketUrl(bucket, region, endpoint, parsed.searchParams.get("path-style")),
    prefix: path === "" ? "" : `${path}/`,
    region,
    location: `s3://${bucket}${path === "" ? "" : `/${path}`}` +
      (endpoint === undefined ? "" : ` at ${endpoint}`),
  };
}

function bucketUrl(
  bucket: string,
  region: string,
  endpoint: string | undefined,
  pathStyle: string | null,
): string {
  if (endpoint === undefined) {
    // A dot in the name does not fit the wildcard of the server's certificate.
    return bucket.includes(".")
      ? `https://s3.${region}.amazonaws.com/${bucket}`
      : `https://${bucket}.s3.${region}.amazonaws.com`;
  }
  let base: URL;
  try {
    base = new URL(endpoint);
  } catch {
    throw badLocation("its endpoint is not a URL, for example https://s3.example.org");
  }
  if (pathStyle === "false") {
    base.hostname = `${bucket}.${base.hostname}`;
    return base.href.replace(/\/+$/, "");
  }
  return `${base.href.replace(/\/+$/, "")}/${bucket}`;
}

/** Name of a stack's object: any name is a good one. */
function objectName(stack: string): string {
  return `${encodeURIComponent(stack).replaceAll(/[!'()*]/g, escape)}.json`;
}

function escape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Times that a write is tried while another one of the same object is under way. */
const CONFLICTS = 10;

/** Makes a site; nothing is asked yet. */
export function s3Site(
  address: S3Address,
  options: {
    readonly patienceSeconds?: number;
    readonly variable?: (name: string) => string | undefined;
  } = {},
): DocumentSite {
  const { location, prefix, region } = address;
  const { patienceSeconds = 60, variable = (name: string) => Deno.env.get(name) } = options;
  const http: Transport = transport(location, patienceSeconds);
  let client: Promise<AwsClient> | undefined;

  async function connect(): Promise<AwsClient> {
    const accessKeyId = variable("AWS_ACCESS_KEY_ID");
    const secretAccessKey = variable("AWS_SECRET_ACCESS_KEY");
    if (!accessKeyId || !secretAccessKey) {
      throw new StaddleError({
        code: "state.no-credentials",
        summary: "Cannot use the bucket: there are no credentials",
        where: [location],
        help: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for " +
          "credentials that expire)",
      });
    }
    const { AwsClient } = await import("aws4fetch");
    const sessionToken = variable("AWS_SESSION_TOKEN") || undefined;
    return new AwsClient({ accessKeyId, secretAccessKey, sessionToken, region, service: "s3" });
  }

  async function send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Answer> {
    const aws = await (client ??= connect());
    return await http.send(() =>
      aws.sign(`${address.bucketUrl}${path}`, {
        method,
        headers: { ...headers, "x-amz-content-sha256": hash("sha256", body ?? "") },
        ...(body === undefined ? {} : { body }),
      })
    );
  }

  function pathOf(stack: string, suffix = ""): string {
    const key = `${prefix}${objectName(stack)}${suffix}`;
    return `/${key.split("/").map((part) => encodeURIComponent(part)).join("/")}`;
  }

  /** undefined: the condition does not hold. */
  async function put(
    stack: string,
    text: string,
    condition: Readonly<Record<string, string>>,
  ): Promise<string | undefined> {
    for (let tries = 1;; tries++) {
      const headers = { "content-type": "application/json", ...condition };
      const answer = await send("PUT", pathOf(stack), headers, text);
      const { status } = answer;
      if (status >= 200 && status < 300) {
        const tag = answer.headers.get("etag");
        if (tag !== null) return tag;
        throw refused(location, "write the record", answer);
      }
      if (status === 412 || (status === 404 && "if-match" in condition)) return undefined;
      // Another conditional write was under way: asked again, the condition tells who was first.
      if (status === 409 && tries < CONFLICTS) {
        await new Promise((resolve) => setTimeout(resolve, tries * 100));
        continue;
      }
      if (status === 501) throw unconditional(location);
      throw bucketError(answer, "write the record", location);
    }
  }

  return {
    location,
    now: () => http.now(),
    async stacks() {
      const names: string[] = [];
      let token: string | undefined;
      do {
        const query = new URLSearchParams({ "list-type": "2", "encoding-type": "url", prefix });
        if (token !== undefined) query.set("continuation-token", token);
        const answer = await send("GET", `/?${query}`);
        if (answer.status !== 200) throw bucketError(answer, "list the records", location);
        for (const [, key] of answer.text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
          const name = decodeURIComponent(key!.replaceAll("+", " ")).slice(prefix.length);
          if (!name.includes("/") && name.endsWith(".json")) {
            names.push(decodeURIComponent(name.slice(0, -5)));
          }
        }
        token = unescapeXml(
          /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(answer.text)?.[1],
        );
      } while (token !== undefined);
      return names.sort();
    },
    async read(stack): Promise<FoundDocument | undefined> {
      const answer = await send("GET", pathOf(stack));
      const tag = answer.headers.get("etag");
      if (answer.status === 200 && tag !== null) {
        return { text: answer.text, bytes: answer.bytes, tag };
      }
      if (answer.status === 404 && !answer.text.includes("NoSuchBucket")) return undefined;
      throw bucketError(answer, "read the record", location);
    },
    write: (stack, text, tag) =>
      put(stack, text, tag === undefined ? { "if-none-match": "*" } : { "if-match": tag }),
    async copy(stack, suffix) {
      const source = `/${address.bucket}${pathOf(stack)}`;
      const answer = await send("PUT", pathOf(stack, suffix), { "x-amz-copy-source": source });
      // A copy that fails half-way does so in the body of an answer that began well.
      if (answer.status !== 200 || !answer.text.includes("<CopyObjectResult")) {
        throw bucketError(answer, "keep the broken record aside", location);
      }
      return `s3://${address.bucket}/${prefix}${objectName(stack)}${suffix}`;
    },
    async probe(stack, { text }) {
      // A server that does not know the conditions ignores them: the same text is then written again.
      const conditions: readonly Readonly<Record<string, string>>[] = [
        { "if-match": `"${"0".repeat(32)}"` },
        { "if-none-match": "*" },
      ];
      for (const condition of conditions) {
        if (await put(stack, text, condition) !== undefined) throw unconditional(location);
      }
    },
  };
}

function unescapeXml(text: string | undefined): string | undefined {
  return text?.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}

function bucketError(answer: Answer, what: string, location: string): StaddleError {
  const code = /<Code>([^<]*)<\/Code>/.exec(answer.text)?.[1];
  if (code === "NoSuchBucket") {
    return new StaddleError({
      code: "state.no-bucket",
      summary: `Cannot ${what}: the bucket does not exist`,
      where: [location],
      help: "make the bucket, or correct STADDLE_STATE",
    });
  }
  return refused(location, what, answer);
}

/** Two runs could write at once. */
function unconditional(location: string): StaddleError {
  return new StaddleError({
    code: "state.no-conditional-writes",
    summary: "Cannot keep records there: the server does not know conditional writes",
    where: [location],
    details: ["without If-Match and If-None-Match two runs could write over each other"],
    help: "use a server that has them, or another kind of store",
  });
}
