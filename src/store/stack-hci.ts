// Images and storage containers in the database, beyond what every resource has (resources.ts): which are finished, and the guards between
// them and what names them. No pool is committed with an image that is not there, no image goes while a pool names it, no container while
// it holds images, whatever happens at the same time.
import type { ImageIdentifier, ImageProperties } from "../domain/stack-hci.ts";
import { type Reader, type Sql, sql, type Write, write } from "./db.ts";
import type { ResourceKey } from "./resources.ts";

const imageTypes = sql`('microsoft.azurestackhci/galleryimages', 'microsoft.azurestackhci/marketplacegalleryimages')`;

/** Those that nodes can be made of, in the order in which they were made. */
export const finishedImages = async (read: Reader): Promise<{ type: string; key: ResourceKey; properties: ImageProperties }[]> => {
  const rows = await read.all<{ type: string; name: string; resource_group: string; properties: string }>(
    sql`SELECT type, name, resource_group, properties FROM resources
        WHERE type IN ${imageTypes} AND provisioning_state = 'Succeeded' ORDER BY created_at, type, group_key, key`,
  );
  return rows.map(({ type, name, resource_group: resourceGroup, properties }) => ({
    type,
    key: { type, resourceGroup, name },
    properties: JSON.parse(properties) as ImageProperties,
  }));
};

/** Those that have these names, in that version or, for `latest`, in any. */
export const finishedImagesNamed = async (
  read: Reader,
  { publisher, offer, sku }: ImageIdentifier,
  version: string,
): Promise<ResourceKey[]> => {
  const names = sql`lower(json_extract(properties, '$.identifier.publisher')) = ${publisher.toLowerCase()}
    AND lower(json_extract(properties, '$.identifier.offer')) = ${offer.toLowerCase()}
    AND lower(json_extract(properties, '$.identifier.sku')) = ${sku.toLowerCase()}
    AND ${version.toLowerCase()} IN ('latest', lower(coalesce(json_extract(properties, '$.version'), 'latest')))`;
  const rows = await read.all<{ type: string; name: string; resource_group: string }>(
    sql`SELECT type, name, resource_group FROM resources WHERE type IN ${imageTypes} AND provisioning_state = 'Succeeded' AND ${names} LIMIT 100`,
  );
  return rows.map(({ type, name, resource_group: resourceGroup }) => ({ type, resourceGroup, name }));
};

/** Changes nothing, but the batch it is in fails with a Conflict unless the resource is there and has succeeded. */
export const guardSucceeded = ({ type, resourceGroup, name }: ResourceKey): Write =>
  write(
    sql`UPDATE resources SET generation = generation WHERE type = ${type.toLowerCase()} AND group_key = ${resourceGroup.toLowerCase()}
        AND key = ${name.toLowerCase()} AND provisioning_state = 'Succeeded'`,
    1,
  );

const inPool = (property: string): Sql => ({
  text: `lower(json_extract(pools.spec, '$.virtualMachineConfiguration.imageReference.${property}'))`,
  values: [],
});

/** Names of an image by which pools may refer to it. */
export type ImageNames = { id: string; identifier?: ImageIdentifier; version?: string };

/** Pools whose image it is: by its id, or by its names with its version or the latest. */
const poolsNaming = ({ id, identifier, version }: ImageNames): Sql => {
  const byId = sql`${inPool("virtualMachineImageId")} = lower(${id})`;
  if (identifier === undefined) return sql`FROM pools WHERE ${byId}`;
  const { publisher, offer, sku } = identifier;
  return sql`FROM pools WHERE ${byId} OR (${inPool("publisher")} = ${publisher.toLowerCase()} AND ${inPool("offer")} = ${offer.toLowerCase()}
    AND ${inPool("sku")} = ${sku.toLowerCase()} AND coalesce(${inPool("version")}, 'latest') IN ('latest', ${(version ?? "latest").toLowerCase()}))`;
};

/** Of all accounts; reads every pool: only for the deletion of an image. At most 10. */
export const poolsWithImage = async (read: Reader, names: ImageNames): Promise<string[]> =>
  (await read.all<{ id: string }>(sql`SELECT pools.id ${poolsNaming(names)} ORDER BY account_id, key LIMIT 10`)).map(({ id }) => id);

/** Conflict when a pool names the image. */
export const guardNoPool = (names: ImageNames, { type, resourceGroup, name }: ResourceKey): Write =>
  write(
    sql`UPDATE resources SET generation = generation WHERE type = ${type.toLowerCase()} AND group_key = ${resourceGroup.toLowerCase()}
        AND key = ${name.toLowerCase()} AND NOT EXISTS (SELECT 1 ${poolsNaming(names)})`,
    1,
  );

const imagesIn = (containerId: string): Sql =>
  sql`FROM resources AS image WHERE image.type IN ${imageTypes} AND lower(json_extract(image.properties, '$.containerId')) = lower(${containerId})`;

/** Their names, at most 10. */
export const imagesOfContainer = async (read: Reader, containerId: string): Promise<string[]> =>
  (await read.all<{ name: string }>(sql`SELECT image.name ${imagesIn(containerId)} ORDER BY group_key, key LIMIT 10`)).map(
    ({ name }) => name,
  );

/** Conflict when an image is in it, or it is not what was read. */
export const guardNoImages = (containerId: string, { type, resourceGroup, name }: ResourceKey): Write =>
  write(
    sql`UPDATE resources SET generation = generation WHERE type = ${type.toLowerCase()} AND group_key = ${resourceGroup.toLowerCase()}
        AND key = ${name.toLowerCase()} AND NOT EXISTS (SELECT 1 ${imagesIn(containerId)})`,
    1,
  );
