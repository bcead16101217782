// Blob access with the few verbs that nodes need: get a URL, list a container, put a file. Plain HTTP with the SAS in the URL, no SDK:
// the agent stays small and every address is checked. It tries once; whoever calls decides what is worth trying again.
import { createReadStream } from "node:fs";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { finished, type Readable } from "node:stream";
import { checkedUrl, type UrlPolicy } from "../lib/addresses.ts";
import { withoutTrailingSlashes } from "../lib/slashes.ts";

/** What a storage service answered, or why there was no answer. Never holds a URL. */
export class BlobError extends Error {
  override readonly name = "BlobError";
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly timedOut: boolean;
  /** The service's x-ms-error-code, e.g. ContainerNotFound. */
  readonly code: string | undefined;
  constructor(message: string, status: number, options: { timedOut?: boolean; code?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.status = status;
    this.timedOut = options.timedOut ?? false;
    this.code = options.code;
  }
}

/** A failure that may pass: no answer, a timeout, an overloaded or broken server. */
export const isTransient = (error: unknown): boolean =>
  error instanceof BlobError && (error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500);

/** Without a byte for so long a transfer is given up. */
const idleTimeoutMs = 60_000;
const redirects = new Set([301, 302, 303, 307, 308]);
export const storageVersion = "2020-10-02";

const keptConnections = () => ({
  "http:": new http.Agent({ keepAlive: true, maxSockets: 32 }),
  "https:": new https.Agent({ keepAlive: true, maxSockets: 32 }),
});
/** A kept connection was checked by the rules of the request that opened it, so those of the two kinds of request are kept apart. */
const trusted = keptConnections();
const checked = keptConnections();

export type Send = {
  method: "GET" | "HEAD" | "PUT" | "DELETE";
  headers: Record<string, string>;
  body?: () => Readable | Buffer;
  signal?: AbortSignal;
};

const attempt = (text: string, base: URL | undefined, policy: UrlPolicy, send: Send): Promise<{ response: IncomingMessage; url: URL }> =>
  new Promise((resolve, reject) => {
    const { url, lookup } = checkedUrl(text, policy, base);
    const plain = url.protocol === "http:";
    const request = (plain ? http : https).request(url, {
      method: send.method,
      headers: send.headers,
      timeout: idleTimeoutMs,
      agent: (lookup === undefined ? trusted : checked)[plain ? "http:" : "https:"],
      ...(lookup && { lookup }),
      ...(send.signal && { signal: send.signal }),
    });
    let answered: IncomingMessage | undefined;
    let timedOut = false;
    // Of the socket, before and after the answer begins.
    request.on("timeout", () => {
      timedOut = true;
      if (answered === undefined) request.destroy();
      else answered.destroy(new BlobError("the transfer stalled", 0, { timedOut }));
    });
    request.on("error", (cause) => {
      if (cause.name === "AddressRefused" || send.signal?.aborted) return reject(cause);
      reject(new BlobError(timedOut ? "the storage service did not answer in time" : reasonOf(cause), 0, { timedOut, cause }));
    });
    request.on("response", (response) => {
      answered = response;
      resolve({ response, url });
    });
    const body = send.body?.();
    if (body === undefined || Buffer.isBuffer(body)) request.end(body);
    else {
      body.on("error", (cause) => request.destroy(cause));
      finished(request, () => body.destroy());
      body.pipe(request);
    }
  });

/** System errors in words without addresses. */
const reasonOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? "the connection to the storage service failed" : `the connection to the storage service failed (${code})`;
};

const refusedBy = (response: IncomingMessage): BlobError => {
  const code = response.headers["x-ms-error-code"];
  response.resume();
  const text = `the storage service answered ${response.statusCode}${typeof code === "string" ? ` ${code}` : ""}`;
  return new BlobError(text, response.statusCode ?? 0, { ...(typeof code === "string" && { code }) });
};

