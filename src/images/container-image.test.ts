// Container images as archives, made here: the OCI layout and what docker save writes, and what is refused of them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { anImageWorld, aSystem, failedWith, type TarEntry, tarOf } from "../../tests/support/images.ts";

const arch = { x64: "amd64", ia32: "386" }[process.arch as string] ?? process.arch;
const hex = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const lower = await tarOf([...aSystem, { name: "gone", content: "1" }, { name: "dir/lower", content: "1" }]);
const upper = await tarOf([
  { name: ".wh.gone", content: "" },
  { name: "dir/.wh..wh..opq", content: "" },
  { name: "dir/upper", content: "2" },
  { name: "sh-too", type: "link", linkname: "usr/bin/sh" },
]);

type Blob = { digest: string; bytes: Buffer };
const blob = (bytes: Buffer): Blob => ({ digest: `sha256:${hex(bytes)}`, bytes });
const describe = ({ digest, bytes }: Blob, more: object = {}) => ({
  mediaType: "application/octet-stream",
  digest,
  size: bytes.length,
  ...more,
});

type Layout = {
  layers?: Buffer[];
  platform?: object;
  config?: object;
  nested?: boolean;
  without?: number;
  damaged?: number;
  others?: TarEntry[];
};
const ociArchive = async (options: Layout = {}): Promise<Buffer> => {
  const { layers = [gzipSync(lower), zstdCompressSync(upper)], config = { os: "linux", architecture: arch }, others = [] } = options;
  const blobs = [blob(json(config)), ...layers.map(blob)];
  const manifest = blob(json({ schemaVersion: 2, config: describe(blobs[0]!), layers: blobs.slice(1).map((one) => describe(one)) }));
  const foreign = blob(json({ schemaVersion: 2, layers: [] }));
  const entry = describe(manifest, { platform: options.platform ?? { os: "linux", architecture: arch } });
  const unknown = describe(foreign, { platform: { os: "unknown", architecture: "unknown" } });
  const inner = blob(json({ schemaVersion: 2, manifests: [unknown, entry] }));
  const index = options.nested ? { manifests: [describe(inner)] } : { manifests: [unknown, entry] };
  const files = [...blobs, manifest, foreign, inner];
  if (options.damaged !== undefined)
    files[options.damaged] = { ...files[options.damaged]!, bytes: Buffer.concat([files[options.damaged]!.bytes, Buffer.from(" ")]) };
  if (options.without !== undefined) files.splice(options.without, 1);
  return tarOf([
    { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: "index.json", content: json(index) },
    ...files.map(({ digest, bytes }) => ({ name: `blobs/${digest.replace(":", "/")}`, content: bytes })),
    ...others,
  ]);
};

const isApplied = (world: ReturnType<typeof anImageWorld>): void => {
  assert.equal(existsSync(world.rootfs("gone")), false);
  assert.equal(existsSync(world.rootfs("dir/lower")), false);
  assert.equal(readFileSync(world.rootfs("dir/upper"), "utf8"), "2");
  assert.equal(readFileSync(world.rootfs("sh-too"), "utf8"), "#!/bin/sh\n");
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
};

test("an OCI archive: the manifest for this machine, its layers in order, whiteouts", async () => {
  for (const bytes of [await ociArchive(), gzipSync(await ociArchive()), await ociArchive({ nested: true })]) {
    const world = anImageWorld();
    const image = await world.import(bytes);
    assert.deepEqual([image.format, image.sha256, image.osRelease?.id], ["oci", hex(bytes), "tiny"]);
    isApplied(world);
  }
});

test("what docker save writes, with layers that are links as older ones have", async () => {
  const config = (ids: Buffer[]) => json({ os: "linux", architecture: arch, rootfs: { diff_ids: ids.map((one) => `sha256:${hex(one)}`) } });
  const save = (ids: Buffer[], images = 1) =>
    tarOf([
      { name: "manifest.json", content: json(Array(images).fill({ Config: "c.json", Layers: ["1/layer.tar", "2/layer.tar"] })) },
      { name: "c.json", content: config(ids) },
      { name: "x/layer.tar", content: lower },
      { name: "1/layer.tar", type: "symlink", linkname: "../x/layer.tar" },
      { name: "2/layer.tar", content: upper },
    ]);
  const world = anImageWorld();
  assert.equal((await world.import(await save([lower, upper]))).format, "oci");
  isApplied(world);
  await assert.rejects(anImageWorld().import(await save([lower, lower])), failedWith("ImageArchiveCorrupt", /digest/));
  await assert.rejects(anImageWorld().import(await save([lower])), failedWith("ImageArchiveCorrupt", /other layers/));
  await assert.rejects(anImageWorld().import(await save([lower, upper], 2)), failedWith("ImageArchiveCorrupt", /several images/));
});

test("a damaged or missing blob ends the import before anything of it is used", async () => {
  for (const which of [0, 1, 2, 3]) {
    const world = anImageWorld();
    await assert.rejects(world.import(await ociArchive({ damaged: which })), failedWith("ImageArchiveCorrupt", /digest/));
    assert.deepEqual(world.left(), []);
    await assert.rejects(anImageWorld().import(await ociArchive({ without: which })), failedWith("ImageArchiveCorrupt"));
  }
  await assert.rejects(anImageWorld().import(await ociArchive({ layers: [lower.subarray(0, 3000)] })), failedWith("ImageArchiveCorrupt"));
  await assert.rejects(
    anImageWorld().import(await ociArchive({ layers: [Buffer.from("text")] })),
    failedWith("ImageArchiveCorrupt", /not an archive/),
  );
});

test("an image for another system is told so", async () => {
  for (const options of [
    { platform: { os: "windows", architecture: arch } },
    { platform: { os: "linux", architecture: "s390x" } },
    { config: { os: "windows", architecture: arch } },
    { config: { os: "linux", architecture: "s390x" } },
    { layers: [] },
  ])
    await assert.rejects(anImageWorld().import(await ociArchive(options)), failedWith("ImageNotLinuxRootfs"));
});

test("documents that make no sense are corrupt, never a mistake of ours", async () => {
  const index = (content: string | Buffer): Promise<Buffer> =>
    tarOf([
      { name: "oci-layout", content: "{}" },
      { name: "index.json", content },
    ]);
  for (const content of [
    "nonsense",
    json({ manifests: [{ platform: { os: "linux", architecture: arch } }] }),
    json({ manifests: [{ digest: "sha256:../../../etc/passwd" }] }),
    json({ manifests: [{ digest: `sha512:${"0".repeat(128)}` }] }),
    Buffer.alloc(5_000_000, "["),
  ])
    await assert.rejects(anImageWorld().import(await index(content)), failedWith("ImageArchiveCorrupt"));
  for (const content of ["null", "[]", "{}", json({ manifests: 5 })])
    await assert.rejects(anImageWorld().import(await index(content)), failedWith("ImageNotLinuxRootfs"));
});

test("links in the archive lead to nothing of the server", async () => {
  const world = anImageWorld();
  const layer = join(world.outside, "layer.tar");
  writeFileSync(layer, lower);
  const bytes = await tarOf([
    { name: "manifest.json", content: json([{ Config: "c.json", Layers: ["layer.tar"] }]) },
    { name: "c.json", content: json({ os: "linux", rootfs: { diff_ids: [`sha256:${hex(lower)}`] } }) },
    { name: "layer.tar", type: "symlink", linkname: layer },
  ]);
  await assert.rejects(world.import(bytes), failedWith("ImageArchiveCorrupt", /layer\.tar is not in it/));
});
