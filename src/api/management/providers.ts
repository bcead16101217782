// The resource providers of the management plane: their namespaces and api-versions. What resource types each has follows from its operations.
import { batchManagementVersions, stackHciVersions, type Version } from "../versions.ts";

export type Provider = {
  /** In the service's spelling; compared without regard to case. */
  readonly namespace: string;
  /** Oldest first. Answers and requests differ between them as declared. */
  readonly versions: readonly [Version, ...Version[]];
  /** Its resources look the same in every version, so that any version of the right shape is taken, also by a strict check. */
  readonly anyVersion?: true;
};

export const microsoftBatch: Provider = { namespace: "Microsoft.Batch", versions: batchManagementVersions };
export const stackHci: Provider = { namespace: "Microsoft.AzureStackHCI", versions: stackHciVersions };

/** What stands around them is served as far as their clients need it, in one shape. */
const surrounding = (namespace: string): Provider => ({ namespace, versions: ["2025-06-01"], anyVersion: true });
export const microsoftResources: Provider = surrounding("Microsoft.Resources");
export const microsoftStorage: Provider = surrounding("Microsoft.Storage");
export const managedIdentity: Provider = surrounding("Microsoft.ManagedIdentity");
export const microsoftNetwork: Provider = surrounding("Microsoft.Network");

export const providers: readonly Provider[] = [
  microsoftBatch,
  stackHci,
  microsoftResources,
  microsoftStorage,
  managedIdentity,
  microsoftNetwork,
];

const shape = /^\d{4}-\d{2}-\d{2}(-(?:preview|privatepreview|alpha|beta))?$/;

export const isApiVersion = (text: string): boolean => shape.test(text);

/** The version to serve for what the client asked for, as `servedVersion` does for the data plane; the newest stands for those that are not known. */
export const servedManagementVersion = (provider: Provider, asked: string, check: "lenient" | "strict"): Version | undefined => {
  const known = provider.versions.find((version) => version === asked.toLowerCase());
  if (known !== undefined) return known;
  if (!isApiVersion(asked.toLowerCase())) return undefined;
  return check === "lenient" || provider.anyVersion === true ? provider.versions.at(-1) : undefined;
};
