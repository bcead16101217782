// Shared-key authentication: from a request as it arrived to the account that signed it. It never logs or answers a key.
// The string to sign is described in the REST documentation, but clients differ in details; every reading that a known client
// uses is accepted, and each covers the whole request.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { ApiError } from "../api/errors.ts";
import { httpDate, type Instant } from "../lib/clock.ts";
import { parseHttpDate } from "../lib/http-date.ts";

export type Account = {
  readonly id: number;
  readonly name: string;
  /** Base64; a signature by any of them is good (primary and secondary). */
  readonly keys: readonly string[];
};

/** Whose key a request was signed with. */
export type Signer = { readonly accountId: number; readonly accountName: string };

export interface AccountDirectory {
  find(name: string): Account | undefined;
}

/** What of a request is signed. */
export type SignedRequest = {
  readonly method: string;
  /** The path exactly as sent. */
  readonly rawPath: string;
  /** Decoded, in the order sent, duplicates kept. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
};

/** How far a request's date may be from the server's. */
export const allowedSkewMs = 15 * 60 * 1000;

/** Sent with every 401: where a token is to be had, and for what. The form is Entra's usual one (unverified for this service). */
export const challengeOf = (baseUrl: string): string =>
  `Bearer authorization_uri="${baseUrl.replace(/^http:/, "https:")}/adfs", resource_id="https://batch.core.windows.net/"`;

/** Throws 401, 400 or 403 as the service does; see the functions below for which. */
export const authenticateSharedKey = (request: SignedRequest, accounts: AccountDirectory, now: Instant): Signer => {
  const { name, signature } = credentials(request);
  checkDate(request, now);
  const account = accounts.find(name);
  // An unknown account costs what a wrong key costs and answers the same, so that names cannot be guessed one by one.
  const own = account?.keys.filter((key) => key !== "") ?? [];
  const keys = own.length === 0 ? noKeys : own;
  let used: string | undefined;
  let good = false;
  for (const text of stringsToSign(request, name)) {
    used ??= text;
    for (const key of keys) good = equal(sign(text, key), signature) || good;
    if (good) break;
  }
  if (account === undefined || !good || keys === noKeys) {
    const sent = signature.toString("base64");
    throw failed(
      `The MAC signature found in the HTTP request '${sent}' is not the same as any computed signature. Server used following string to sign: '${used}'.`,
    );
  }
  return { accountId: account.id, accountName: account.name };
};

const noKeys: readonly string[] = [Buffer.alloc(64).toString("base64"), Buffer.alloc(64, 1).toString("base64")];

/** The signature of a string under a base64 key. */
export const sign = (text: string, key: string): Buffer => createHmac("sha256", keyObject(key)).update(text, "utf8").digest();

/** Prepared once: preparing a key takes longer than signing with it. Only keys of accounts get here, never what clients send. */
const keyObjects = new Map<string, KeyObject>();
const keyObject = (key: string): KeyObject => {
  const known = keyObjects.get(key);
  if (known !== undefined) return known;
  if (keyObjects.size >= 1000) keyObjects.clear();
  const made = createSecretKey(Buffer.from(key, "base64"));
  keyObjects.set(key, made);
  return made;
};

const equal = (computed: Buffer, sent: Buffer): boolean => computed.length === sent.length && timingSafeEqual(computed, sent);

/** 401 without the header (or with a scheme for tokens, which no account accepts yet), 400 where it cannot be parsed. */
const credentials = (request: SignedRequest): { name: string; signature: Buffer } => {
  const header = request.headers.authorization;
  if (typeof header !== "string" || header.trim() === "") throw unauthorized();
  const match = /^SharedKey +([^:\s]+):([A-Za-z0-9+/]+={0,2})$/i.exec(header.trim());
  if (match === null || match[2]!.length % 4 !== 0) {
    // A token that is none at all ends here; account-door.ts takes the others.
    if (/^Bearer\b/i.test(header)) throw unauthorized("The access token cannot be read.");
    throw new ApiError("InvalidAuthenticationInfo");
  }
  return { name: match[1]!, signature: Buffer.from(match[2]!, "base64") };
};

export const unauthorized = (detail?: string): ApiError =>
  new ApiError(
    "AuthenticationFailed",
    detail === undefined ? [] : [{ key: "AuthenticationErrorDetail", value: detail }],
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly.",
    401,
  );

const failed = (detail: string): ApiError => new ApiError("AuthenticationFailed", [{ key: "AuthenticationErrorDetail", value: detail }]);

/** ocp-date wins over Date; it may also come as a query parameter. */
const checkDate = (request: SignedRequest, now: Instant): void => {
  const text =
    header(request, "ocp-date") || request.query.find(([name]) => name.toLowerCase() === "ocp-date")?.[1] || header(request, "date");
  if (text === "") throw failed("The request has no date: an ocp-date or Date header is required.");
  const at = parseHttpDate(text);
  if (at === undefined) throw failed(`The Date header in the request is not a valid RFC 1123 date: '${text.slice(0, 100)}'.`);
  if (Math.abs(now - at) > allowedSkewMs) {
    throw failed(
      `The Date header in the request is incorrect. Server time is '${httpDate(now)}', the request's is '${httpDate(at)}'; they may differ by 15 minutes. Check the clock of the client and of the server.`,
    );
  }
};

/**
 * Every string that a known client may have signed for this request, the usual one first. The readings differ in:
 * Content-Length 0 or absent (signed as nothing or as `0`, whatever is on the wire), a Date beside ocp-date (left out or not),
 * the letter case of query names, duplicates (the first, or all joined by commas) and empty values (left out or not).
 */
export function* stringsToSign(request: SignedRequest, account: string): Generator<string> {
  const length = header(request, "content-length");
  const lengths =
    length === "" || length === "0" ? (request.method === "GET" || request.method === "HEAD" ? ["", "0"] : ["0", ""]) : [length];
  const date = header(request, "date");
  const dates = header(request, "ocp-date") === "" ? [date] : date === "" ? [""] : ["", date];
  const ocp = ocpHeaders(request);
  for (const query of queryReadings(request.query)) {
    for (const date of dates) {
      for (const length of lengths) {
        const lines = signedHeaders.map((name) => (name === "content-length" ? length : name === "date" ? date : header(request, name)));
        yield `${request.method}\n${lines.join("\n")}\n${ocp}/${account}${request.rawPath}${query}`;
      }
    }
  }
}

const signedHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

const header = (request: SignedRequest, name: string): string => {
  const value = request.headers[name];
  return value === undefined ? "" : typeof value === "string" ? value : value.join(", ");
};

const ocpHeaders = (request: SignedRequest): string =>
  Object.keys(request.headers)
    .filter((name) => name.startsWith("ocp-"))
    .sort()
    .map((name) => `${name}:${header(request, name).replace(/\s+/g, " ").trim()}\n`)
    .join("");

function* queryReadings(query: SignedRequest["query"]): Generator<string> {
  const seen = new Set<string>();
  for (const lower of [false, true]) {
    for (const withEmpty of [false, true]) {
      for (const joined of [true, false]) {
        const reading = canonicalQuery(query, lower, withEmpty, joined);
        if (!seen.has(reading)) yield reading;
        seen.add(reading);
      }
    }
  }
}

const canonicalQuery = (query: SignedRequest["query"], lower: boolean, withEmpty: boolean, joined: boolean): string => {
  const values = new Map<string, string[]>();
  for (const [sent, value] of query) {
    const name = lower ? sent.toLowerCase() : sent;
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return [...values]
    .map(([name, all]) => [name, joined ? all.join(",") : all[0]!] as const)
    .filter(([, value]) => withEmpty || value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`)
    .join("");
};
