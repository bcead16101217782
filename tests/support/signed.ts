// A raw signed request, for what no client would send: every header and byte is the test's own. Signs as the REST documentation says.
import { createHmac } from "node:crypto";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";

export type Credentials = { batchUrl: string; account: string; key: string };
export type RawRequest = {
  method: string;
  /** As sent, escapes and all; api-version is added unless it is there or `version` is null. */
  path: string;
  version?: string | null;
  body?: unknown;
  /** Override or add; null removes one that would be sent. */
  headers?: Record<string, string | null>;
  /** "none" sends no Authorization header. */
  sign?: "sharedKey" | "none";
};
export type Answer = {
  status: number;
  statusMessage: string;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: any;
};

/** By which the coverage list tells the tests' own requests from those of real clients. */
export const ownName = "quern-tests";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
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

export const sharedKey = (credentials: Credentials, method: string, target: string, headers: Record<string, string>): string => {
  const ocp = Object.keys(headers)
    .filter((name) => name.startsWith("ocp-"))
    .sort()
    .map((name) => `${name}:${headers[name]}\n`)
    .join("");
  const query = [...new URLSearchParams(target.slice(target.indexOf("?") + 1 || target.length))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `\n${name}:${value}`);
  const path = target.split("?")[0];
  const text = `${method}\n${signedHeaders.map((name) => headers[name] ?? "").join("\n")}\n${ocp}/${credentials.account}${path}${query.join("")}`;
  const signature = createHmac("sha256", Buffer.from(credentials.key, "base64")).update(text, "utf8").digest("base64");
  return `SharedKey ${credentials.account}:${signature}`;
};

/** All of an answer. What is no JSON has none. */
export const readAnswer = (response: IncomingMessage): Promise<Answer> =>
  new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk) => chunks.push(chunk));
    response.on("error", fail);
    response.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      let json: unknown;
      try {
        json = text === "" ? undefined : JSON.parse(text);
      } catch {
        json = undefined;
      }
      done({ status: response.statusCode!, statusMessage: response.statusMessage ?? "", headers: response.headers, text, json });
    });
  });

export const signedRequest = (credentials: Credentials, raw: RawRequest): Promise<Answer> => {
  const version = raw.version === undefined ? "2024-07-01.20.0" : raw.version;
  const target =
    version === null || raw.path.includes("api-version=")
      ? raw.path
      : `${raw.path}${raw.path.includes("?") ? "&" : "?"}api-version=${version}`;
  const body = raw.body === undefined ? undefined : Buffer.from(typeof raw.body === "string" ? raw.body : JSON.stringify(raw.body));
  const headers: Record<string, string> = { "ocp-date": new Date().toUTCString(), "user-agent": ownName };
  if (body !== undefined) headers["content-type"] = "application/json; odata=minimalmetadata";
  if (body !== undefined || raw.method === "POST" || raw.method === "PUT" || raw.method === "PATCH")
    headers["content-length"] = String(body?.length ?? 0);
  for (const [name, value] of Object.entries(raw.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  if (raw.sign !== "none" && headers.authorization === undefined)
    headers.authorization = sharedKey(credentials, raw.method, target, headers);
  const url = new URL(credentials.batchUrl);
  return new Promise((done, fail) => {
    const request = httpRequest({ host: url.hostname, port: url.port, method: raw.method, path: target, headers, agent }, (response) =>
      readAnswer(response).then(done, fail),
    );
    request.on("error", fail);
    request.end(body);
  });
};
