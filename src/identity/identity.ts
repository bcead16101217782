// Our own OAuth2 and OpenID Connect issuer over HTTP: discovery, keys and the token endpoint, as far as service principals need them. Nobody
// signs in here interactively, and nothing is stored but the signing key.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../api/errors.ts";
import { audiencesOf, type TokenVerifier } from "../auth/tokens.ts";
import { createVerifier } from "../auth/verify-token.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { type ClientSettings, createClients } from "./clients.ts";
import { type GrantParts, grant } from "./grants.ts";
import { createGuessingBrake } from "./guessing.ts";
import { accessTokenType } from "./issue.ts";
import { OAuthRefusal } from "./refusals.ts";
import { addressesOf, type Route, routeOf } from "./routes.ts";
import { ensureSigningKey } from "./signing-key.ts";
import { createTaskTokens, type TaskTokens } from "./task-tokens.ts";

export type IdentityOptions = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** `<location>/identity`; made if missing. */
  readonly directory: string;
  /** A GUID. */
  readonly tenantId: string;
  /** What the tenant is called besides; "quern" by default. */
  readonly tenantName?: string;
  readonly clients: readonly ClientSettings[];
  /** `scheme://host:port` as the client called this server. Throws ApiError. */
  readonly baseUrlOf: (request: IncomingMessage) => string;
  /** The whole body. Rejects with ApiError when it is larger than `limit` bytes or does not come. */
  readonly readBody: (request: IncomingMessage, response: ServerResponse, limit: number) => Promise<Buffer>;
};

