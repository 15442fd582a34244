/**
 * Checks AWS Signature Version 4 of a request, from its description:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * @module
 */

import { createHmac, hash } from "node:crypto";

/** Keys that a server knows. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

function encode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** What is wrong with the signature; undefined when it is right. */
export function signatureProblem(
  request: Request,
  body: string,
  { accessKeyId, secretAccessKey, region }: Credentials,
): string | undefined {
  const header = request.headers.get("authorization") ?? "";
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(header);
  if (parts === null) return `no signature in ${JSON.stringify(header)}`;
  const [, credential, signedHeaders, signature] = parts as unknown as [
    string,
    string,
    string,
    string,
  ];
  const [key, day, ...scope] = credential.split("/");
  if (key !== accessKeyId) return "unknown access key";
  if (scope.join("/") !== `${region}/s3/aws4_request`) return `wrong scope ${scope.join("/")}`;
  const time = request.headers.get("x-amz-date") ?? "";
  if (!time.startsWith(day!)) return "the day is not that of the time";
  const seconds = Date.parse(
    time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (!(Math.abs(Date.now() - seconds) < 15 * 60_000)) return `the time ${time} is skewed`;
  const names = signedHeaders.split(";");
  if (!names.includes("host")) return "host is not signed";
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-amz-") && !names.includes(name)) return `${name} is not signed`;
  }
  const payload = request.headers.get("x-amz-content-sha256");
  if (payload !== hash("sha256", body)) return "the sum of the body does not fit";
  const url = new URL(request.url);
  const path = url.pathname.split("/").map((part) => encode(decodeURIComponent(part))).join("/");
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort().join("&");
  const headers = names.map((name) => `${name}:${request.headers.get(name)?.trim() ?? ""}\n`);
  const canonical = [request.method, path, query, headers.join(""), signedHeaders, payload];
  const toSign = [
    "AWS4-HMAC-SHA256",
    time,
    [day, ...scope].join("/"),
    hash("sha256", canonical.join("\n")),
  ];
  let secret: string | Uint8Array = `AWS4${secretAccessKey}`;
  for (const part of [day!, ...scope]) secret = createHmac("sha256", secret).update(part).digest();
  const expected = createHmac("sha256", secret).update(toSign.join("\n")).digest("hex");
  return expected === signature ? undefined : "the signature does not fit";
}
