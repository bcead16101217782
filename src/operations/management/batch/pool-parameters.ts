// A pool as ARM says it, brought to what the data plane says of the same pool, and read there: letter case, defaults, limits and rules between
// properties are the data plane's, so that there is one truth about each. What it refuses is told in ARM's names (pool-errors.ts).
import { PoolAddParameter, PoolEnableAutoScaleParameter, PoolPatchParameter, PoolResizeParameter } from "../../../api/batch/pools.ts";
import { invalidProperty } from "../../../api/errors.ts";
import type { Infer, Model, Plain } from "../../../api/fields.ts";
import type { PoolProperties } from "../../../api/management/batch/pool-properties.ts";
import type { Pool } from "../../../api/management/batch/pools.ts";
import { baseline, type DataPlaneVersion, newest } from "../../../api/versions.ts";
import type { PoolSpec } from "../../../domain/pools.ts";
import { parseResourceId } from "../../../domain/resource-ids.ts";
import { parseBody } from "../../../wire/parse.ts";
import { inManagementNames } from "./pool-errors.ts";

export type PoolBody = Infer<typeof Pool>;
type Properties = Infer<typeof PoolProperties>;

/** The last version whose pools can be of Cloud Services. */
const cloudServices: DataPlaneVersion = "2024-02-01.19.0";
const goneSince: readonly string[] = ["certificateReferences", "targetNodeCommunicationMode", "resourceTags"];

/** The newest version of the data plane that knows all of it: no version of ARM has both what came and what went with the newest. */
const versionFor = (settings: Plain): DataPlaneVersion => {
  if (settings.cloudServiceConfiguration !== undefined) return cloudServices;
  return goneSince.some((name) => settings[name] !== undefined) ? baseline : newest;
};

/** Without what is undefined, at every level: the reader takes it for a value. */
const plain = (value: unknown): Plain => JSON.parse(JSON.stringify(value)) as Plain;

const read = <M extends Model>(model: M, json: Plain, version: DataPlaneVersion = versionFor(json)): Infer<M> =>
  parseBody(model, plain(json), version);

/** Everything of a pool that is made, defaults filled in. Throws as the data plane does for a pool that is added. */
export const newPoolParameter = (id: string, body: PoolBody): Infer<typeof PoolAddParameter> & Pick<PoolSpec, "identity" | "tags"> => {
  const properties = body.properties ?? {};
  return inManagementNames(body, () => {
    const { applicationLicenses: _, ...settings } = settingsOf(properties);
    const parameter = read(PoolAddParameter, { id, ...settings, ...newScale(properties.scaleSettings) });
    // The data plane's versions since 2024-07 have no licences, those of ARM do.
    const { applicationLicenses } = properties;
    return { ...parameter, ...given({ applicationLicenses, identity: identityOf(body.identity), tags: body.tags }) };
  });
};

export type PoolPatch = Infer<typeof PoolPatchParameter> & Pick<PoolSpec, "identity" | "tags">;

/** What a PATCH gives, but for the scale settings. An empty start task is the wish for none. */
export const poolPatch = (body: PoolBody): { patch: PoolPatch; removesStartTask: boolean } =>
  inManagementNames(body, () => {
    const { applicationLicenses, cloudServiceConfiguration, ...settings } = settingsOf(body.properties ?? {});
    if (applicationLicenses !== undefined) throw unchangeable("applicationLicenses");
    if (cloudServiceConfiguration !== undefined) throw unchangeable("cloudServiceConfiguration");
    const patch = read(PoolPatchParameter, settings);
    return {
      patch: { ...patch, ...given({ identity: identityOf(body.identity), tags: body.tags }) },
      removesStartTask: isNoStartTask(body.properties?.startTask),
    };
  });

export type ScaleChange =
  | { kind: "fixed"; resize: Infer<typeof PoolResizeParameter> }
  | { kind: "auto"; scaling: Infer<typeof PoolEnableAutoScaleParameter> };

/** What a PATCH wants of the size of a pool. */
export const scaleChange = (body: PoolBody): ScaleChange | undefined =>
  inManagementNames(body, () => {
    const settings = body.properties?.scaleSettings;
    if (settings === undefined) return undefined;
    const scale = oneOf(settings);
    if (scale.autoScale !== undefined) {
      const { formula: autoScaleFormula, evaluationInterval: autoScaleEvaluationInterval } = scale.autoScale;
      return { kind: "auto", scaling: read(PoolEnableAutoScaleParameter, { autoScaleFormula, autoScaleEvaluationInterval }) };
    }
    // Both targets that are left out of a fixed scale are 0, as in a PUT (unverified).
    const { targetDedicatedNodes = 0, targetLowPriorityNodes = 0, ...rest } = scale.fixedScale ?? {};
    return { kind: "fixed", resize: read(PoolResizeParameter, { targetDedicatedNodes, targetLowPriorityNodes, ...rest }) };
  });

const unchangeable = (name: string) => invalidProperty(name, "The property cannot be changed.");

type Scale = NonNullable<Properties["scaleSettings"]>;

