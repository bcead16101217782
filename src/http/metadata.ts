// GET /metadata/endpoints: what a client must know of this cloud before it can sign in, told to anybody. Tools read it in three forms, by
// api-version: an object in old words (2015-01-01, `az cloud register`), a list of clouds (2019-05-01 on, ARM_CLOUD_METADATA_URL of az), one cloud
// (2022-09-01 on, Terraform's metadata_host). What this server has no counterpart of is left out.
import type { IncomingMessage } from "node:http";
import { ApiError } from "../api/errors.ts";
import { audiencesOf } from "../auth/tokens.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Envelope } from "./answer.ts";
import { baseUrlOf } from "./headers.ts";
import { asResourceManager, sendJson, sendManagementError } from "./management-answer.ts";
import type { PlainHandler } from "./server.ts";
import { parseTarget, queryValue } from "./target.ts";

export type MetadataOptions = {
  clock: Clock;
  ids: Ids;
  /** What host names of storage accounts end in. */
  domain: string;
  tenantId: string;
  /** Where to sign in, for a client that called this https address: our own issuer below it, or somebody else's. */
  authorityOf(baseUrl: string): string;
};

export const metadataHandler =
  ({ clock, ids, ...cloud }: MetadataOptions): PlainHandler =>
  (request, response) => {
    let envelope: Envelope = { requestId: ids.guid(), baseUrl: "", now: clock.now() };
    try {
      envelope = { ...envelope, baseUrl: baseUrlOf(request) };
      const body = documentOf(request, envelope.baseUrl.replace(/^http:/, "https:"), cloud);
      sendJson(
        response,
        200,
        ["cache-control", "no-cache", "x-content-type-options", "nosniff", "x-ms-request-id", envelope.requestId],
        body,
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      sendManagementError(response, envelope, asResourceManager(error), "gateway");
    }
  };

type CloudOptions = Omit<MetadataOptions, "clock" | "ids">;

const documentOf = (request: IncomingMessage, baseUrl: string, options: CloudOptions): object => {
  const target = parseTarget(request.url ?? "/");
  const path = target.rawPath.replace(/^\/+/, "/").slice(0, 256);
  if (path.toLowerCase().replace(/\/$/, "") !== "/metadata/endpoints")
    throw new ApiError("NotFound", [], `The path '${path}' does not name anything on this server.`);
  if (request.method !== "GET" && request.method !== "HEAD")
    throw new ApiError("MethodNotAllowed", [], `The requested resource does not support http method '${request.method?.slice(0, 16)}'.`);
  const version = queryValue(target, "api-version");
  if (version === undefined || version === "") throw new ApiError("MissingApiVersionParameter");
  const cloud = cloudOf(baseUrl, options);
  if (version < "2019-05-01") return { ...cloud, ...oldWords(cloud) };
  return version < "2022-09-01" ? [cloud] : cloud;
};

const cloudOf = (baseUrl: string, { domain, tenantId, authorityOf }: CloudOptions) => {
  const { port } = new URL(baseUrl);
  const loginEndpoint = authorityOf(baseUrl);
  return {
    name: "Quern",
    resourceManager: `${baseUrl}/`,
    authentication: {
      loginEndpoint,
      audiences: audiencesOf("management"),
      tenant: tenantId,
      // Of an authority that ends so clients do not ask the public cloud whether it is one.
      identityProvider: /\/adfs\/?$/i.test(loginEndpoint) ? "ADFS" : "AAD",
    },
    batch: audiencesOf("batch")[0]!,
    // Names of audiences, which clients insist on; nobody serves them here.
    graphAudience: "https://graph.windows.net/",
    graph: "https://graph.windows.net/",
    microsoftGraphResourceId: "https://graph.microsoft.com/",
    suffixes: { storage: port === "" ? domain : `${domain}:${port}` },
  };
};

const oldWords = ({ graph }: { graph: string }) => ({ graphEndpoint: graph });
