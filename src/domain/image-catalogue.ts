// The data behind `supportedimages`: the machine's own system, and the well-known Azure images by name. It runs nothing:
// what stands behind an image is only said here (domain/images.ts).
import type { ImageNames, ImportedImage, LiveImageCatalogue, SupportedImage } from "./images.ts";
import { compareImageVersions } from "./stack-hci.ts";

/** What /etc/os-release says of the machine. */
export type HostRelease = { id: string; versionId: string; prettyName?: string };

type Line = readonly [publisher: string, offer: string, sku: string, nodeAgentSKUId: string, capabilities?: string];

const gen2 = "Generation2VMImage";
const docker = "DockerCompatible";

/** Images that Azure Batch has listed over the years and that clients' programs and samples name. */
const linuxImages: readonly Line[] = [
  ["almalinux", "almalinux-x86_64", "8-gen1", "batch.node.el 8"],
  ["almalinux", "almalinux-x86_64", "8-gen2", "batch.node.el 8", gen2],
  ["almalinux", "almalinux-x86_64", "9-gen1", "batch.node.el 9"],
  ["almalinux", "almalinux-x86_64", "9-gen2", "batch.node.el 9", gen2],
  ["almalinux", "8-gen1", "8-gen1", "batch.node.el 8"],
  ["batch", "rendering-centos73", "rendering", "batch.node.centos 7"],
  ["canonical", "0001-com-ubuntu-server-focal", "20_04-lts", "batch.node.ubuntu 20.04"],
  ["canonical", "0001-com-ubuntu-server-focal", "20_04-lts-gen2", "batch.node.ubuntu 20.04", gen2],
  ["canonical", "0001-com-ubuntu-server-jammy", "22_04-lts", "batch.node.ubuntu 22.04"],
  ["canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "batch.node.ubuntu 22.04", gen2],
  ["canonical", "ubuntu-24_04-lts", "server", "batch.node.ubuntu 24.04", gen2],
  ["canonical", "ubuntu-24_04-lts", "server-gen1", "batch.node.ubuntu 24.04"],
  ["canonical", "ubuntuserver", "14.04.5-lts", "batch.node.ubuntu 14.04"],
  ["canonical", "ubuntuserver", "16.04-lts", "batch.node.ubuntu 16.04"],
  ["canonical", "ubuntuserver", "16.04.0-lts", "batch.node.ubuntu 16.04"],
  ["canonical", "ubuntuserver", "16_04-lts-gen2", "batch.node.ubuntu 16.04", gen2],
  ["canonical", "ubuntuserver", "18.04-lts", "batch.node.ubuntu 18.04"],
  ["canonical", "ubuntuserver", "18_04-lts-gen2", "batch.node.ubuntu 18.04", gen2],
  ["credativ", "debian", "8", "batch.node.debian 8"],
  ["credativ", "debian", "9", "batch.node.debian 9"],
  ["debian", "debian-10", "10", "batch.node.debian 10"],
  ["debian", "debian-11", "11", "batch.node.debian 11"],
  ["debian", "debian-11", "11-gen2", "batch.node.debian 11", gen2],
  ["debian", "debian-12", "12", "batch.node.debian 12"],
  ["debian", "debian-12", "12-gen2", "batch.node.debian 12", gen2],
  ["microsoft-azure-batch", "centos-container", "7-7", "batch.node.centos 7", docker],
  ["microsoft-azure-batch", "centos-container-rdma", "7-7", "batch.node.centos 7", docker],
  ["microsoft-azure-batch", "ubuntu-server-container", "16-04-lts", "batch.node.ubuntu 16.04", docker],
  ["microsoft-azure-batch", "ubuntu-server-container", "20-04-lts", "batch.node.ubuntu 20.04", docker],
  ["microsoft-azure-batch", "ubuntu-server-container-rdma", "20-04-lts", "batch.node.ubuntu 20.04", docker],
  ["microsoft-dsvm", "ubuntu-1804", "1804", "batch.node.ubuntu 18.04", docker],
  ["microsoft-dsvm", "ubuntu-2004", "2004-gen2", "batch.node.ubuntu 20.04", `${docker} ${gen2}`],
  ["microsoft-dsvm", "ubuntu-hpc", "2004", "batch.node.ubuntu 20.04", docker],
  ["microsoft-dsvm", "ubuntu-hpc", "2204", "batch.node.ubuntu 22.04", `${docker} ${gen2}`],
  ["openlogic", "centos", "7.4", "batch.node.centos 7"],
  ["openlogic", "centos", "7.5", "batch.node.centos 7"],
  ["openlogic", "centos", "7.6", "batch.node.centos 7"],
  ["openlogic", "centos", "7.7", "batch.node.centos 7"],
  ["openlogic", "centos", "7_8", "batch.node.centos 7"],
  ["openlogic", "centos", "8_2", "batch.node.centos 8"],
  ["openlogic", "centos-hpc", "7.7", "batch.node.centos 7"],
  ["openlogic", "centos-hpc", "8_1", "batch.node.centos 8"],
  ["oracle", "oracle-linux", "7.6", "batch.node.centos 7"],
  ["oracle", "oracle-linux", "78", "batch.node.centos 7"],
  ["oracle", "oracle-linux", "81", "batch.node.centos 8"],
  ["resf", "rockylinux-x86_64", "8-base", "batch.node.el 8", gen2],
  ["resf", "rockylinux-x86_64", "9-base", "batch.node.el 9", gen2],
];

const windows = "batch.node.windows amd64";
const windowsImages: readonly Line[] = [
  ["batch", "rendering-windows2016", "rendering", windows],
  ["microsoft-dsvm", "dsvm-windows", "server-2019", windows],
  ...[
    "2012-datacenter",
    "2012-datacenter-smalldisk",
    "2012-r2-datacenter",
    "2012-r2-datacenter-smalldisk",
    "2016-datacenter",
    "2016-datacenter-smalldisk",
    "2016-datacenter-with-containers",
    "2019-datacenter",
    "2019-datacenter-core",
    "2019-datacenter-core-smalldisk",
    "2019-datacenter-smalldisk",
    "2019-datacenter-with-containers",
    "2019-datacenter-with-containers-smalldisk",
    "2022-datacenter",
    "2022-datacenter-azure-edition",
    "2022-datacenter-core",
    "2022-datacenter-smalldisk",
    "2025-datacenter",
  ].map((sku): Line => ["microsoftwindowsserver", "windowsserver", sku, windows, sku.includes("containers") ? docker : undefined]),
];

/** Reads the lines `NAME=value` of an os-release file; a machine without one is called by the kernel's name. */
export const parseOsRelease = (text: string): HostRelease => {
  const values = new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
      return match === null ? [] : [[match[1]!, match[2]!.replace(/^(["'])(.*)\1$/, "$2")]];
    }),
  );
  const prettyName = values.get("PRETTY_NAME");
  return {
    id: values.get("ID") || "linux",
    versionId: values.get("VERSION_ID") || "1",
    ...(prettyName === undefined ? {} : { prettyName }),
  };
};

const enterpriseLinux = new Set(["almalinux", "rocky", "rhel", "centos", "ol"]);
const ubuntuNames: Readonly<Record<string, readonly [offer: string, sku: string]>> = {
  "20.04": ["0001-com-ubuntu-server-focal", "20_04-lts"],
  "22.04": ["0001-com-ubuntu-server-jammy", "22_04-lts"],
  "24.04": ["ubuntu-24_04-lts", "server"],
};

/** The name under which the machine's own system is an image: Azure's where Azure has that system, else made of its id and version. */
const hostLine = ({ id, versionId }: HostRelease): Line => {
  const major = versionId.split(".")[0]!;
  if (id === "debian") return ["debian", `debian-${major}`, major, `batch.node.debian ${major}`];
  if (id === "ubuntu")
    return ["canonical", ...(ubuntuNames[versionId] ?? (["ubuntuserver", `${versionId}-lts`] as const)), `batch.node.ubuntu ${versionId}`];
  if (id === "almalinux") return ["almalinux", "almalinux-x86_64", `${major}-gen1`, `batch.node.el ${major}`];
  if (id === "rocky") return ["resf", "rockylinux-x86_64", `${major}-base`, `batch.node.el ${major}`];
  if (enterpriseLinux.has(id)) return [id, id, versionId, `batch.node.el ${major}`];
  return [id, id, versionId, `batch.node.${id} ${versionId}`];
};

const nameOf = (line: readonly [string, string, string, ...unknown[]]): string => line.slice(0, 3).join("\n").toLowerCase();

const imageOf = (line: Line, image: Pick<SupportedImage, "osType" | "verificationType" | "backing" | "exactVersion">): SupportedImage => ({
  nodeAgentSKUId: line[3],
  imageReference: { publisher: line[0], offer: line[1], sku: line[2], version: "latest" },
  capabilities: line[4]?.split(" ") ?? [],
  ...image,
});

const nameOfReference = ({ publisher, offer, sku }: ImageNames): string | undefined =>
  publisher === undefined || offer === undefined || sku === undefined ? undefined : nameOf([publisher, offer, sku]);

/**
 * By its names where they are its own, else by its id. A Linux system is what it says, it was looked at; that a Windows image is one is only
 * said, and it can be kept here but not run.
 */
const importedEntry = (image: ImportedImage, isNamed: boolean): SupportedImage => {
  const isLinux = image.osType === "Linux";
  return {
    nodeAgentSKUId: isLinux ? hostLine(image.osRelease ?? { id: "linux", versionId: "1" })[3] : windows,
    imageReference:
      isNamed && image.identifier !== undefined
        ? { ...image.identifier, version: image.version ?? "latest" }
        : { virtualMachineImageId: image.resourceId },
    osType: isLinux ? "linux" : "windows",
    verificationType: isLinux ? "verified" : "unverified",
    capabilities: image.hyperVGeneration === "V2" ? [gen2] : [],
    backing: isLinux ? "rootfs" : "none",
    exactVersion: image.version ?? "1.0.0",
    resourceId: image.resourceId,
  };
};

type Imported = { all: SupportedImage[]; byId: Map<string, SupportedImage>; byName: Map<string, SupportedImage[]> };

/** Only an image of the marketplace takes the place of a well-known one; a gallery image of such a name is known by its id. */
const importedEntries = (images: readonly ImportedImage[], isWellKnown: (name: string) => boolean): Imported => {
  const imported: Imported = { all: [], byId: new Map(), byName: new Map() };
  for (const image of images) {
    const name = image.identifier === undefined ? undefined : nameOfReference(image.identifier);
    const entry = importedEntry(image, name !== undefined && (image.isMarketplace || !isWellKnown(name)));
    imported.all.push(entry);
    imported.byId.set(image.resourceId.toLowerCase(), entry);
    if (name !== undefined && entry.imageReference.publisher !== undefined)
      imported.byName.set(name, [...(imported.byName.get(name) ?? []), entry]);
  }
  for (const versions of imported.byName.values()) versions.sort((a, b) => compareImageVersions(b.exactVersion, a.exactVersion));
  return imported;
};

/** The newest for `latest`; another version than those that were imported is none of them. */
const ofVersion = (versions: readonly SupportedImage[] | undefined, version = "latest"): SupportedImage | undefined =>
  version.toLowerCase() === "latest"
    ? versions?.[0]
    : versions?.find((image) => image.exactVersion.toLowerCase() === version.toLowerCase());

/**
 * The host's own system is `verified`. With `strictImages` it is the only Linux image; otherwise the well-known ones are listed
 * as `unverified` and backed by the host too, so that unmodified programs find theirs. Windows images are listed and never run.
 * What is imported while the server runs comes to them.
 */
export const makeImageCatalogue = ({
  hostRelease,
  strictImages,
}: {
  hostRelease: HostRelease;
  strictImages: boolean;
}): LiveImageCatalogue => {
  const exactVersion = /^[0-9.]+$/.test(hostRelease.versionId)
    ? [...hostRelease.versionId.split("."), "0", "0"].slice(0, 3).join(".")
    : "1.0.0";
  const host = hostLine(hostRelease);
  const images = [
    imageOf(host, { osType: "linux", verificationType: "verified", backing: "host", exactVersion }),
    ...linuxImages
      .filter((line) => !strictImages && nameOf(line) !== nameOf(host))
      .map((line) => imageOf(line, { osType: "linux", verificationType: "unverified", backing: "host", exactVersion })),
    ...windowsImages.map((line) =>
      imageOf(line, { osType: "windows", verificationType: "unverified", backing: "none", exactVersion: "1.0.0" }),
    ),
  ];
  const nameOfImage = (image: SupportedImage): string => nameOfReference(image.imageReference)!;
  const byName = new Map(images.map((image) => [nameOfImage(image), image]));
  let imported: Imported = { all: [], byId: new Map(), byName: new Map() };
  let all: readonly SupportedImage[] = images;
  return {
    all: () => all,
    find: (reference) => {
      if (reference.virtualMachineImageId !== undefined) return imported.byId.get(reference.virtualMachineImageId.toLowerCase());
      const name = nameOfReference(reference);
      return name === undefined ? undefined : (ofVersion(imported.byName.get(name), reference.version) ?? byName.get(name));
    },
    setImported: (finished) => {
      imported = importedEntries(finished, (name) => byName.has(name));
      all = [...images.filter((image) => !imported.byName.has(nameOfImage(image))), ...imported.all];
    },
  };
};
