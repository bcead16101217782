// What Azure Resource Manager answers for a path that no operation has: an unknown subscription, provider, type or method.
import { ApiError } from "../api/errors.ts";
import { providers } from "../api/management/providers.ts";
import type { OperationDeclaration } from "../api/operation.ts";

export const unknownPath = (
  error: ApiError,
  method: string,
  rawPath: string,
  operations: readonly OperationDeclaration[],
  subscriptionId: string,
): ApiError => {
  const path = rawPath.replace(/^\/+/, "/").slice(0, 1024);
  const subscription = /^\/subscriptions\/([^/]+)/i.exec(path)?.[1];
  if (subscription !== undefined && subscription.toLowerCase() !== subscriptionId.toLowerCase())
    return new ApiError("SubscriptionNotFound", [], `The subscription '${subscription.slice(0, 64)}' could not be found.`);
  if (error.code === "UnsupportedHttpVerb")
    return new ApiError("MethodNotAllowed", [], `The requested resource does not support http method '${method.slice(0, 16)}'.`);
  if (error.code !== "ResourceNotFound") return error;
  const [, namespace, type] = /\/providers\/([^/]+)(?:\/([^/]+))?/i.exec(path) ?? [];
  if (namespace === undefined)
    return new ApiError("NotFound", [], `The path '${path.slice(0, 256)}' does not name anything on this server.`);
  const provider = providers.find((one) => one.namespace.toLowerCase() === namespace.toLowerCase());
  if (provider === undefined)
    return new ApiError("InvalidResourceNamespace", [], `The resource namespace '${namespace.slice(0, 90)}' is invalid.`);
  const known = typesOf(provider.namespace, operations);
  const message =
    `The resource type '${(type ?? "").slice(0, 90)}' could not be found in the namespace '${provider.namespace}'. ` +
    `The resource types served here are '${known.join(", ")}'; the supported api-versions are '${provider.versions.join(", ")}'.`;
  return new ApiError("InvalidResourceType", [], message);
};

const typesOf = (namespace: string, operations: readonly OperationDeclaration[]): string[] => {
  const of = operations.flatMap(({ path }) => {
    const match = /\/providers\/([^/]+)\/([^/{]+)/i.exec(path);
    return match !== null && match[1]!.toLowerCase() === namespace.toLowerCase() ? [match[2]!] : [];
  });
  return [...new Set(of)].sort();
};
