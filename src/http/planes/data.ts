// The Batch data plane: api-versions of its own, shared keys and tokens, and the OData forms of its answers.
import { ApiError } from "../../api/errors.ts";
import { type DataPlaneVersion, servedVersion } from "../../api/versions.ts";
import { type AccountDoor, authenticateAccount, refuseReader } from "../../auth/account-door.ts";
import type { Principal } from "../../auth/principal.ts";
import { refuseOutside } from "../../auth/task-tokens.ts";
import type { Services } from "../../operations/handler.ts";
import { sendError } from "../answer.ts";
import { bodyLimit } from "../body.ts";
import { routesOf } from "../match.ts";
import type { Plane, PlaneTables } from "../pipeline.ts";
import { sendReply } from "../reply.ts";
import { queryValue, type Target } from "../target.ts";

export type DataPlaneOptions = PlaneTables & {
  readonly services: Services;
  readonly door: AccountDoor;
};

export const dataPlane = (options: DataPlaneOptions): Plane<{ principal: Principal }> => ({
  routes: routesOf(Object.values(options.operations)),
  handlers: options.handlers,
  filterables: options.filterables,
  services: options.services,
  version: (target) => versionOf(target, options.versionCheck),
  authenticatesFirst: false,
  authenticate: ({ request, target, baseUrl, now }) => {
    const { rawPath, query } = target;
    const signed = { method: request.method ?? "GET", rawPath, query, headers: request.headers };
    const principal = authenticateAccount(signed, { remoteAddress: request.socket.remoteAddress, baseUrl, now }, options.door);
    return principal instanceof Promise ? principal.then((one) => ({ principal: one })) : { principal };
  },
  admit: ({ principal }, { method, path }, params) => {
    refuseReader(principal, method);
    refuseOutside(principal, isOfJob(path) ? params.jobId : undefined);
  },
  bodyLimit,
  nameOf: ({ id }) => id,
  accountOf: ({ principal }) => principal.accountName,
  sendReply,
  sendError,
});

/** A job itself, or what is below it. */
const isOfJob = (path: string): boolean => path === "/jobs/{jobId}" || path.startsWith("/jobs/{jobId}/");

const versionOf = (target: Target, check: "lenient" | "strict"): DataPlaneVersion => {
  const asked = queryValue(target, "api-version");
  if (asked === undefined || asked === "")
    throw new ApiError("MissingRequiredQueryParameter", [{ key: "QueryParameterName", value: "api-version" }]);
  const version = servedVersion(asked, check);
  if (version === undefined) throw new ApiError("UnsupportedRequestVersion");
  return version;
};
