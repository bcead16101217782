// Small images for the tests of the import: archives made entry by entry, a directory to import from and one to import to.
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import tar, { type Header } from "tar-stream";
import { type ImportedImage, type ImportProgress, type ImportRequest, type ImportServices, importImage } from "../../src/images/import.ts";
import { removeTree } from "../../src/images/remove-tree.ts";
import { findImageTools } from "../../src/images/tools.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";

export type TarEntry = Partial<Omit<Header, "type">> & { name: string; type?: Header["type"] | null; content?: string | Buffer };

/** A tar archive with these entries, in order. `content` makes its size. */
export const tarOf = async (entries: readonly TarEntry[]): Promise<Buffer> => {
  const pack = tar.pack();
  const chunks: Buffer[] = [];
  pack.on("data", (chunk) => chunks.push(chunk as Buffer));
  const ended = new Promise<void>((resolve, reject) => {
    pack.on("end", () => resolve());
    pack.on("error", reject);
  });
  for (const { content = "", ...header } of entries) {
    const bytes = Buffer.from(content as string);
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error | null): void => (error ? reject(error) : resolve());
      const whole = { mtime: new Date(1_700_000_000_000), ...header } as Header;
      if ((header.type ?? "file") === "file") pack.entry({ ...whole, size: header.size ?? bytes.length }, bytes, settle);
      else pack.entry(whole, settle);
    });
  }
  pack.finalize();
  await ended;
  return Buffer.concat(chunks);
};

/** As small as a Linux system can be and still be taken for one. */
export const aSystem: readonly TarEntry[] = [
  { name: "./", type: "directory", mode: 0o755 },
  { name: "./usr/", type: "directory", mode: 0o755 },
  { name: "./usr/bin/", type: "directory", mode: 0o755 },
  { name: "./usr/bin/sh", mode: 0o755, content: "#!/bin/sh\n" },
  { name: "./bin", type: "symlink", linkname: "usr/bin" },
  { name: "./etc/", type: "directory", mode: 0o755 },
  { name: "./etc/os-release", content: 'ID=tiny\nVERSION_ID="1.2"\nPRETTY_NAME="Tiny Linux 1.2"\n' },
];

export type ImageWorld = {
  /** Images may be imported from below it. */
  allowed: string;
  /** Nothing may come from here, and nothing may go here. */
  outside: string;
  directory: string;
  progress: ImportProgress[];
  services: ImportServices;
  /** Writes the bytes below `allowed` and imports them. */
  import(bytes: Buffer, more?: Partial<ImportRequest>): Promise<ImportedImage>;
  importFrom(source: ImportRequest["source"], more?: Partial<ImportRequest>, signal?: AbortSignal): Promise<ImportedImage>;
  rootfs(path: string): string;
  /** What is in the image's own directory. */
  left(): string[];
};

export const anImageWorld = (more: Partial<ImportServices> = {}): ImageWorld => {
  const root = mkdtempSync(join(tmpdir(), "quern-images-"));
  after(() => removeTree(root));
  const [allowed, outside, directory] = [join(root, "allowed"), join(root, "outside"), join(root, "images", "one")];
  mkdirSync(allowed);
  mkdirSync(outside);
  const progress: ImportProgress[] = [];
  const services: ImportServices = {
    clock: systemClock(),
    log: silentLog,
    allowedPaths: [allowed],
    urls: { storageHosts: [], allowPrivateUrls: false },
    // Whether all of a busy file system is on its disk is not what is tested, and would take seconds each time.
    tools: { ...findImageTools(process.env.PATH ?? ""), sync: "/bin/true" },
    progress: (one) => progress.push(one),
    ...more,
  };
  const importFrom: ImageWorld["importFrom"] = (source, request = {}, signal = new AbortController().signal) =>
    importImage({ source, directory, ...request }, services, signal);
  let files = 0;
  return {
    allowed,
    outside,
    directory,
    progress,
    services,
    importFrom,
    import: (bytes, request) => {
      const path = join(allowed, `image-${files++}`);
      writeFileSync(path, bytes);
      return importFrom({ kind: "path", path }, request);
    },
    rootfs: (path) => join(directory, "rootfs", path),
    left: () => {
      try {
        return readdirSync(directory).sort();
      } catch {
        return [];
      }
    },
  };
};

/** For assert.rejects: an ImportFailed with this code, its message as said. */
export const failedWith =
  (code: string, message?: RegExp) =>
  (error: unknown): boolean => {
    const { name, code: found, message: said } = error as Error & { code?: string };
    if (name !== "ImportFailed" || found !== code || (message !== undefined && !message.test(said)))
      throw new Error(`expected ${code} ${message ?? ""}, got ${name} ${found}: ${said}`, { cause: error });
    return true;
  };
