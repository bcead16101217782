// Downloads an image over http or https. What has come stays when a connection breaks, and is continued after with Range and If-Range as long
// as the server says that it is still the same; a server that cannot do that is read again from its first byte. Every hop is checked.
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { getCACertificates } from "node:tls";
import { checkedUrl, type UrlPolicy } from "../lib/addresses.ts";
import type { Clock } from "../lib/clock.ts";
import { ImportFailed } from "./failures.ts";
import type { ImportLimits } from "./limits.ts";
import type { SourceFile } from "./source-file.ts";

/** `ca` as in ImportServices. */
export type UrlServices = { clock: Clock; urls: UrlPolicy; limits: ImportLimits; ca?: string };

/** May pass when tried again. */
class Passing extends Error {
  override readonly name = "Passing";
}

const redirects = new Set([301, 302, 303, 307, 308]);

/** The host is named and nothing else: a path or a query may be what lets one read. */
const hostOf = (text: string): string => URL.parse(text)?.host ?? "the URL's host";

const unreachable = (host: string, why: string, cause?: unknown): ImportFailed =>
  new ImportFailed("ImageSourceUnreachable", `The image could not be read from ${host}: ${why}.`, { cause });

type Range = { from: number; validator: string };

/** One request. Its answer, or `Passing`; `AddressRefused` where the address is not for users' URLs. */
const ask = (text: string, base: URL | undefined, range: Range | undefined, services: UrlServices, signal: AbortSignal) =>
  new Promise<{ response: IncomingMessage; url: URL }>((resolve, reject) => {
    const { url, lookup } = checkedUrl(text, services.urls, base);
    const request = (url.protocol === "http:" ? http : https).request(url, {
      // The bytes as they are: a digest of what some server packed on the way would be of no use.
      headers: { "accept-encoding": "identity", ...(range && { range: `bytes=${range.from}-`, "if-range": range.validator }) },
      agent: false,
      signal,
      ...(lookup && { lookup }),
      ...(services.ca !== undefined && { ca: [...getCACertificates("default"), services.ca] }),
    });
    const timer = services.clock.after(services.limits.idleMs, () => request.destroy(new Passing("it did not answer in time")));
    request.on("error", (error: NodeJS.ErrnoException) => {
      timer.cancel();
      if (signal.aborted || error.name === "AddressRefused" || error instanceof Passing) return reject(error);
      reject(new Passing(error.code === undefined ? "the connection failed" : `the connection failed (${error.code})`, { cause: error }));
    });
    request.on("response", (response) => {
      timer.cancel();
      resolve({ response, url });
    });
    request.end();
  });

/** Follows redirects, each of them checked. */
const askAlong = async (text: string, range: Range | undefined, services: UrlServices, signal: AbortSignal): Promise<IncomingMessage> => {
  let [target, base]: [string, URL | undefined] = [text, undefined];
  for (let hops = 0; hops <= services.limits.redirects; hops++) {
    const { response, url } = await ask(target, base, range, services, signal);
    const location = response.headers.location;
    if (!redirects.has(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    [target, base] = [location, url];
  }
  throw unreachable(hostOf(text), "it redirects too often");
};

/** The failure that an answer other than 200, 206 and 416 is. */
const refusal = (host: string, response: IncomingMessage): Error => {
  const status = response.statusCode ?? 0;
  const code = response.headers["x-ms-error-code"];
  const said = `${host} answered ${status}${typeof code === "string" && /^\w{1,80}$/.test(code) ? ` ${code}` : ""}`;
  if (status === 404 || status === 410) return new ImportFailed("ImageSourceNotFound", `The image was not found: ${said}.`);
  // 409 is what blob storage answers where anonymous reading is not permitted.
  if (status === 401 || status === 403 || status === 409)
    return new ImportFailed("ImageSourceForbidden", `The image may not be read: ${said}. A shared access signature may have expired.`);
  if (status === 408 || status === 429 || status >= 500) return new Passing(`it answered ${status}`);
  return unreachable(host, `it answered ${status}`);
};

/** What If-Range takes: a strong ETag, or a date. */
const validatorOf = ({ etag, lastModified }: { etag?: string; lastModified?: string }): string | undefined =>
  etag !== undefined && !etag.startsWith("W/") ? etag : lastModified;

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

/** Whether a 206 continues what we have; another start or another total is another thing. */
const continues = (response: IncomingMessage, file: SourceFile): boolean => {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers["content-range"] ?? "");
  const sameTotal = match?.[2] === "*" || file.note.totalBytes === undefined || numberOf(match?.[2]) === file.note.totalBytes;
  return match !== null && Number(match[1]) === file.bytes() && sameTotal;
};

/** The bytes of an answer; a connection on which next to nothing comes for too long ends. */
const receive = async (response: IncomingMessage, file: SourceFile, { clock, limits }: UrlServices, signal: AbortSignal): Promise<void> => {
  let lastAt = clock.elapsed();
  let bytesSince = 0;
  let isWriting = false;
  let timer: { cancel(): void };
  const watch = (waitMs: number): void => {
    timer = clock.after(waitMs, () => {
      const idleMs = isWriting ? 0 : clock.elapsed() - lastAt;
      if (idleMs >= limits.idleMs) response.destroy(new Passing("the transfer stalled"));
      else watch(limits.idleMs - idleMs);
    });
  };
  watch(limits.idleMs);
  try {
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw signal.aborted || error instanceof Passing ? error : new Passing("the connection broke", { cause: error });
      });
      if (next.done) return;
      isWriting = true;
      await file.write(next.value);
      isWriting = false;
      bytesSince += next.value.length;
      if (bytesSince < limits.leastBytes) continue;
      [lastAt, bytesSince] = [clock.elapsed(), 0];
    }
  } finally {
    timer!.cancel();
    response.destroy();
  }
};

