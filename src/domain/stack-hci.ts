// The resources of Microsoft.AzureStackHCI: what is kept of an image and of a storage container, their names, and what a PUT of one that is
// there may change. Pure.
import { createHash } from "node:crypto";
import { ApiError } from "../api/errors.ts";
import type { Stamp } from "../lib/clock.ts";
import { parseResourceId, sameId } from "./resource-ids.ts";

export const galleryImageType = "Microsoft.AzureStackHCI/galleryImages";
export const marketplaceImageType = "Microsoft.AzureStackHCI/marketplaceGalleryImages";
export const storageContainerType = "Microsoft.AzureStackHCI/storageContainers";
export const imageTypes = [galleryImageType, marketplaceImageType] as const;
export const stackHciTypes = [storageContainerType, ...imageTypes] as const;

/** Of the id of an image of either type; undefined for ids of anything else. Whose subscription it is in is not looked at. */
export const importedImageKey = (id: string): { type: string; resourceGroup: string; name: string } | undefined => {
  const parsed = parseResourceId(id);
  const type = parsed === undefined ? undefined : imageTypes.find((one) => sameId(one, parsed.type));
  return type === undefined ? undefined : { type, resourceGroup: parsed!.resourceGroup, name: parsed!.names[0]! };
};

export type Failure = { code: string; message: string };
export type ImageIdentifier = { publisher: string; offer: string; sku: string };

/** What is left of a finished import. */
export type FinishedImage = {
  format: string;
  /** Hex, of the source as it came. */
  sha256: string;
  downloadedBytes: number;
  rootfsBytes: number;
  osDiskSizeInMB: number;
  osRelease?: { id: string; versionId: string; prettyName: string };
};

/** What is kept of both types of images. Bytes that arrived and the percentage are saved now and then; the rest at the turns of its life. */
export type ImageProperties = {
  /** Of this attempt; the image's directory has its name. */
  uid: string;
  operationId: string;
  /** As given: a path or a URL, which may carry a signature. Gone as soon as the import has ended. Marketplace images have none. */
  imagePath?: string;
  /** Tells whether a later PUT means the same source, without keeping it. */
  sourceDigest?: string;
  osType: "Windows" | "Linux";
  containerId?: string;
  cloudInitDataSource?: string;
  hyperVGeneration?: string;
  identifier?: ImageIdentifier;
  version?: string;
  resourceName?: string;
  downloadedBytes: number;
  percentage: number;
  image?: FinishedImage;
  failure?: Failure;
};

export type ContainerProperties = { uid: string; operationId: string; path: string; resourceName?: string; failure?: Failure };

const longestName = 80;
const imageName = /^[a-z0-9]([-._a-z0-9]*[a-z0-9])?$/i;
const containerName = /^[a-z0-9]([-._a-z0-9]*[_a-z0-9])?$/i;

/** Throws the refusal of a name for something new (gallery-images section 1): the pattern, and the words that are reserved for images. */
export const checkName = (type: string, name: string): void => {
  const isContainer = type === storageContainerType;
  if (name.length > longestName || !(isContainer ? containerName : imageName).test(name)) {
    const message =
      `The resource name '${name.slice(0, 90)}' of type '${type}' is invalid. It must have 1 to ${longestName} characters: letters, digits and . _ -, ` +
      `beginning with a letter or a digit and ending with one${isContainer ? " or with _" : ""}.`;
    throw new ApiError("InvalidResourceName", [], message);
  }
  const reserved = isContainer ? undefined : /windows/i.exec(name)?.[0];
  if (reserved !== undefined) {
    const message = `The resource name '${name}' or a part of the name is a trademarked or reserved word. '${reserved}' cannot be used.`;
    throw new ApiError("ReservedResourceName", [], message);
  }
};

/** The form of the recordings: quoted by whoever sends it. Another for every change, and nothing that a client could compute with. */
export const guidEtag = (modified: Stamp): string => {
  const seconds = Math.floor(modified / 1_000_000);
  const low = (modified % 2 ** 32).toString(16).padStart(8, "0");
  return `${low}-0000-0100-0000-${(seconds % 2 ** 32).toString(16).padStart(8, "0")}0000`;
};

/** `{guid}*{64 HEX}` as recorded: opaque to clients. */
export const operationIdOf = (guid: string, resourceId: string): string =>
  `${guid}*${createHash("sha256").update(`${guid}${resourceId.toLowerCase()}`).digest("hex").toUpperCase()}`;

/** Of a URL without its query: a new signature for the same blob is the same source. */
export const sourceDigestOf = (imagePath: string): string => {
  const [place = ""] = isUrl(imagePath) ? imagePath.split(/[?#]/) : [imagePath];
  return createHash("sha256").update(place).digest("hex");
};

export const isUrl = (imagePath: string): boolean => /^https?:\/\//i.test(imagePath);

/** What a PUT says of an image; the rest is the server's. */
export type WantedImage = Pick<
  ImageProperties,
  "osType" | "imagePath" | "containerId" | "cloudInitDataSource" | "hyperVGeneration" | "identifier" | "version" | "resourceName"
>;

export const newImage = (wanted: WantedImage, { uid, operationId }: { uid: string; operationId: string }): ImageProperties => ({
  uid,
  operationId,
  ...wanted,
  ...(wanted.imagePath === undefined ? {} : { sourceDigest: sourceDigestOf(wanted.imagePath) }),
  downloadedBytes: 0,
  percentage: 0,
});

/** The first property that a PUT would change of an image whose import goes on or has succeeded. What it leaves out stays as it is. */
export const changedProperty = (kept: ImageProperties, wanted: WantedImage): string | undefined => {
  const differs = (a: unknown, b: unknown): boolean =>
    b !== undefined && JSON.stringify(a)?.toLowerCase() !== JSON.stringify(b).toLowerCase();
  if (wanted.imagePath !== undefined && sourceDigestOf(wanted.imagePath) !== kept.sourceDigest) return "imagePath";
  const { identifier: before } = kept;
  const { identifier: after } = wanted;
  if (after !== undefined && (["publisher", "offer", "sku"] as const).some((name) => differs(before?.[name], after[name])))
    return "identifier";
  return (["osType", "containerId", "cloudInitDataSource", "hyperVGeneration", "version", "resourceName"] as const).find((name) =>
    differs(kept[name], wanted[name]),
  );
};

export const isBusy = (provisioningState: string): boolean => provisioningState === "Accepted" || provisioningState === "InProgress";

/** The import has ended well: nothing of where it came from is kept. */
export const succeeded = ({ imagePath: _, failure: __, ...kept }: ImageProperties, image: FinishedImage): ImageProperties => ({
  ...kept,
  downloadedBytes: image.downloadedBytes,
  percentage: 100,
  image,
});

export const failed = ({ imagePath: _, image: __, ...kept }: ImageProperties, failure: Failure): ImageProperties => ({ ...kept, failure });

export const megabytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

/** `0001-01` and `10.2.0` in the order that versions have; text where they are none. Negative when a is older. */
export const compareImageVersions = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
