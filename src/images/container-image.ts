// An archive that holds a container image: the OCI image layout (oci-layout, index.json, blobs) or what `docker save` writes (manifest.json).
// Every blob is checked by its digest before a byte of it is used. The layers are applied in order, whiteouts and all.
import { createHash } from "node:crypto";
import { closeSync, existsSync, lstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { decompress } from "./decompress.ts";
import { detectFile } from "./detect.ts";
import { ImportFailed } from "./failures.ts";
import { printable } from "./names.ts";
import { readWithin, resolveWithin } from "./rootfs.ts";
import { extractTar } from "./tar.ts";
import type { TreeWriter } from "./tree-writer.ts";

type Descriptor = { mediaType?: string; digest: string; size?: number; platform?: { os?: string; architecture?: string } };
type Layer = { path: string; digest?: string; diffId?: string };

const longestDocument = 4 * 2 ** 20;
/** An index may name an index. */
const deepest = 3;

const corrupt = (what: string, cause?: unknown): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", `The container image is damaged or incomplete: ${what}.`, { cause });

/** Whether an unpacked archive holds a container image rather than a system. */
export const isContainerImage = (directory: string): boolean => {
  const has = (name: string): boolean => lstatSync(join(directory, name), { throwIfNoEntry: false })?.isFile() ?? false;
  if (existsSync(join(directory, "usr")) || existsSync(join(directory, "bin"))) return false;
  return (has("oci-layout") && has("index.json")) || has("manifest.json");
};

const readJson = (root: string, path: string): unknown => {
  const bytes = readWithin(root, path, longestDocument + 1);
  if (bytes === undefined || bytes.length > longestDocument) throw corrupt(`${printable(path)} is missing or too long`);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw corrupt(`${printable(path)} is not JSON`, error);
  }
};

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const asDescriptor = (value: unknown): Descriptor => {
  const { digest, mediaType, platform } = asObject(value);
  if (typeof digest !== "string") throw corrupt("it names a blob without a digest");
  return { digest, ...(typeof mediaType === "string" && { mediaType }), ...(platform !== undefined && { platform: asObject(platform) }) };
};

const blobPath = (digest: string): string => {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match === null) throw corrupt("a blob's digest is not a sha256");
  return `blobs/sha256/${match[1]}`;
};

/** Where the archive keeps a file, links within it resolved. */
const fileWithin = (root: string, path: string): string => {
  const at = resolveWithin(root, path);
  const file = at === undefined ? undefined : join(root, at);
  if (file === undefined || !statSync(file).isFile()) throw corrupt(`${printable(path)} is not in it`);
  return file;
};

const sha256Of = (file: string): string => {
  const [hash, buffer] = [createHash("sha256"), Buffer.allocUnsafe(2 ** 20)];
  const fd = openSync(file, "r");
  try {
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
};

const checkBlob = (root: string, digest: string): void => {
  if (`sha256:${sha256Of(fileWithin(root, blobPath(digest)))}` !== digest) throw corrupt("a blob does not have its digest");
};

const readBlob = (root: string, digest: string): Record<string, unknown> => {
  checkBlob(root, digest);
  return asObject(readJson(root, blobPath(digest)));
};

/** As images name processors. */
const architectureOf = (arch: string): string => ({ x64: "amd64", ia32: "386", ppc64: "ppc64le" })[arch] ?? arch;

const notForUs = (what: string): ImportFailed =>
  new ImportFailed("ImageNotLinuxRootfs", `The container image is not one for this machine: ${what}.`);

const chooseManifest = (root: string, index: Record<string, unknown>, arch: string, depth = 0): Record<string, unknown> => {
  const all = asList(index.manifests).map(asDescriptor);
  const suits = ({ platform }: Descriptor): boolean => platform?.os === "linux" && platform.architecture === architectureOf(arch);
  const chosen = all.find(suits) ?? (all.length === 1 && all[0]!.platform === undefined ? all[0] : undefined);
  if (chosen === undefined) throw notForUs(`it has nothing for linux/${architectureOf(arch)}`);
  const document = readBlob(root, chosen.digest);
  if (document.manifests === undefined) return document;
  if (depth === deepest) throw corrupt("its indexes name each other");
  return chooseManifest(root, document, arch, depth + 1);
};

const checkConfig = (config: Record<string, unknown>, arch: string): void => {
  if (config.os !== undefined && config.os !== "linux") throw notForUs(`it is for ${printable(String(config.os))}`);
  if (config.architecture !== undefined && config.architecture !== architectureOf(arch))
    throw notForUs(`it is for ${printable(String(config.architecture))}`);
};

const layersOfLayout = (root: string, arch: string): Layer[] => {
  const manifest = chooseManifest(root, asObject(readJson(root, "index.json")), arch);
  checkConfig(readBlob(root, asDescriptor(manifest.config).digest), arch);
  return asList(manifest.layers)
    .map(asDescriptor)
    .map(({ digest }) => ({ path: blobPath(digest), digest }));
};

const layersOfDockerSave = (root: string, arch: string): Layer[] => {
  const images = asList(readJson(root, "manifest.json"));
  if (images.length !== 1) throw corrupt(images.length === 0 ? "it holds no image" : "it holds several images; save one");
  const { Config: configPath, Layers: layers } = asObject(images[0]);
  if (typeof configPath !== "string") throw corrupt("its manifest.json names no configuration");
  const config = asObject(readJson(root, configPath));
  checkConfig(config, arch);
  const diffIds = asList(asObject(config.rootfs).diff_ids);
  const paths = asList(layers);
  if (diffIds.length !== paths.length) throw corrupt("its configuration tells of other layers than it has");
  return paths.map((path, index) => ({ path: String(path), diffId: String(diffIds[index]) }));
};

async function* hashed(chunks: AsyncIterable<Buffer>, expected: string | undefined): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    if (expected !== undefined) hash.update(chunk);
    yield chunk;
  }
  if (expected !== undefined && `sha256:${hash.digest("hex")}` !== expected) throw corrupt("a layer does not have its digest");
}

/** Applies the layers of the image that an archive was unpacked to. `told` gets the fraction that is done. */
export const applyContainerImage = async (
  root: string,
  tree: TreeWriter,
  { arch, xz, told }: { arch: string; xz?: string; told(fraction: number): void },
): Promise<void> => {
  const isLayout = existsSync(join(root, "oci-layout")) && existsSync(join(root, "index.json"));
  const layers = isLayout ? layersOfLayout(root, arch) : layersOfDockerSave(root, arch);
  if (layers.length === 0) throw notForUs("it has no layers");
  const files = layers.map(({ path }) => fileWithin(root, path));
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  let before = 0;
  for (const [index, layer] of layers.entries()) {
    const file = files[index]!;
    if (layer.digest !== undefined) checkBlob(root, layer.digest);
    const content = detectFile(file);
    if (content.kind !== "compressed" && content.kind !== "tar") throw corrupt("a layer is not an archive");
    const by = content.kind === "compressed" ? content.by : undefined;
    const chunks = decompress(file, by, { ...(xz !== undefined && { xz }), read: (bytes) => told((before + bytes) / total) });
    await extractTar(hashed(chunks, layer.diffId), tree, true);
    before += statSync(file).size;
  }
};
