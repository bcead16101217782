// What is answered of Microsoft.Batch for a location: names, quotas, sizes of virtual machines. Locations are labels here, so all of them have the same.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/locations.ts";
import { accountNameProblem } from "../../../domain/account-checks.ts";
import { matchesFilter } from "../../../domain/filter-match.ts";
import { knownLocation } from "../../../domain/locations.ts";
import { noQuotas, unlimited } from "../../../domain/quotas.ts";
import { vmSizes } from "../../../domain/vm-sizes.ts";
import { getAccountByName } from "../../../store/accounts.ts";
import { cutPage } from "../../batch/load.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";
import { skuOf } from "./skus.ts";

/** Code and words: unverified. */
const checkLocation = (name: string, { region }: ManagementSettings): void => {
  if (knownLocation(name, region) !== undefined) return;
  throw new ApiError("InvalidLocation", [], `The location '${name.slice(0, 90)}' is not one that Microsoft.Batch is available in.`);
};

/** Names are taken on the whole server: the host names of accounts begin with them. */
export const checkNameAvailability: ManagementHandler<typeof api.checkNameAvailability> = async ({ params, body }, services) => {
  checkLocation(params.locationName, services.settings);
  const { name } = body;
  const problem = accountNameProblem(name);
  if (problem !== undefined) return { body: { nameAvailable: false, reason: "Invalid", message: problem } };
  if ((await getAccountByName(services.store, name)) === undefined) return { body: { nameAvailable: true } };
  return { body: { nameAvailable: false, reason: "AlreadyExists", message: `An account named '${name}' is already in use.` } };
};

export const getQuotas: ManagementHandler<typeof api.getQuotas> = async ({ params }, { settings, quotas = noQuotas }) => {
  checkLocation(params.locationName, settings);
  return { body: { accountQuota: quotas.accounts ?? unlimited } };
};

export const skuFilterable = {
  name: { type: "string", operators: ["eq", "ne", "startswith"] },
  familyName: { type: "string", operators: ["eq", "ne", "startswith"] },
} as const;

export const listVirtualMachineSkus: ManagementHandler<typeof api.listVirtualMachineSkus> = async (request, { settings }) => {
  const { params, page, filter } = request;
  checkLocation(params.locationName, settings);
  const skus = vmSizes
    .filter(({ name }) => /^(standard|basic)_/.test(name))
    .map(skuOf)
    .filter((sku) => matchesFilter(filter, (property) => (property === "familyName" ? sku.familyName : sku.name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter(({ name }) => page.after === undefined || name > page.after);
  const { elements, next } = cutPage(skus, page.limit, ({ name }) => name);
  return { items: elements, ...(next === undefined ? {} : { next }) };
};

export const listCloudServiceSkus: ManagementHandler<typeof api.listCloudServiceSkus> = async ({ params }, { settings }) => {
  checkLocation(params.locationName, settings);
  return { items: [] };
};
