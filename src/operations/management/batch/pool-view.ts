// A pool as a resource of ARM. Only shapes, in the newest spelling; the letter case of values (`Steady`, `NonAdmin`) is the renderer's.
import type { Plain } from "../../../api/fields.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { type AutoScaleRun, isScaled } from "../../../domain/autoscale.ts";
import type { Pool, PoolSpec, ResizeError } from "../../../domain/pools.ts";
import { isoStamp, isoTime } from "../../../lib/clock.ts";
import type { CurrentNodes } from "../../batch/views/pools.ts";
import { weakEtag } from "../etags.ts";
import type { ManagementSettings } from "../handler.ts";
import { accountType, childId } from "./load.ts";

export type PoolPlace = {
  readonly settings: Pick<ManagementSettings, "subscriptionId">;
  readonly account: BatchAccount;
};

export const poolResource = (pool: Pool, current: CurrentNodes, place: PoolPlace): Plain => ({
  id: childId(place.settings, place.account, "pools", pool.id),
  name: pool.id,
  type: `${accountType}/pools`,
  etag: weakEtag(pool.modified),
  tags: pool.spec.tags,
  identity: identityOf(pool.spec.identity),
  properties: propertiesOf(pool, current, place),
});

const propertiesOf = (pool: Pool, current: CurrentNodes, place: PoolPlace): Plain => {
  const { spec } = pool;
  const { certificateReferences, applicationPackageReferences } = spec;
  return {
    displayName: spec.displayName,
    lastModified: isoStamp(pool.modified),
    creationTime: isoTime(pool.createdAt),
    provisioningState: pool.state === "active" ? "Succeeded" : "Deleting",
    provisioningStateTransitionTime: isoTime(pool.stateChangedAt),
    allocationState: pool.allocationState,
    allocationStateTransitionTime: isoTime(pool.allocationStateChangedAt),
    vmSize: sizeOf(spec),
    deploymentConfiguration: deploymentOf(spec),
    currentDedicatedNodes: current.dedicated,
    currentLowPriorityNodes: current.lowPriority,
    scaleSettings: scaleOf(pool),
    autoScaleRun: pool.autoScale?.run && runOf(pool.autoScale.run),
    interNodeCommunication: spec.enableInterNodeCommunication === true ? "Enabled" : "Disabled",
    networkConfiguration: networkOf(spec.networkConfiguration),
    taskSlotsPerNode: spec.taskSlotsPerNode,
    taskSchedulingPolicy: spec.taskSchedulingPolicy,
    userAccounts: spec.userAccounts,
    metadata: spec.metadata,
    startTask: startTaskOf(spec.startTask),
    certificates: certificateReferences?.map(({ thumbprint, thumbprintAlgorithm, ...rest }) => ({
      ...rest,
      id: childId(place.settings, place.account, "certificates", `${thumbprintAlgorithm}-${thumbprint}`),
    })),
    // The data plane takes the application's own id too.
    applicationPackages: applicationPackageReferences?.map(({ applicationId, version }) => ({
      id: applicationId.startsWith("/") ? applicationId : childId(place.settings, place.account, "applications", applicationId),
      version,
    })),
    applicationLicenses: spec.applicationLicenses,
    resizeOperationStatus: resizeOf(pool),
    mountConfiguration: spec.mountConfiguration?.map(mountOf),
    targetNodeCommunicationMode: spec.targetNodeCommunicationMode,
    // As on the data plane: agents always dial out, and nothing is said while there are no nodes.
    currentNodeCommunicationMode: current.dedicated + current.lowPriority > 0 ? "Simplified" : undefined,
    upgradePolicy: spec.upgradePolicy,
    resourceTags: spec.resourceTags,
  };
};

/** Sizes of virtual machines are shouted, those of Cloud Services are not (real-behaviours.md section 5). */
const sizeOf = ({ vmSize, cloudServiceConfiguration }: PoolSpec): string =>
  cloudServiceConfiguration === undefined || vmSize.startsWith("standard_")
    ? vmSize.toUpperCase()
    : `${vmSize.slice(0, 1).toUpperCase()}${vmSize.slice(1)}`;