const oneOf = (scale: Scale): Scale => {
  if (scale.fixedScale !== undefined && scale.autoScale !== undefined)
    throw invalidProperty("autoScale", "Only one of fixedScale, autoScale can be specified.");
  return scale;
};

/** Without any the pool stays empty. */
const newScale = (settings: Scale = {}): Plain => {
  const { fixedScale, autoScale } = oneOf(settings);
  if (autoScale !== undefined) {
    return { enableAutoScale: true, autoScaleFormula: autoScale.formula, autoScaleEvaluationInterval: autoScale.evaluationInterval };
  }
  const { nodeDeallocationOption: _, ...targets } = fixedScale ?? {};
  return targets;
};

const settingsOf = (properties: Properties): Plain => ({
  displayName: properties.displayName,
  vmSize: properties.vmSize,
  ...machineOf(properties.deploymentConfiguration),
  taskSlotsPerNode: properties.taskSlotsPerNode,
  taskSchedulingPolicy: properties.taskSchedulingPolicy,
  enableInterNodeCommunication: properties.interNodeCommunication && properties.interNodeCommunication === "Enabled",
  networkConfiguration: networkOf(properties.networkConfiguration),
  startTask: isNoStartTask(properties.startTask) ? undefined : startTaskOf(properties.startTask),
  certificateReferences: properties.certificates?.map(certificateOf),
  applicationPackageReferences: properties.applicationPackages?.map(packageOf),
  applicationLicenses: properties.applicationLicenses,
  userAccounts: properties.userAccounts,
  metadata: properties.metadata,
  mountConfiguration: properties.mountConfiguration?.map(mountOf),
  targetNodeCommunicationMode: properties.targetNodeCommunicationMode,
  upgradePolicy: properties.upgradePolicy,
  resourceTags: properties.resourceTags,
});

const machineOf = (deployment: Properties["deploymentConfiguration"]): Plain => {
  const { virtualMachineConfiguration: machine, cloudServiceConfiguration } = deployment ?? {};
  if (machine === undefined) return { cloudServiceConfiguration };
  const { imageReference, nodeAgentSkuId, ...rest } = machine;
  const { id, ...image } = imageReference;
  return {
    cloudServiceConfiguration,
    virtualMachineConfiguration: { ...rest, nodeAgentSKUId: nodeAgentSkuId, imageReference: { ...image, virtualMachineImageId: id } },
  };
};

const networkOf = (network: Properties["networkConfiguration"]): Plain | undefined => {
  if (network === undefined) return undefined;
  const { dynamicVnetAssignmentScope, endpointConfiguration, ...rest } = network;
  return {
    ...rest,
    dynamicVNetAssignmentScope: dynamicVnetAssignmentScope,
    endpointConfiguration: endpointConfiguration && { inboundNATPools: endpointConfiguration.inboundNatPools },
  };
};

type StartTask = Properties["startTask"];

/** An empty one, but for what a version fills in by itself. */
const isNoStartTask = (startTask: StartTask): boolean =>
  startTask !== undefined && Object.entries(startTask).every(([name, value]) => name === "waitForSuccess" || value === undefined);

const startTaskOf = (startTask: StartTask): Plain | undefined => {
  if (startTask === undefined) return undefined;
  const { userIdentity, ...rest } = startTask;
  return { ...rest, userIdentity: userIdentity && { username: userIdentity.userName, autoUser: userIdentity.autoUser } };
};

type CertificateReference = NonNullable<Properties["certificates"]>[number];

/** `.../certificates/sha1-{thumbprint}`. Ids of the examples have the pool in between, which is taken too. */
const certificateOf = ({ id, ...rest }: CertificateReference): Plain => {
  const [, thumbprintAlgorithm, thumbprint] = /\/certificates\/([^/-]+)-([^/]+)$/i.exec(id) ?? [];
  if (thumbprint === undefined || parseResourceId(id) === undefined)
    throw invalidProperty("thumbprint", "The value must be the resource id of a certificate of the account.", id);
  return { ...rest, thumbprintAlgorithm, thumbprint };
};

type PackageReference = NonNullable<Properties["applicationPackages"]>[number];

/** The data plane's own form is the id without a pool in between. */
const packageOf = ({ id, version }: PackageReference): Plain => ({
  applicationId: id.replace(/(\/batchAccounts\/[^/]+)\/pools\/[^/]+(\/applications\/[^/]+)$/i, "$1$2"),
  version,
});

type Mount = NonNullable<Properties["mountConfiguration"]>[number];

const mountOf = ({ cifsMountConfiguration: cifs, ...rest }: Mount): Plain => {
  if (cifs === undefined) return rest;
  const { userName: username, ...share } = cifs;
  return { ...rest, cifsMountConfiguration: { ...share, username } };
};

const identityOf = (identity: PoolBody["identity"]): PoolSpec["identity"] =>
  identity && {
    type: identity.type,
    ...(identity.userAssignedIdentities === undefined
      ? {}
      : { userAssignedIdentities: Object.keys(identity.userAssignedIdentities).map((resourceId) => ({ resourceId })) }),
  };

const given = <T extends object>(properties: T): Partial<T> =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as Partial<T>;
