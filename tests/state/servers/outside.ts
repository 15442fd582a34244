/**
 * Servers that the tests do not contain, as the environment names them; none unless it does:
 *
 * - `STADDLE_TEST_S3=s3://bucket/prefix?endpoint=…&region=…`, a bucket that is there, with
 *   `AWS_ACCESS_KEY_ID` and its like;
 * - `STADDLE_TEST_HTTP=https://…`, an address of Terraform's http protocol, with `TF_HTTP_USERNAME` and its
 *   like. Every test goes to an address of its own, with a suffix to this one.
 *
 * @module
 */

import { AwsClient } from "aws4fetch";
import { openStore } from "../../../state/mod.ts";
import { httpAddress } from "../../../state/documents/http_site.ts";
import { s3Address } from "../../../state/documents/s3_site.ts";
import type { Store } from "../../../state/store.ts";
import type { StoreOptions } from "../../../state/store_options.ts";

/** A place on such a server, empty at first. What is there is removed in the end. */
export interface OutsidePlace extends AsyncDisposable {
  /** As `STADDLE_STATE` names it. */
  readonly location: string;
  open(options?: StoreOptions): Store;
  /** The document of stack "shop" as it lies. */
  read(): Promise<string>;
  /** Puts another text in its place, by other means than the store's. */
  damage(text: string): Promise<void>;
}

/** A server. */
export interface OutsideServer {
  readonly name: string;
  /** A place holds the record of one stack. */
  readonly oneStack: boolean;
  place(): Promise<OutsidePlace>;
}

/** Those that the environment names. */
export function outsideServers(): readonly OutsideServer[] {
  const [bucket, address] = ["STADDLE_TEST_S3", "STADDLE_TEST_HTTP"].map((n) => Deno.env.get(n));
  return [
    ...(bucket ? [{ name: "S3, outside", oneStack: false, place: () => inBucket(bucket) }] : []),
    ...(address
      ? [{ name: "HTTP, outside", oneStack: true, place: () => atAddress(address) }]
      : []),
  ];
}

/** Of this run, so that what a killed one has left is not met again. */
const run = crypto.randomUUID().slice(0, 8);
let places = 0;

function inBucket(named: string): Promise<OutsidePlace> {
  const url = new URL(named);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${run} ${++places}`;
  const { bucketUrl, prefix, region } = s3Address(url.href);
  const [accessKeyId = "", secretAccessKey = ""] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    .map((name) => Deno.env.get(name));
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3" });
  const send = async (method: string, path: string, body?: string): Promise<string> => {
    const response = await client.fetch(`${bucketUrl}/${path}`, { method, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  };
  const encoded = (key: string) => key.split("/").map(encodeURIComponent).join("/");
  const key = encoded(`${prefix}shop.json`);
  return Promise.resolve({
    location: url.href,
    open: (options) => openStore(url.href, options),
    read: () => send("GET", key),
    damage: async (text) => void await send("PUT", key, text),
    async [Symbol.asyncDispose]() {
      const query = new URLSearchParams({ "list-type": "2", "encoding-type": "url", prefix });
      const listed = await send("GET", `?${query}`);
      for (const [, found] of listed.matchAll(/<Key>([^<]*)<\/Key>/g)) {
        await send("DELETE", encoded(decodeURIComponent(found!.replaceAll("+", " "))));
      }
    },
  });
}

function atAddress(named: string): Promise<OutsidePlace> {
  const url = new URL(named);
  url.pathname = `${url.pathname}-${run}-${++places}`;
  const address = httpAddress(url.href);
  const headers = { ...(address.authorization && { authorization: address.authorization }) };
  const send = async (method: string, body?: string): Promise<string> => {
    const response = await fetch(address.url, { method, headers, body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${address.url}: ${response.status} ${text}`);
    return text;
  };
  return Promise.resolve({
    location: url.href,
    open: (options) => openStore(url.href, options),
    read: () => send("GET"),
    damage: async (text) => void await send(address.updateMethod, text),
    // Not every server has a way to remove a state.
    [Symbol.asyncDispose]: () => send("DELETE").then(() => {}, () => {}),
  });
}
