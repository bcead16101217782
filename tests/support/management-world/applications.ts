// What the examples of applications and their packages need: applications, and packages that really were uploaded.
import { BlockBlobClient } from "@azure/storage-blob";
import { aZip } from "../zip.ts";
import type { Prepared, Ways, World } from "./world.ts";

const applicationPath = (world: World, name: string): string => `${world.account}/applications/${name}`;

/** An application that others may have made already. */
const application = async (world: World, name: string): Promise<void> => {
  await world.ok({ method: "PUT", path: applicationPath(world, name), body: { properties: { allowUpdates: true } } });
};

/** A package whose file is where its URL says, but that nobody has activated. */
const uploadedPackage = async (world: World, name: string, version: string): Promise<string> => {
  const path = `${applicationPath(world, name)}/versions/${version}`;
  const { json } = await world.ok({ method: "PUT", path });
  // The URL may be of a name that only a line in /etc/hosts leads here; the signature covers the path and not the host.
  const { pathname, search, host } = new URL(json.properties.storageUrl);
  const account = /^([^.]+)\.blob\./.exec(host)?.[1];
  const blob = account === undefined ? pathname : `/${account}${pathname}`;
  await new BlockBlobClient(`${world.quern.ready.batchUrl}${blob}${search}`).uploadData(aZip([{ name: "readme.txt", data: "text" }]));
  return path;
};

/** Without a version it becomes the application's default. */
export const activePackage = async (world: World, name: string, version?: string): Promise<void> => {
  await application(world, name);
  const path = await uploadedPackage(world, name, version ?? "1.0");
  await world.ok({ method: "POST", path: `${path}/activate`, body: { format: "zip" } });
  if (version === undefined)
    await world.ok({ method: "PATCH", path: applicationPath(world, name), body: { properties: { defaultVersion: "1.0" } } });
};

const onApplication = async (world: World): Promise<Prepared> => {
  const applicationName = world.fresh("app");
  await application(world, applicationName);
  return { params: { applicationName } };
};

const onPackage = async (world: World): Promise<Prepared> => {
  const prepared = await onApplication(world);
  await uploadedPackage(world, prepared.params!.applicationName!, "1");
  return prepared;
};

export const applicationWays: Ways = {
  Application_Create: async (world) => ({ params: { applicationName: world.fresh("app") } }),
  Application_Update: async (world) => {
    const prepared = await onApplication(world);
    await activePackage(world, prepared.params!.applicationName!, "2");
    return prepared;
  },
  Application_Get: onApplication,
  Application_Delete: onApplication,
  ApplicationPackage_Create: onApplication,
  ApplicationPackage_List: onPackage,
  ApplicationPackage_Activate: onPackage,
  ApplicationPackage_Get: onPackage,
  ApplicationPackage_Delete: onPackage,
};
