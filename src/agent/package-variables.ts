// The variables by which start task and tasks find application packages.
import { join } from "node:path";
import type { PackageOrder } from "../api/agent/messages.ts";
import { packageDirectory } from "./layout.ts";

/**
 * `AZ_BATCH_APP_PACKAGE_{id}_{version}`, without the version where the reference means the default one; what is no letter, digit or underscore
 * becomes an underscore. The service's pages show such names of Linux nodes both with the case of the id and in lower case
 * (node-environment 2), so tasks get both.
 */
const variablesOf = ({ applicationId, version }: PackageOrder): string[] => {
  const name = (version === undefined ? applicationId : `${applicationId}_${version}`).replace(/[^A-Za-z0-9_]/g, "_");
  return [...new Set([name, name.toLowerCase()])].map((one) => `AZ_BATCH_APP_PACKAGE_${one}`);
};

/** Of packages that are there, or will be before the process starts. Throws UnsafeName. */
export const packageEnvironment = (nodeRoot: string, orders: readonly PackageOrder[]): Record<string, string> => {
  const environment: Record<string, string> = {};
  for (const order of orders) {
    if ("problem" in order) continue;
    for (const name of variablesOf(order)) environment[name] = join(nodeRoot, packageDirectory(order.directory));
  }
  return environment;
};
