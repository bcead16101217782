// Whether the image that a pool names is one that was imported and is still there, for everything that makes or changes pools: the check, and
// the guards that make it still true when the pool is committed. Other images do not come and go.
import { invalidProperty } from "../api/errors.ts";
import type { ImageNames } from "../domain/images.ts";
import { imageNotReady } from "../domain/pool-checks.ts";
import { importedImageKey } from "../domain/stack-hci.ts";
import type { Reader, Write } from "../store/db.ts";
import { getResource } from "../store/resources.ts";
import { finishedImagesNamed, guardSucceeded } from "../store/stack-hci.ts";

/** `bad` where the image was to be imported and is not finished, or is not there any more. */
export const lookAtImage = async (read: Reader, reference: ImageNames | undefined): Promise<{ bad: boolean; guards: Write[] }> => {
  const { virtualMachineImageId: id, publisher, offer, sku, version = "latest" } = reference ?? {};
  if (id !== undefined) {
    const key = importedImageKey(id);
    if (key === undefined) return { bad: false, guards: [] };
    const image = await getResource(read, key);
    return image?.provisioningState === "Succeeded" ? { bad: false, guards: [guardSucceeded(key)] } : { bad: true, guards: [] };
  }
  if (publisher === undefined || offer === undefined || sku === undefined) return { bad: false, guards: [] };
  return { bad: false, guards: (await finishedImagesNamed(read, { publisher, offer, sku }, version)).map(guardSucceeded) };
};

/** Throws InvalidPropertyValue. Put what it gives into the commit that makes the pool name it. */
export const imageGuards = async (read: Reader, reference: ImageNames | undefined): Promise<Write[]> => {
  const { bad, guards } = await lookAtImage(read, reference);
  if (bad) throw invalidProperty("virtualMachineImageId", imageNotReady, reference?.virtualMachineImageId);
  return guards;
};