export interface Identity {
  /** Takes tokens that this issuer gave to clients that it still knows; they have the role that the client has now. */
  readonly verifier: TokenVerifier;
  /** Of tasks, signed with the same key. */
  readonly taskTokens: TaskTokens;
  /** In every token and in the discovery documents. */
  readonly issuer: string;
  /** Resolves when the signing key is there; rejects when it can be neither read nor made (IdentityUnreadable, or the file system's error). */
  readonly ready: Promise<void>;
  /** Where to mount `handle`: everything at and below these is the issuer's. */
  readonly paths: readonly string[];
  /** Also endpoints of tenants that are not this one, so that who has a wrong tenant is told so: for paths that nobody else has. */
  owns(path: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/**
 * One name for the issuer, whatever address a client uses to get a token and whatever address it then shows it at: az gets one at localhost and
 * shows it at an account's host name. It stands for no server, as Entra's `https://sts.windows.net/{tenant}/` is not where its clients go.
 */
export const issuerOf = (tenantId: string): string => `https://sts.quern.internal/${tenantId.toLowerCase()}/`;

const largestBody = 64 * 1024;

export const createIdentity = (options: IdentityOptions): Identity => {
  const { clock, ids, log } = options;
  const tenantId = options.tenantId.toLowerCase();
  const tenantName = (options.tenantName ?? "quern").toLowerCase();
  const issuer = issuerOf(tenantId);
  const key = ensureSigningKey(options.directory);
  const ready = key.then(() => {});
  // Whoever waits for it hears of it.
  ready.catch(() => {});
  const clients = createClients(options.clients, tenantId);
  const parts: GrantParts = { issuer, tenantId, key, clock, ids, clients, brake: createGuessingBrake() };
  const tenants = new Set([tenantId, tenantName, "common", "organizations"]);

  const verifier = createVerifier({
    issuer,
    algorithms: ["RS256"],
    type: accessTokenType,
    key: async ({ kid }) => {
      const { id, publicKey } = await key;
      if (kid !== id) throw new Error("the token is signed with a key that is not ours");
      return publicKey;
    },
    allowedAudiences: audiencesOf,
    // What the token says of its holder is what was so when it was given: the client may be gone since, or have another role.
    callerOf: ({ appid }) => (typeof appid === "string" ? clients.find(appid) : undefined),
    clock,
  });

  const answerRoute = async (route: Route, request: IncomingMessage, response: ServerResponse): Promise<object> => {
    // Always https: both are served on one port, and clients refuse an issuer without it.
    const base = options.baseUrlOf(request).replace(/^http:/, "https:");
    const isKnown = route.tenant === undefined || tenants.has(route.tenant);
    switch (route.endpoint) {
      case "token":
        allowMethod(request, ["POST"], "onlyPost");
        if (!isKnown) throw new OAuthRefusal("unknownTenant", { tenant: route.tenant! });
        return grant(await tokenRequest(request, response, base, options), parts);
      case "authorize":
        throw new OAuthRefusal("noInteractive");
      case "discovery":
        allowMethod(request, ["GET", "HEAD"], "onlyGet");
        if (!isKnown) throw new OAuthRefusal("invalidTenant", { tenant: route.tenant! });
        return discovery(base, route, issuer, tenantId);
      case "keys":
        allowMethod(request, ["GET", "HEAD"], "onlyGet");
        return { keys: [(await key).jwk] };
      case "instance":
        allowMethod(request, ["GET", "HEAD"], "onlyGet");
        return instances(base, tenantId);
    }
  };

  return {
    verifier,
    taskTokens: createTaskTokens(parts),
    issuer,
    ready,
    paths: ["/adfs", "/common", "/organizations", `/${tenantName}`, `/${tenantId}`],
    owns: (path) => routeOf(path) !== undefined,
    handle: async (request, response) => {
      try {
        const route = routeOf((request.url ?? "/").replace(/[?#].*$/s, "").replace(/^https?:\/\/[^/]*/i, ""));
        if (route === undefined) throw new OAuthRefusal("notFound");
        send(request, response, 200, await answerRoute(route, request, response));
      } catch (error) {
        if (request.socket.destroyed || response.destroyed) return;
        const refusal = refusalOf(error);
        if (refusal === undefined) throw error;
        const body = refusal.body({ traceId: ids.guid(), correlationId: correlationOf(request) ?? ids.guid(), now: clock.now() });
        log.debug({ status: refusal.status, reason: refusal.message }, "a request to the issuer of tokens was refused");
        send(request, response, refusal.status, body, refusal.headers);
      }
    },
  };
};

const refusalOf = (error: unknown): OAuthRefusal | undefined => {
  if (error instanceof OAuthRefusal) return error;
  if (!(error instanceof ApiError)) return undefined;
  if (error.code === "RequestBodyTooLarge") return new OAuthRefusal("tooLarge", { limit: String(largestBody) });
  return new OAuthRefusal("malformed", { reason: error.values.find(({ key }) => key === "Reason")?.value ?? error.message });
};

const allowMethod = (request: IncomingMessage, methods: readonly string[], otherwise: "onlyPost" | "onlyGet"): void => {
  if (methods.includes(request.method ?? "")) return;
  throw new OAuthRefusal(otherwise, { method: request.method ?? "" }, { allow: methods.join(", ") });
};

const tokenRequest = async (request: IncomingMessage, response: ServerResponse, base: string, { readBody }: IdentityOptions) => {
  const type = (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  const body = await readBody(request, response, largestBody);
  if (type !== "application/x-www-form-urlencoded")
    throw new OAuthRefusal("malformed", { reason: "The content type must be application/x-www-form-urlencoded." });
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    if (form.has(name)) throw new OAuthRefusal("duplicate", { name });
    form.set(name, value);
  }
  const { authorization } = request.headers;
  return { form, base, address: request.socket.remoteAddress ?? "", ...(authorization === undefined ? {} : { authorization }) };
};

/** OpenID Connect Discovery 1.0, with what Entra's document has besides. */
const discovery = (base: string, route: Route, issuer: string, tenantId: string): object => {
  const { token, authorize, keys } = addressesOf(base, route, tenantId);
  return {
    issuer,
    token_endpoint: token,
    authorization_endpoint: authorize,
    jwks_uri: keys,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    grant_types_supported: ["client_credentials", "refresh_token"],
    // The document wants the list, and nothing comes of asking: see the authorize endpoint.
    response_types_supported: [],
    response_modes_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    claims_supported: ["iss", "aud", "exp", "nbf", "iat", "sub", "oid", "tid", "appid", "azp", "roles", "ver", "uti", "name"],
    tenant_region_scope: null,
    cloud_instance_name: new URL(base).host,
  };
};

/** MSAL asks which names stand for the same cloud before it trusts a host: this one stands for itself. */
const instances = (base: string, tenantId: string): object => {
  const { host } = new URL(base);
  return {
    tenant_discovery_endpoint: `${base}/${tenantId}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  };
};

/** The client's own id of its request comes back when it is a GUID, as it is with MSAL. */
const correlationOf = (request: IncomingMessage): string | undefined => {
  const sent =
    request.headers["client-request-id"] ?? new URLSearchParams((request.url ?? "").split("?")[1] ?? "").get("client-request-id");
  return typeof sent === "string" && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(sent) ? sent : undefined;
};

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(text)),
    "cache-control": "no-store",
    pragma: "no-cache",
    "x-content-type-options": "nosniff",
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : text);
};
