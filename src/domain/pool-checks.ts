// What must hold of a pool that is created or changed, beyond what the declarations say of each property: sizes, images, start task,
// scaling. Pure, and the only place that refuses a pool's settings; whether nodes can be had is the reconcilers' to find out.

import type { PoolAddParameter } from "../api/batch/pools.ts";
import { ApiError, invalidProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import { durationMs } from "../lib/duration.ts";
import { usualLeastIntervalMs } from "./autoscale.ts";
import type { ImageCatalogue } from "./images.ts";
import { checkNetwork } from "./network-checks.ts";
import { importedImageKey } from "./stack-hci.ts";
import { checkResourceFiles, firstRepeated, staysBelow } from "./staging-checks.ts";
import { mostTaskSlots, vmSizeOf } from "./vm-sizes.ts";

type PoolParameter = Omit<Infer<typeof PoolAddParameter>, "id">;
type VirtualMachine = NonNullable<PoolParameter["virtualMachineConfiguration"]>;
type StartTask = NonNullable<PoolParameter["startTask"]>;

export type PoolSurroundings = { images: ImageCatalogue; subscriptionId?: string; leastAutoScaleIntervalMs?: number };

/** What a start task may measure, everything included (limits-and-quotas.md). */
const largestStartTask = 32_768;

/** Throws the refusal of a new pool, or of one that a patch would make of an old one. */
export const checkPool = (pool: PoolParameter, surroundings: PoolSurroundings): void => {
  checkSize(pool);
  if (pool.virtualMachineConfiguration !== undefined) checkVirtualMachine(pool.virtualMachineConfiguration, surroundings.images);
  checkScaling(pool, surroundings);
  checkPoolReferences(pool);
  checkNetwork(pool.networkConfiguration, surroundings.subscriptionId);
  checkUsers(pool.userAccounts);
  checkMounts(pool.mountConfiguration);
  checkUpgradePolicy(pool);
};

/** The part that `updateproperties` and a patch of a pool with nodes can change; whether what it names exists is the store's to know. */
export const checkPoolReferences = (pool: Pick<PoolParameter, "startTask">): void => {
  if (pool.startTask !== undefined) checkStartTask(pool.startTask);
};

const checkSize = (pool: PoolParameter): void => {
  const size = vmSizeOf(pool.vmSize);
  if (size === undefined) throw invalidProperty("vmSize", "The specified vmSize is not supported.", pool.vmSize);
  const slots = pool.taskSlotsPerNode ?? 1;
  const most = mostTaskSlots(size.cores);
  if (slots > most) {
    throw invalidProperty("taskSlotsPerNode", `The value must be at most ${most} for nodes of size ${size.name}.`, String(slots));
  }
};

/** Both texts are the service's own (cli-2021-pool, exchanges 6 and 7). */
const checkVirtualMachine = (machine: VirtualMachine, images: ImageCatalogue): void => {
  const { publisher, offer, sku, version, virtualMachineImageId } = machine.imageReference;
  const isImported = virtualMachineImageId !== undefined && importedImageKey(virtualMachineImageId) !== undefined;
  if (virtualMachineImageId !== undefined && !isImported && !galleryImage.test(virtualMachineImageId)) {
    throw invalidProperty("virtualMachineImageId", galleryImageFormat, virtualMachineImageId);
  }
  if (publisher !== undefined || isImported) {
    const image = images.find(isImported ? { virtualMachineImageId } : { publisher, offer, sku, version });
    if (image === undefined && isImported) throw invalidProperty("virtualMachineImageId", imageNotReady, virtualMachineImageId);
    if (image === undefined) {
      const reason = `The specified imageReference with publisher ${publisher} offer ${offer ?? ""} sku ${sku ?? ""} is not supported.`;
      throw invalidProperty("imageReference", reason);
    }
    if (image.nodeAgentSKUId.toLowerCase() !== machine.nodeAgentSKUId.toLowerCase()) {
      throw invalidProperty(
        "nodeAgentSKUId",
        `The specified nodeAgentSKUId does not fit the image; it must be ${image.nodeAgentSKUId}.`,
        machine.nodeAgentSKUId,
      );
    }
    if (image.osType !== "windows" && machine.windowsConfiguration !== undefined) {
      throw invalidProperty("windowsConfiguration", "The Windows configuration can be specified only for a Windows image.");
    }
  } else if (!/^batch\.node\.[a-z0-9. _-]+$/i.test(machine.nodeAgentSKUId)) {
    throw invalidProperty("nodeAgentSKUId", "The specified nodeAgentSKUId is not supported.", machine.nodeAgentSKUId);
  }
  const lun = firstRepeated((machine.dataDisks ?? []).map((disk) => String(disk.lun)));
  if (lun !== undefined) throw invalidProperty("lun", "The logical unit numbers of the data disks must be unique.", lun);
};

/** Images that are still coming, that failed, and that are not there look the same to a pool. */
export const imageNotReady = "The specified image does not exist, or its provisioning state is not Succeeded.";

const galleryImage =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute\/galleries\/[^/]+\/images\/[^/]+(\/versions\/[^/]+)?$/i;
const galleryImageFormat =
  "The specified resource id must be of the format /subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/galleries/{galleryName}/images/{galleryImageName}/versions/{galleryImageVersionName} or /subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/galleries/{galleryName}/images/{galleryImageName}";

/**
 * A fixed pool has targets and no formula, an autoscaled one a formula and no targets (0 is also what a target is that was left
 * out). That both targets may be left out of a fixed pool: seen in 2021.
 */
const checkScaling = (pool: PoolParameter, surroundings: PoolSurroundings): void => {
  if (pool.enableAutoScale === true) {
    checkEvaluationInterval(pool.autoScaleEvaluationInterval, surroundings);
    for (const target of ["targetDedicatedNodes", "targetLowPriorityNodes"] as const) {
      if ((pool[target] ?? 0) !== 0) {
        throw invalidProperty(
          target,
          "The number of nodes cannot be specified for a pool with automatic scaling enabled.",
          String(pool[target]),
        );
      }
    }
    return;
  }
  for (const setting of ["autoScaleFormula", "autoScaleEvaluationInterval"] as const) {
    if (pool[setting] !== undefined)
      throw invalidProperty(setting, "The property can be specified only when automatic scaling is enabled.");
  }
};

/** The upper limit is the declaration's. */
export const checkEvaluationInterval = (
  interval: string | undefined,
  { leastAutoScaleIntervalMs: leastMs = usualLeastIntervalMs }: Pick<PoolSurroundings, "leastAutoScaleIntervalMs">,
): void => {
  if (interval !== undefined && durationMs(interval) < leastMs) {
    throw invalidProperty("autoScaleEvaluationInterval", `The interval must be at least ${leastMs / 1000} seconds.`, interval);
  }
};

/** That the service answers 413 to a start task over the limit: unverified; so its documents say of lists of resource files. */
const checkStartTask = (startTask: StartTask): void => {
  checkResourceFiles(startTask.resourceFiles);
  if (JSON.stringify(startTask).length > largestStartTask)
    throw new ApiError("RequestBodyTooLarge", [{ key: "PropertyName", value: "startTask" }]);
};

const checkUsers = (accounts: PoolParameter["userAccounts"]): void => {
  const repeated = firstRepeated((accounts ?? []).map(({ name }) => name));
  if (repeated !== undefined) throw invalidProperty("userAccounts", "The names of a pool's user accounts must be unique.", repeated);
  for (const { linuxUserConfiguration: linux } of accounts ?? []) {
    if (linux !== undefined && (linux.uid === undefined) !== (linux.gid === undefined)) {
      throw invalidProperty(linux.uid === undefined ? "uid" : "gid", "The uid and gid must be specified together or not at all.");
    }
  }
};

/** Two file systems may name one path: an example of the official documents does. */
const checkMounts = (mounts: PoolParameter["mountConfiguration"]): void => {
  const paths = (mounts ?? []).flatMap((mount) =>
    Object.values(mount).map((one) => (one as { relativeMountPath: string }).relativeMountPath),
  );
  const outside = paths.find((path) => !staysBelow(path));
  if (outside !== undefined)
    throw invalidProperty("relativeMountPath", "The mount path must be relative and must not leave the mounts directory.", outside);
};

const checkUpgradePolicy = ({ upgradePolicy: policy, virtualMachineConfiguration: machine }: PoolParameter): void => {
  if (
    policy?.automaticOSUpgradePolicy?.enableAutomaticOSUpgrade === true &&
    machine?.windowsConfiguration?.enableAutomaticUpdates === true
  ) {
    throw invalidProperty(
      "enableAutomaticUpdates",
      "The value cannot be true for a pool whose operating system is upgraded automatically.",
    );
  }
  const { maxBatchInstancePercent: batch, maxUnhealthyInstancePercent: unhealthy } = policy?.rollingUpgradePolicy ?? {};
  if (batch !== undefined && unhealthy !== undefined && unhealthy < batch) {
    throw invalidProperty("maxUnhealthyInstancePercent", "The value must not be less than maxBatchInstancePercent.", String(unhealthy));
  }
};