/** One request; the answer's body is the caller's to read. Throws BlobError for any status but 2xx, and AddressRefused. */
export const exchange = async (text: string, policy: UrlPolicy, send: Send): Promise<IncomingMessage> => {
  let target = text;
  let base: URL | undefined;
  for (let hops = 0; hops < 5; hops++) {
    const { response, url } = await attempt(target, base, policy, send);
    const location = response.headers.location;
    if (send.method === "GET" && redirects.has(response.statusCode ?? 0) && location !== undefined) {
      response.resume();
      target = location;
      base = url;
      continue;
    }
    if ((response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 300) return response;
    throw refusedBy(response);
  }
  throw new BlobError("too many redirects", 310);
};

/** The bytes of a URL. Throws BlobError or AddressRefused; a transfer that breaks off is an error of the stream. */
export const downloadUrl = (url: string, policy: UrlPolicy, signal?: AbortSignal): Promise<Readable> =>
  exchange(url, policy, { method: "GET", headers: {}, ...(signal && { signal }) });

export const textOf = async (response: IncomingMessage, limit: number): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) throw new BlobError("the storage service's answer is too long", 500);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
};

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
export const unescapeXml = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return entities[name] ?? whole;
    const code = name[1] === "x" || name[1] === "X" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/** A container's URL with something added to its path or its query; the SAS stays. */
export const within = (containerUrl: string, path: string, query: Record<string, string>): string => {
  const url = new URL(containerUrl);
  if (path !== "") url.pathname = `${withoutTrailingSlashes(url.pathname)}/${path.split("/").map(encodeURIComponent).join("/")}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value);
  return url.href;
};

export const blobUrl = (containerUrl: string, name: string): string => within(containerUrl, name, {});

/** In characters of names; each page counts as well. Names are collected before the first blob is fetched, and a hostile server never ends. */
const longestListing = 32 * 2 ** 20;
const lengthOfPage = 100;

/** All blob names of a container that begin with the prefix, a page after the other. */
export async function* listBlobs(containerUrl: string, prefix: string, policy: UrlPolicy, signal?: AbortSignal): AsyncGenerator<string> {
  let marker = "";
  let length = 0;
  do {
    checkedUrl(containerUrl, policy);
    const query = { restype: "container", comp: "list", ...(prefix && { prefix }), ...(marker && { marker }) };
    const headers = { "x-ms-version": storageVersion };
    const response = await exchange(within(containerUrl, "", query), policy, { method: "GET", headers, ...(signal && { signal }) });
    const page = await textOf(response, 32 * 2 ** 20);
    length += lengthOfPage;
    for (const [, name] of page.matchAll(/<Blob>\s*<Name>([^<]*)<\/Name>/g)) {
      length += name!.length;
      if (length > longestListing) break;
      yield unescapeXml(name!);
    }
    if (length > longestListing) throw new BlobError("the container has more blobs than can be listed", 413);
    marker = unescapeXml(/<NextMarker>([^<]*)<\/NextMarker>/.exec(page)?.[1] ?? "");
  } while (marker !== "");
}

/** Up to this size a blob is put in one request; larger files go up in blocks of it. */
const usualBlockBytes = 64 * 2 ** 20;

const put = async (
  url: string,
  policy: UrlPolicy,
  headers: Record<string, string>,
  body: () => Readable | Buffer,
  signal?: AbortSignal,
): Promise<void> => {
  const all = { ...headers, "x-ms-version": storageVersion };
  const response = await exchange(url, policy, { method: "PUT", headers: all, body, ...(signal && { signal }) });
  response.resume();
};

/** Puts `size` bytes of a file as a block blob. `headers` are the user's (content type, metadata ...). Throws BlobError or AddressRefused. */
export const uploadFile = async (
  file: { path: string; size: number },
  target: { containerUrl: string; name: string; headers: Record<string, string> },
  policy: UrlPolicy,
  { signal, blockBytes = usualBlockBytes }: { signal?: AbortSignal; blockBytes?: number } = {},
): Promise<void> => {
  checkedUrl(target.containerUrl, policy);
  const slice = (start: number, length: number) => (): Readable | Buffer =>
    length === 0 ? Buffer.alloc(0) : createReadStream(file.path, { start, end: start + length - 1 });
  if (file.size <= blockBytes) {
    const headers = { ...target.headers, "x-ms-blob-type": "BlockBlob", "content-length": String(file.size) };
    return put(blobUrl(target.containerUrl, target.name), policy, headers, slice(0, file.size), signal);
  }
  const ids: string[] = [];
  for (let start = 0; start < file.size; start += blockBytes) {
    const id = Buffer.from(String(ids.length).padStart(6, "0")).toString("base64");
    const length = Math.min(blockBytes, file.size - start);
    const url = within(target.containerUrl, target.name, { comp: "block", blockid: id });
    await put(url, policy, { "content-length": String(length) }, slice(start, length), signal);
    ids.push(id);
  }
  const list = Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join("")}</BlockList>`,
  );
  const headers = { ...target.headers, "content-length": String(list.length) };
  return put(within(target.containerUrl, target.name, { comp: "blocklist" }), policy, headers, () => list, signal);
};
