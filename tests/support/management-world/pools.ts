// What the examples of pools and certificates need: pools, a certificate that can be read, application packages.
import { newCertificate } from "../example-world.ts";
import type { ManagementExample } from "../management-documents.ts";
import { until } from "../quern.ts";
import { activePackage } from "./applications.ts";
import { inSubscription, type Json, type Prepared, type Ways, type World } from "./world.ts";

const inProperties = (name: string): string => `properties.${name}`;

const newPool = async (world: World, settings: Json = {}): Promise<string> => {
  const id = world.fresh("pool");
  await world.user.pool(id, { targetDedicatedNodes: 0, ...settings }, null);
  await world.user.poolIs(id, "steady");
  return id;
};

const onPool = async (world: World): Promise<Prepared> => ({ params: { poolName: await newPool(world) } });

/** Of the certificate that an example names, the thumbprint is made up; it gets a real one. */
const certificate = async (world: World): Promise<string> => {
  const { thumbprint, data } = await newCertificate(world.fresh("certificate"));
  const name = `sha1-${thumbprint}`;
  await world.ok({ method: "PUT", path: `${world.account}/certificates/${name}`, body: { properties: { data } } });
  return name;
};

type References = { id: string; version?: string }[];

type Referring = { properties: { certificates?: References; applicationPackages?: References } };

/** The certificates and packages that a pool names are made, and their ids put in place of the made-up ones. */
const withReferences = async (world: World, pool: unknown): Promise<(body: Json) => Json> => {
  const { properties } = pool as Referring;
  const name = properties.certificates === undefined ? undefined : await certificate(world);
  for (const { id, version } of properties.applicationPackages ?? []) await activePackage(world, id.split("/").at(-1)!, version);
  return (body) => {
    const settings = body.properties as Json;
    const references = settings.certificates as References | undefined;
    if (references !== undefined) {
      settings.certificates = references.map((one) => ({
        ...one,
        id: one.id.replace(/\/pools\/[^/]+\/certificates\/.*$/, `/certificates/${name}`),
      }));
    }
    const packages = settings.applicationPackages as References | undefined;
    if (packages !== undefined) {
      settings.applicationPackages = packages.map((one) => ({
        ...one,
        id: one.id.replace(/\/pools\/[^/]+\/applications\//, "/applications/"),
      }));
    }
    return body;
  };
};

const create = async (world: World, example: ManagementExample): Promise<Prepared> => {
  const poolName = world.fresh("pool");
  world.after(() => world.arm({ method: "DELETE", path: `${world.account}/pools/${poolName}` }));
  return { params: { poolName }, body: await withReferences(world, example.parameters.parameters), echo: neverRead };
};

const computed = "The server computes it.";
const whatIsSet: Record<string, string> = Object.fromEntries(
  [
    ...["id", "name", "etag", "identity.userAssignedIdentities"],
    ...["lastModified", "creationTime", "provisioningStateTransitionTime", "allocationState", "allocationStateTransitionTime"].map(
      inProperties,
    ),
    ...["currentDedicatedNodes", "currentLowPriorityNodes", "currentNodeCommunicationMode", "autoScaleRun", "resizeOperationStatus"].map(
      inProperties,
    ),
  ].map((name) => [name, computed]),
);

/** The pool that the example shows, made from what it shows: with passwords, which it does not. */
const shownPool = async (world: World, { shown }: ManagementExample): Promise<Prepared> => {
  const poolName = world.fresh("pool");
  const change = await withReferences(world, shown);
  const made = change(inSubscription(structuredClone(shown), world.quern.ready.subscriptionId) as Json);
  const settings = made.properties as { userAccounts?: Json[]; startTask?: { resourceFiles?: { filePath?: string }[] } };
  // One example has a path from before the service insisted on relative ones.
  for (const file of settings.startTask?.resourceFiles ?? []) file.filePath = file.filePath?.replace(/^c:\\/i, "").replaceAll("\\", "/");
  if (settings.userAccounts !== undefined) settings.userAccounts = settings.userAccounts.map((one) => ({ ...one, password: "Secret-1" }));
  await world.ok({ method: "PUT", path: `${world.account}/pools/${poolName}`, body: made });
  world.after(() => world.arm({ method: "DELETE", path: `${world.account}/pools/${poolName}` }));
  return { params: { poolName }, made, echo: { ...neverRead, ...whatIsSet } };
};

const neverRead = {
  "properties.scaleSettings.fixedScale.nodeDeallocationOption": "The document lets it be created and updated, not read.",
};

const scaled = { targetDedicatedNodes: undefined, enableAutoScale: true, autoScaleFormula: "$TargetDedicatedNodes=0" };

/** A certificate of its own, with its data for examples that send some. */
const put = async (world: World, isThere: boolean): Promise<Prepared> => {
  const { thumbprint, data } = await newCertificate(world.fresh("certificate"));
  const certificateName = `sha1-${thumbprint}`;
  if (isThere) await world.ok({ method: "PUT", path: `${world.account}/certificates/${certificateName}`, body: { properties: { data } } });
  // The example's data is cut off; a certificate without its key has no password and is of the other format.
  const body = ({ properties, ...rest }: Json): Json => {
    const { password: _, thumbprint: named, ...others } = properties as Json;
    return { ...rest, properties: { ...others, ...(named === undefined ? {} : { thumbprint }), data, format: "Cer" } };
  };
  return { params: { certificateName }, body };
};

const onCertificate = async (world: World): Promise<Prepared> => ({ params: { certificateName: await certificate(world) } });

export const poolWays: Ways = {
  Pool_Create: create,
  Pool_Update: async (world, example) => ({
    params: { poolName: await newPool(world) },
    body: await withReferences(world, example.parameters.parameters),
    echo: neverRead,
  }),
  Pool_Get: shownPool,
  Pool_Delete: onPool,
  Pool_StopResize: onPool,
  Pool_DisableAutoScale: async (world) => ({ params: { poolName: await newPool(world, scaled) } }),
  Certificate_Create: (world) => put(world, false),
  Certificate_Update: (world) => put(world, true),
  Certificate_Get: onCertificate,
  Certificate_Delete: onCertificate,
  Certificate_CancelDeletion: async (world) => {
    const name = await certificate(world);
    const [thumbprintAlgorithm, thumbprint] = name.split("-");
    await newPool(world, { certificateReferences: [{ thumbprint, thumbprintAlgorithm }] });
    const path = `${world.account}/certificates/${name}`;
    await world.ok({ method: "DELETE", path });
    await until(
      () => world.ok({ method: "GET", path }),
      ({ json }) => json.properties.provisioningState === "Failed",
    );
    return { params: { certificateName: name } };
  },
};
