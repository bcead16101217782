// The list of what can be done with Microsoft.Batch, in the words of role definitions. It follows from the declarations of both planes: what is declared
// is in it, and nothing else.
import { batchOperations } from "../../../api/batch/index.ts";
import { batchManagementOperations } from "../../../api/management/batch/index.ts";
import type * as api from "../../../api/management/batch/locations.ts";
import type { OperationDeclaration } from "../../../api/operation.ts";
import { actionOf } from "../actions.ts";
import type { ManagementHandler } from "../handler.ts";

type Listed = {
  name: string;
  isDataAction: boolean;
  display: { provider: string; resource: string; operation: string; description: string };
  origin: string;
};

const provider = "Microsoft Batch";

/** `batchAccounts/privateLinkResources` as `Private Link Resources`. */
const wordsOf = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/^./, (first) => first.toUpperCase());

const listed = (name: string, description: string, isDataAction: boolean): Listed => {
  const parts = name.split("/").slice(1);
  const verb = parts.at(-1) === "action" ? parts.at(-2)! : parts.at(-1)!;
  const resource = wordsOf(parts.slice(0, parts.at(-1) === "action" ? -2 : -1).at(-1) ?? "batchAccounts");
  const display = { provider, resource, operation: `${wordsOf(verb)} ${resource}`, description };
  return { name, isDataAction, display, origin: "user,system" };
};

/** Of the data plane roles tell jobs and job schedules apart, with their tasks. */
const dataActions = (): Listed[] => {
  const of = Object.values<OperationDeclaration>(batchOperations).flatMap((operation) => {
    const resource = { jobs: "jobs", jobschedules: "jobSchedules" }[operation.path.split("/")[1] ?? ""];
    if (resource === undefined) return [];
    const verb = { GET: "read", HEAD: "read", DELETE: "delete", POST: "write", PUT: "write", PATCH: "write" }[operation.method];
    return [listed(`Microsoft.Batch/batchAccounts/${resource}/${verb}`, operation.summary, true)];
  });
  return of;
};

let made: readonly Listed[] | undefined;

/** Several operations are one action: the first says what it does. */
const all = (): readonly Listed[] => {
  const actions = Object.values<OperationDeclaration>(batchManagementOperations).map((one) => listed(actionOf(one), one.summary, false));
  const byName = new Map<string, Listed>();
  for (const one of [...actions, ...dataActions()]) if (!byName.has(one.name)) byName.set(one.name, one);
  return [...byName.values()];
};

export const listOperations: ManagementHandler<typeof api.listOperations> = async () => {
  made ??= all();
  return { items: made };
};