const attempt = async (url: string, file: SourceFile, services: UrlServices, signal: AbortSignal): Promise<void> => {
  await request(url, file, services, signal);
  // A server may answer with less than the range that was asked for.
  if (file.note.totalBytes !== undefined && file.bytes() < file.note.totalBytes) throw new Passing("the transfer ended early");
};

const request = async (url: string, file: SourceFile, services: UrlServices, signal: AbortSignal): Promise<void> => {
  const validator = validatorOf(file.note);
  const range = file.bytes() > 0 && validator !== undefined ? { from: file.bytes(), validator } : undefined;
  const response = await askAlong(url, range, services, signal);
  const status = response.statusCode;
  if (status === 206 && range !== undefined && continues(response, file)) return receive(response, file, services, signal);
  if (status === 206 || status === 416) {
    response.destroy();
    if (range === undefined) throw unreachable(hostOf(url), `it answered ${status} to a request for all of it`);
    const whole = response.headers["content-range"] === `bytes */${file.bytes()}`;
    if (status === 416 && whole && file.note.totalBytes === file.bytes()) return;
    await file.restart({});
    throw new Passing("it changed meanwhile");
  }
  if (status !== 200) {
    response.destroy();
    throw refusal(hostOf(url), response);
  }
  const { etag, "last-modified": lastModified } = response.headers;
  const totalBytes = numberOf(response.headers["content-length"]);
  try {
    await file.restart({ ...(etag && { etag }), ...(lastModified && { lastModified }), ...(totalBytes !== undefined && { totalBytes }) });
  } catch (error) {
    response.destroy();
    throw error;
  }
  await receive(response, file, services, signal);
};

const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener("abort", done);
  });

/** A transfer that brought so much has got on: its next break is a new one. */
const gettingOnBytes = 8 * 2 ** 20;

/** All bytes of the URL into `file`, after those that are there. Gives their SHA-256 in hex. */
export const fetchUrl = async (url: string, file: SourceFile, services: UrlServices, signal: AbortSignal): Promise<string> => {
  if (file.note.sha256 !== undefined) return file.note.sha256;
  const { attempts, pauseMs } = services.limits;
  for (let failures = 0; ; ) {
    const before = file.bytes();
    try {
      await attempt(url, file, services, signal);
      return await file.finish();
    } catch (error) {
      signal.throwIfAborted();
      if ((error as Error).name === "AddressRefused") throw addressRefused(url, error);
      if (!(error instanceof Passing)) throw error;
      failures = file.bytes() - before >= gettingOnBytes ? 1 : failures + 1;
      if (failures >= attempts) throw unreachable(hostOf(url), error.message, error);
      await pause(services.clock, pauseMs * 2 ** (failures - 1), signal);
      signal.throwIfAborted();
    }
  }
};

const addressRefused = (url: string, cause: unknown): ImportFailed => {
  const parsed = URL.parse(url);
  return parsed === null || !/^https?:$/.test(parsed.protocol)
    ? new ImportFailed("ImageSourceInvalid", "The image's URL is not an http or https URL.", { cause })
    : new ImportFailed(
        "ImageSourceAddressRefused",
        `The image's URL (${parsed.host}) leads to a loopback or private address, which only the configured storage may have.`,
        { cause },
      );
};