const deploymentOf = ({ virtualMachineConfiguration: machine, cloudServiceConfiguration }: PoolSpec): Plain => {
  if (machine === undefined) return { cloudServiceConfiguration };
  const { imageReference, nodeAgentSKUId, ...rest } = machine;
  const { virtualMachineImageId, ...image } = imageReference;
  return {
    virtualMachineConfiguration: { ...rest, nodeAgentSkuId: nodeAgentSKUId, imageReference: { ...image, id: virtualMachineImageId } },
  };
};

const scaleOf = (pool: Pool): Plain => {
  const { spec, targetDedicated, targetLowPriority } = pool;
  return isScaled(pool) || spec.enableAutoScale === true
    ? { autoScale: { formula: spec.autoScaleFormula, evaluationInterval: spec.autoScaleEvaluationInterval } }
    : {
        fixedScale: {
          targetDedicatedNodes: targetDedicated,
          targetLowPriorityNodes: targetLowPriority,
          resizeTimeout: spec.resizeTimeout,
        },
      };
};

const details = (values: readonly { name: string; value: string }[] | undefined) =>
  values?.map(({ name, value }) => ({ code: name, message: value }));

const runOf = ({ at, results, error }: AutoScaleRun): Plain => ({
  evaluationTime: isoTime(at),
  results,
  error: error && { code: error.code, message: error.message, details: details(error.values) },
});

/**
 * The targets are those of the pool, which only a new resize changes; low-priority nodes are left out where there are to be none (as recorded). The
 * service begins every pool with a resize, also one to nothing: so is the last one of a pool that had no other.
 */
const resizeOf = (pool: Pool): Plain => {
  const { resize, lastResize, resizeErrors, spec, targetDedicated, targetLowPriority } = pool;
  const one = resize ?? lastResize ?? { startedAt: pool.createdAt, option: "requeue" };
  return {
    targetDedicatedNodes: targetDedicated,
    targetLowPriorityNodes: targetLowPriority === 0 ? undefined : targetLowPriority,
    nodeDeallocationOption: one.option,
    resizeTimeout: spec.resizeTimeout,
    startTime: isoTime(one.startedAt),
    errors: pool.allocationState === "steady" ? resizeErrors?.map(errorOf) : undefined,
  };
};

const errorOf = ({ code, message, values }: ResizeError): Plain => ({ code, message, details: details(values) });

const networkOf = (network: PoolSpec["networkConfiguration"]): Plain | undefined => {
  if (network === undefined) return undefined;
  const { dynamicVNetAssignmentScope, endpointConfiguration, ...rest } = network;
  return {
    ...rest,
    dynamicVnetAssignmentScope: dynamicVNetAssignmentScope,
    endpointConfiguration: endpointConfiguration && { inboundNatPools: endpointConfiguration.inboundNATPools },
  };
};

type Mount = NonNullable<PoolSpec["mountConfiguration"]>[number];

const mountOf = ({ cifsMountConfiguration: cifs, ...rest }: Mount): Plain => {
  if (cifs === undefined) return rest;
  const { username: userName, ...share } = cifs;
  return { ...rest, cifsMountConfiguration: { ...share, userName } };
};

const startTaskOf = (startTask: PoolSpec["startTask"]): Plain | undefined => {
  if (startTask === undefined) return undefined;
  const { userIdentity, ...rest } = startTask;
  return { ...rest, userIdentity: userIdentity && { userName: userIdentity.username, autoUser: userIdentity.autoUser } };
};

const identityOf = (identity: PoolSpec["identity"]): Plain | undefined =>
  identity && {
    type: identity.type,
    userAssignedIdentities:
      identity.userAssignedIdentities &&
      Object.fromEntries(identity.userAssignedIdentities.map(({ resourceId, ...known }) => [resourceId, known])),
  };
