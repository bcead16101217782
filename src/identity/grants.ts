// The token endpoint without its HTTP: from the parameters of a request to the tokens it gets, or the refusal. Two grants are given, client
// credentials and refresh; both want the client's secret.
import { audiencesOf, type Caller, isAudience } from "../auth/tokens.ts";
import type { ClientDirectory } from "./clients.ts";
import type { GuessingBrake } from "./guessing.ts";
import {
  beginRefresh,
  type IssuerParts,
  issueAccessToken,
  issueIdToken,
  issueRefreshToken,
  type Refresh,
  readRefreshToken,
  tokenLifetime,
} from "./issue.ts";
import { OAuthRefusal } from "./refusals.ts";

export type TokenRequest = {
  readonly form: ReadonlyMap<string, string>;
  /** Of the Authorization header, as sent. */
  readonly authorization?: string;
  /** Whose attempts are counted together. */
  readonly address: string;
  /** The https address that the client called: a resource of its own. */
  readonly base: string;
};

export type GrantParts = IssuerParts & { readonly clients: ClientDirectory; readonly brake: GuessingBrake };

export const grant = async (request: TokenRequest, parts: GrantParts): Promise<object> => {
  const grantType = required(request.form, "grant_type");
  if (grantType !== "client_credentials" && grantType !== "refresh_token") throw new OAuthRefusal("unsupportedGrant", { grant: grantType });
  const caller = authenticated(request, parts);
  const scope = readScope(request.form);
  if (grantType === "client_credentials") {
    const resource = knownResource(scope.resource ?? missingResource(request.form), request, parts);
    return answer(caller, beginRefresh(caller.clientId, resource, parts), scope, request, parts);
  }
  const refresh = await readRefreshToken(required(request.form, "refresh_token"), parts);
  if (refresh.clientId !== caller.clientId) throw new OAuthRefusal("badRefreshToken");
  const resource = knownResource(scope.resource ?? refresh.resource, request, parts);
  // A client that refreshes gets the next of its line, whatever scope it repeats.
  return answer(caller, { ...refresh, resource }, { ...scope, offline: true }, request, parts);
};

const required = (form: ReadonlyMap<string, string>, name: string): string => {
  const value = form.get(name);
  if (value === undefined || value === "") throw new OAuthRefusal("missing", { name });
  return value;
};

/** The client, once its secret is right. Refusals are the same for the form and for HTTP Basic. */
const authenticated = (request: TokenRequest, { clients, brake, clock, tenantId }: GrantParts): Caller => {
  const { form, address } = request;
  const basic = basicCredentials(request.authorization);
  if (basic !== undefined && form.has("client_secret")) throw malformed("The client's secret is given twice.");
  const clientId = basic?.clientId ?? required(form, "client_id");
  if (basic !== undefined && (form.get("client_id") ?? clientId) !== clientId) throw malformed("Two different client ids are given.");
  const caller = clients.find(clientId);
  if (caller === undefined) throw new OAuthRefusal("unknownClient", { client: clientId, tenant: tenantId });
  const secret = basic?.secret ?? form.get("client_secret") ?? "";
  if (secret === "") throw new OAuthRefusal(form.has("client_assertion") ? "noAssertions" : "noSecret");
  const now = clock.now();
  const waitMs = brake.waitMs(clientId, address, now);
  if (waitMs > 0) {
    const left = String(Math.ceil(waitMs / 1000));
    throw new OAuthRefusal("tooManyFailures", { client: clientId, seconds: left }, { "retry-after": left });
  }
  if (clients.isSecretOf(clientId, secret)) return caller;
  brake.failed(clientId, address, now);
  throw new OAuthRefusal("wrongSecret", { client: clientId }, basic === undefined ? {} : { "www-authenticate": 'Basic realm="Quern"' });
};

/** RFC 6749, 2.3.1: both halves are form-encoded before they are joined. */
const basicCredentials = (header: string | undefined): { clientId: string; secret: string } | undefined => {
  if (header === undefined) return undefined;
  const match = /^Basic\s+([A-Za-z0-9+/]+={0,2})\s*$/i.exec(header);
  const [, name, secret] = /^([^:]+):(.*)$/s.exec(Buffer.from(match?.[1] ?? "", "base64").toString("utf8")) ?? [];
  if (name === undefined || secret === undefined) throw malformed("The Authorization header is not of the scheme Basic.");
  try {
    const decode = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));
    return { clientId: decode(name), secret: decode(secret) };
  } catch {
    throw malformed("The Authorization header is not form-encoded.");
  }
};

const malformed = (reason: string): OAuthRefusal => new OAuthRefusal("malformed", { reason });

type Scope = { readonly resource?: string; readonly offline: boolean; readonly openid: boolean };

const ofOpenId = new Set(["openid", "profile", "offline_access", "email"]);
const suffix = "/.default";

/** `scope` as in version 2, or else `resource` as in version 1; clients use either at either endpoint. */
const readScope = (form: ReadonlyMap<string, string>): Scope => {
  const scope = form.get("scope") ?? "";
  const words = scope.split(/\s+/).filter((word) => word !== "");
  const flags = { offline: words.includes("offline_access"), openid: words.includes("openid") };
  const [first, ...others] = new Set(words.filter((word) => !ofOpenId.has(word)));
  const given = form.get("resource");
  if (first === undefined || (given !== undefined && given !== ""))
    return given === undefined || given === "" ? flags : { ...flags, resource: given };
  if (others.length > 0) throw new OAuthRefusal("severalResources", { scope });
  if (!first.toLowerCase().endsWith(suffix) || first.length === suffix.length) throw new OAuthRefusal("badScope", { scope });
  // Of `https://host//.default` the resource is `https://host/`: only the last slash belongs to the suffix.
  return { ...flags, resource: first.slice(0, -suffix.length) };
};

const missingResource = (form: ReadonlyMap<string, string>): never => {
  const scope = form.get("scope");
  throw scope === undefined || scope === "" ? new OAuthRefusal("missing", { name: "scope" }) : new OAuthRefusal("badScope", { scope });
};

const knownResource = (resource: string, { base }: TokenRequest, { tenantId }: GrantParts): string => {
  const known = [...audiencesOf("management", [base]), ...audiencesOf("batch")];
  if (isAudience([resource], known)) return resource;
  throw new OAuthRefusal("unknownResource", { resource, tenant: tenantId, known: known.join(", ") });
};

const answer = async (caller: Caller, refresh: Refresh, scope: Scope, request: TokenRequest, parts: GrantParts): Promise<object> => {
  const now = Math.floor(parts.clock.now() / 1000);
  const { form } = request;
  return {
    token_type: "Bearer",
    expires_in: tokenLifetime,
    ext_expires_in: tokenLifetime,
    // Version 1 says so too, as text.
    ...(form.has("resource") ? { expires_on: String(now + tokenLifetime), not_before: String(now), resource: refresh.resource } : {}),
    access_token: await issueAccessToken(caller, refresh.resource, parts),
    ...(scope.offline ? { refresh_token: await issueRefreshToken(refresh, parts) } : {}),
    ...(scope.openid ? { id_token: await issueIdToken(caller, parts) } : {}),
    ...(form.get("client_info") === "1" ? { client_info: clientInfo(caller) } : {}),
  };
};

/** Which account MSAL keeps the tokens under. */
const clientInfo = ({ objectId, tenantId }: Caller): string =>
  Buffer.from(JSON.stringify({ uid: objectId, utid: tenantId })).toString("base64url");
