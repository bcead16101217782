// What Azure Resource Manager answers for a path that no operation has: an unknown subscription, provider, type or method.
import { ApiError } from "../api/errors.ts";
import { findProvider, resourceTypesOf } from "../operations/management/resources/provider-types.ts";

/** `error` is what the search for an operation ended with. */
export const unknownPath = (error: ApiError, method: string, rawPath: string, subscriptionId: string): ApiError => {
  const path = rawPath.slice(0, 1024).replace(/\/{2,}/g, "/");
  const subscription = /^\/subscriptions\/([^/]+)/i.exec(path)?.[1];
  if (subscription !== undefined && subscription.toLowerCase() !== subscriptionId.toLowerCase())
    return new ApiError("SubscriptionNotFound", [], `The subscription '${subscription.slice(0, 64)}' could not be found.`);
  if (error.code === "UnsupportedHttpVerb")
    return new ApiError("MethodNotAllowed", [], `The requested resource does not support http method '${method.slice(0, 16)}'.`);
  if (error.code !== "ResourceNotFound") return error;
  // Of a resource on another one (a lock, a role assignment, tags) the last provider is the one that is asked.
  const [namespace, ...rest] =
    path
      .split(/\/providers(?:\/|$)/i)
      .slice(1)
      .at(-1)
      ?.split("/") ?? [];
  if (namespace === undefined || namespace === "")
    return new ApiError("NotFound", [], `The path '${path.slice(0, 256)}' does not name anything on this server.`);
  const provider = findProvider(namespace);
  if (provider === undefined)
    return new ApiError("InvalidResourceNamespace", [], `The resource namespace '${namespace.slice(0, 90)}' is invalid.`);
  // Types and names take turns.
  const type = rest.filter((_, index) => index % 2 === 0).join("/");
  const types = resourceTypesOf(provider).map((one) => one.type);
  const message =
    `The resource type '${type.slice(0, 128)}' could not be found in the namespace '${provider.namespace}'. ` +
    `The resource types served here are '${types.join(", ")}'; the supported api-versions are '${provider.versions.join(", ")}'.`;
  return new ApiError("InvalidResourceType", [], message);
};
