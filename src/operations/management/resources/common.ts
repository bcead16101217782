// What the handlers of the surrounding resources share: ids, the refusal of what is missing, pages of rows.
import { ApiError } from "../../../api/errors.ts";
import { resourceIdOf } from "../../../domain/resource-ids.ts";
import type { Reader } from "../../../store/db.ts";
import { getResource, listResources, listResourcesOfGroup, type Resource, type ResourceKey } from "../../../store/resources.ts";
import type { Page } from "../../handler.ts";
import type { ManagementSettings } from "../handler.ts";

export const idOf = ({ subscriptionId }: Pick<ManagementSettings, "subscriptionId">, { type, resourceGroup, name }: ResourceKey): string =>
  resourceIdOf({ subscriptionId, resourceGroup, type, names: [name] });

export const missing = ({ type, name, resourceGroup }: ResourceKey): ApiError =>
  new ApiError(
    "ResourceNotFound",
    [],
    `The Resource '${type}/${name.slice(0, 128)}' under resource group '${resourceGroup}' was not found. For more details please go to ` +
      "https://aka.ms/ARMResourceNotFoundFix",
  );

/** Throws ResourceNotFound. */
export const loadResource = async <P extends object>(read: Reader, key: ResourceKey): Promise<Resource<P>> => {
  const row = await getResource<P>(read, key);
  if (row === undefined) throw missing(key);
  return row;
};

/** One page of a type's rows, of one group or of all, and where the next one starts. */
export const pageOfRows = async <P extends object>(
  read: Reader,
  type: string,
  { after, limit }: Page,
  resourceGroup?: string,
): Promise<{ rows: Resource<P>[]; next?: string }> => {
  const from = { ...(after === undefined ? {} : { after }), limit: limit + 1 };
  const rows =
    resourceGroup === undefined
      ? await listResources<P>(read, { type, ...from })
      : await listResourcesOfGroup<P>(read, { type, resourceGroup, ...from });
  if (rows.length <= limit) return { rows };
  const last = rows[limit - 1]!;
  const key = last.name.toLowerCase();
  return { rows: rows.slice(0, limit), next: resourceGroup === undefined ? `${last.resourceGroup.toLowerCase()}/${key}` : key };
};

/** The envelope of a tracked resource. */
export const trackedView = (settings: ManagementSettings, row: Resource<object>) => ({
  id: idOf(settings, row),
  name: row.name,
  type: row.type,
  location: row.location,
  tags: row.tags,
});
