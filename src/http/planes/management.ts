// Azure Resource Manager: versions by provider, bearer tokens, roles, its headers and its form of errors. Which resource types there are follows
// from the declarations.
import { ApiError } from "../../api/errors.ts";
import { qualifiedId } from "../../api/management/index.ts";
import { isApiVersion, microsoftBatch, type Provider, servedManagementVersion } from "../../api/management/providers.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import { livesIn, type Version } from "../../api/versions.ts";
import { type Caller, TokenRefused, type TokenVerifier } from "../../auth/tokens.ts";
import { isoTime } from "../../lib/clock.ts";
import { actionOf } from "../../operations/management/actions.ts";
import type { ManagementServices } from "../../operations/management/handler.ts";
import { asResourceManager, sendManagementError, sendManagementReply } from "../management-answer.ts";
import { type Candidates, routesOf } from "../match.ts";
import type { Plane, PlaneTables } from "../pipeline.ts";
import { queryValue, type Target } from "../target.ts";
import { unknownPath } from "../unknown-path.ts";

export type ManagementPlaneOptions = PlaneTables & {
  readonly services: ManagementServices;
  readonly tokens: TokenVerifier;
};

/** Where it is mounted; `/metadata` is answered to anybody and so elsewhere. */
export const managementPaths = ["/subscriptions", "/providers", "/tenants"] as const;

/** More than any template or formula; ARM itself takes 4 MiB. */
const longestBody = 4 * 1024 * 1024;

export const managementPlane = (options: ManagementPlaneOptions): Plane<{ caller: Caller }> => {
  const operations = Object.values(options.operations);
  const routes = routesOf(operations, { anyCase: true });
  const { subscriptionId } = options.services.settings;
  return {
    routes: {
      find: (method, rawPath) => {
        try {
          return routes.find(method, rawPath);
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          throw unknownPath(error, method, rawPath, subscriptionId);
        }
      },
    },
    handlers: options.handlers,
    filterables: options.filterables,
    services: options.services,
    version: (target, candidates) => versionOf(target, candidates, options.versionCheck),
    authenticatesFirst: true,
    authenticate: async ({ request, baseUrl }) => ({ caller: await callerOf(request.headers.authorization, baseUrl, options.tokens) }),
    admit: ({ caller }, operation, params, { target }) => {
      const asked = params.subscriptionId;
      if (asked !== undefined && asked.toLowerCase() !== subscriptionId.toLowerCase()) throw noSubscription(asked);
      refuseReader(caller, operation, decodeURIComponent(target.rawPath));
    },
    bodyLimit: () => longestBody,
    nameOf: qualifiedId,
    accountOf: ({ caller }) => caller.clientId,
    sendReply: sendManagementReply,
    sendError: (response, envelope, error, operation) =>
      operation?.provider === microsoftBatch
        ? sendManagementError(response, envelope, error)
        : sendManagementError(response, envelope, asResourceManager(error), "gateway"),
  };
};

const versionOf = (target: Target, candidates: Candidates, check: "lenient" | "strict"): Version => {
  const asked = queryValue(target, "api-version");
  if (asked === undefined || asked === "") throw new ApiError("MissingApiVersionParameter");
  const { provider, path } = candidates[0]!.operation;
  const version = servedManagementVersion(provider!, asked, check);
  if (version === undefined) throw unknownVersion(provider!, path, asked.slice(0, 64));
  if (!candidates.some(({ operation }) => livesIn(operation, version))) throw notInVersion(provider!, path, asked.slice(0, 64));
  return version;
};

const typeIn = (path: string): string =>
  /\/providers\/[^/]+\/(?:locations\/[^/]+\/)?(.+)$/i.exec(path)?.[1]?.replace(/\/\{[^}]*\}/g, "") ?? "";

/** Certificates in 2025, for instance. */
const notInVersion = ({ namespace }: Provider, path: string, asked: string): ApiError => {
  const message = `The resource type '${typeIn(path)}' could not be found in the namespace '${namespace}' for api version '${asked}'.`;
  return new ApiError("InvalidResourceType", [], message);
};

const unknownVersion = (provider: Provider, path: string, asked: string): ApiError => {
  const supported = provider.versions.join(", ");
  if (!isApiVersion(asked)) {
    return new ApiError(
      "InvalidApiVersionParameter",
      [],
      `The api-version '${asked}' is invalid. The supported versions are '${supported}'.`,
    );
  }
  const type = /\/providers\/[^/]+\/(?:locations\/[^/]+\/)?([^/]+)/i.exec(path)?.[1] ?? "";
  const message = `No registered resource provider found for API version '${asked}' for type '${type}'. The supported api-versions are '${supported}'.`;
  return new ApiError("NoRegisteredProviderFound", [], message);
};

const callerOf = async (header: string | undefined, baseUrl: string, tokens: TokenVerifier): Promise<Caller> => {
  if (header === undefined || header.trim() === "")
    throw new ApiError("AuthenticationFailed", [], "Authentication failed. The 'Authorization' header is missing.", 401);
  const token = /^Bearer +(\S+)\s*$/i.exec(header)?.[1];
  if (token === undefined)
    throw new ApiError(
      "AuthenticationFailed",
      [],
      "Authentication failed. The 'Authorization' header is provided in an invalid format.",
      401,
    );
  try {
    return await tokens.verify(token, "management", [baseUrl]);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw refusedToken(error);
  }
};

/** ARM's own words for each, as far as they are known. */
const refusedToken = ({ reason, message, details }: TokenRefused): ApiError => {
  switch (reason) {
    case "expired":
      return new ApiError(
        "ExpiredAuthenticationToken",
        [],
        `The access token expiry UTC time '${isoTime(details.expiresAt!)}' is earlier than current UTC time '${isoTime(details.now!)}'.`,
      );
    case "audience": {
      const [has, may] = [details.audiences ?? [], details.allowedAudiences ?? []];
      return new ApiError(
        "InvalidAuthenticationTokenAudience",
        [],
        `The access token has been obtained for wrong audience or resource '${has.join(",").slice(0, 256)}'. It should exactly match with one of the allowed audiences '${may.join(",")}'.`,
      );
    }
    case "issuer":
      return new ApiError(
        "InvalidAuthenticationTokenTenant",
        [],
        `The access token is from the wrong issuer '${(details.issuer ?? "").slice(0, 256)}'.`,
      );
    case "noRole":
      return new ApiError("AuthorizationFailed", [], message);
    default:
      return new ApiError("InvalidAuthenticationToken", [], message);
  }
};

const refuseReader = (caller: Caller, operation: OperationDeclaration, path: string): void => {
  if (caller.role !== "reader" || operation.method === "GET" || operation.method === "HEAD") return;
  const message =
    `The client '${caller.clientId}' with object id '${caller.objectId}' does not have authorization to perform action '${actionOf(operation)}' ` +
    `over scope '${path.slice(0, 512)}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
  throw new ApiError("AuthorizationFailed", [], message);
};

const noSubscription = (asked: string): ApiError =>
  /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(asked)
    ? new ApiError("SubscriptionNotFound", [], `The subscription '${asked}' could not be found.`)
    : new ApiError("InvalidSubscriptionId", [], `The provided subscription identifier '${asked.slice(0, 64)}' is malformed or invalid.`);
