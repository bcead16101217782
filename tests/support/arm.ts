// Requests to the management plane over https with a token of the server's own issuer: for what no client would send.
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import type { Quern } from "./quern.ts";
import { type Answer, ownName, readAnswer } from "./signed.ts";

export type ArmRequest = {
  method: string;
  /** From `/subscriptions` on; `{sub}` and `{rg}` stand for those of the server. A whole URL of this server will do too. */
  path: string;
  /** Added unless the path has one; null leaves it out. */
  version?: string | null;
  body?: unknown;
  headers?: Record<string, string | null>;
  /** In place of an owner's; null sends none. */
  token?: string | null;
  /** The Host header, for accounts by name. */
  host?: string;
};

export type Client = { clientId: string; clientSecret: string };

const sendTls = (
  quern: Quern,
  method: string,
  target: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<Answer> => {
  const url = new URL(quern.ready.armUrl);
  const ca = readFileSync(quern.ready.caFile);
  return new Promise((done, fail) => {
    const request = httpsRequest({ host: url.hostname, port: url.port, ca, method, path: target, headers, agent: false }, (response) =>
      readAnswer(response).then(done, fail),
    );
    request.on("error", fail);
    request.end(body);
  });
};

/** An access token by client credentials. `resource` as clients write it, e.g. https://management.core.windows.net/ */
export const tokenFor = async (quern: Quern, resource: string, client: Client = quern.ready): Promise<string> => {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client.clientId,
    client_secret: client.clientSecret,
    scope: `${resource}/.default`,
  });
  const body = Buffer.from(String(form));
  const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length), "user-agent": ownName };
  const answer = await sendTls(quern, "POST", "/adfs/oauth2/token", headers, body);
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`);
  return answer.json.access_token;
};

export const managementResource = "https://management.core.windows.net/";
export const batchResource = "https://batch.core.windows.net/";

const tokens = new WeakMap<Quern, Promise<string>>();
const ownersToken = (quern: Quern): Promise<string> => {
  const kept = tokens.get(quern) ?? tokenFor(quern, managementResource);
  tokens.set(quern, kept);
  return kept;
};

export const armRequest = async (quern: Quern, raw: ArmRequest): Promise<Answer> => {
  const { subscriptionId, resourceGroup } = quern.ready;
  const path = raw.path
    .replace(/^https?:\/\/[^/]+/, "")
    .replaceAll("{sub}", subscriptionId)
    .replaceAll("{rg}", resourceGroup);
  const version = raw.version === undefined ? "2024-07-01" : raw.version;
  const target =
    version === null || path.includes("api-version=") ? path : `${path}${path.includes("?") ? "&" : "?"}api-version=${version}`;
  const body = raw.body === undefined ? undefined : Buffer.from(typeof raw.body === "string" ? raw.body : JSON.stringify(raw.body));
  const headers: Record<string, string> = { "user-agent": ownName };
  if (raw.host !== undefined) headers.host = raw.host;
  const token = raw.token === undefined ? await ownersToken(quern) : raw.token;
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (body !== undefined || /^(POST|PUT|PATCH)$/.test(raw.method)) headers["content-length"] = String(body?.length ?? 0);
  for (const [name, value] of Object.entries(raw.headers ?? {})) {
    if (value === null) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  return sendTls(quern, raw.method, target, headers, body);
};

/** Asks a long-running operation's URL again until it is no longer 202 (Location) or in progress (Azure-AsyncOperation). */
export const armPoll = async (quern: Quern, url: string): Promise<Answer> => {
  for (;;) {
    const answer = await armRequest(quern, { method: "GET", path: url });
    const going = answer.status === 202 || ["InProgress", "Accepted", "Running", "Deleting", "Updating"].includes(answer.json?.status);
    if (!going) return answer;
    await new Promise((turn) => setImmediate(turn));
  }
};
