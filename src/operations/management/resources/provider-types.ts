// Which resource types each provider has, and in which api-versions: read off the declared operations, so that nothing is listed that is not served.
import { managementOperations } from "../../../api/management/index.ts";
import { type Provider, providers } from "../../../api/management/providers.ts";
import type { OperationDeclaration } from "../../../api/operation.ts";
import { livesIn, type Version } from "../../../api/versions.ts";

export type ResourceType = {
  /** Without the namespace, e.g. batchAccounts/pools. */
  type: string;
  /** Newest first. */
  apiVersions: readonly Version[];
  /** Its resources have a location and tags. */
  isTracked: boolean;
};

/** The literal parts of the path: behind the provider's namespace, or all of them where a path names none. `default` is the name of what there is one of. */
const partsOf = ({ path, provider }: OperationDeclaration): string[] => {
  const mark = "/providers/";
  const at = path.toLowerCase().lastIndexOf(`${mark}${provider!.namespace.toLowerCase()}/`);
  const rest = at === -1 ? path : path.slice(at + mark.length + provider!.namespace.length);
  return rest.split("/").filter((part) => part !== "" && part !== "default" && !part.startsWith("{"));
};

/** An action is no type, unless it belongs to no resource: locations/checkNameAvailability. */
const typeOf = (operation: OperationDeclaration): string | undefined => {
  const parts = partsOf(operation);
  const isAction = operation.method === "POST" && parts.length > 1 && parts[0] !== "locations";
  return (isAction ? parts.slice(0, -1) : parts).join("/") || undefined;
};

const isTracked = ({ method, body }: OperationDeclaration): boolean =>
  method === "PUT" && body !== undefined && "location" in body.fields && "tags" in body.fields;

const typesOf = (provider: Provider): ResourceType[] => {
  const byType = new Map<string, OperationDeclaration[]>();
  for (const operation of Object.values(managementOperations)) {
    const type = operation.provider === provider ? typeOf(operation) : undefined;
    if (type !== undefined) byType.set(type, [...(byType.get(type) ?? []), operation]);
  }
  return [...byType]
    .map(([type, operations]) => ({
      type,
      apiVersions: provider.versions.filter((version) => operations.some((operation) => livesIn(operation, version))).reverse(),
      isTracked: operations.some(isTracked),
    }))
    .sort((a, b) => (a.type < b.type ? -1 : 1));
};

const kept = new Map<Provider, ResourceType[]>();

/** In order of type. */
export const resourceTypesOf = (provider: Provider): readonly ResourceType[] => {
  const types = kept.get(provider) ?? typesOf(provider);
  kept.set(provider, types);
  return types;
};

/** A type in any case, with its namespace, as the service writes it. */
export const spelledType = (type: string): string => {
  for (const provider of providers) {
    if (!type.toLowerCase().startsWith(`${provider.namespace.toLowerCase()}/`)) continue;
    const wanted = type.slice(provider.namespace.length + 1).toLowerCase();
    const found = resourceTypesOf(provider).find((one) => one.type.toLowerCase() === wanted);
    if (found !== undefined) return `${provider.namespace}/${found.type}`;
  }
  return type;
};

export const findProvider = (namespace: string): Provider | undefined =>
  providers.find((one) => one.namespace.toLowerCase() === namespace.toLowerCase());
