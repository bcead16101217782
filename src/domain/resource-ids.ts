// Ids of Azure resources: /subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}...]. They are compared
// without regard to case and answered as they were made. Pure.

export type ResourceId = {
  subscriptionId: string;
  resourceGroup: string;
  /** With the namespace, e.g. Microsoft.Batch/batchAccounts or Microsoft.Batch/batchAccounts/pools. */
  type: string;
  /** One for each part of the type behind the namespace. */
  names: readonly string[];
};

const pattern = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/([^/]+)((?:\/[^/]+\/[^/]+)+)$/i;

/** Undefined for anything that is not the id of a resource in a resource group. Escapes are not decoded: ids have none. */
export const parseResourceId = (id: string): ResourceId | undefined => {
  const match = pattern.exec(id);
  if (match === null) return undefined;
  const parts = match[4]!.slice(1).split("/");
  const types = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1);
  return { subscriptionId: match[1]!, resourceGroup: match[2]!, type: [match[3]!, ...types].join("/"), names };
};

export const resourceIdOf = ({ subscriptionId, resourceGroup, type, names }: ResourceId): string => {
  const [namespace, ...types] = type.split("/");
  const path = types.map((one, index) => `/${one}/${names[index]}`).join("");
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${namespace}${path}`;
};

export const sameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** `West US 2`, `westus2` and `WestUS2` are one place. */
export const locationKey = (location: string): string => location.replace(/\s+/g, "").toLowerCase();
