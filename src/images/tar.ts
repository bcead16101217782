// A tar archive into a tree: tar-stream reads the headers, the tree writer decides where things go. Also one layer of a container image, whose
// whiteouts take away what the layers below brought.
import tar, { type Header as TarHeader } from "tar-stream";
import { ImportFailed } from "./failures.ts";
import type { FileWriter } from "./file-writer.ts";
import { bytesOf, componentsOf, printable, unsafe } from "./names.ts";
import { type Metadata, type TreeWriter, treeFailure } from "./tree-writer.ts";

/** A type of null is one that tar-stream does not know. */
type Header = Omit<TarHeader, "pax" | "type" | "linkname"> & {
  type: TarHeader["type"] | null;
  linkname: string | null;
  pax?: Record<string, string> | null;
};

const corrupt = (cause?: unknown): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", "The image is damaged or incomplete: its archive cannot be read to the end.", { cause });

const finite = (text: string | undefined, otherwise: number): number => {
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : otherwise;
};
/** Identifiers and times that no file system could keep are a hostile or damaged archive's. */
const within = (value: number, most: number): number => (value >= 0 && value <= most ? Math.floor(value) : 0);

const metadataOf = ({ mode = 0o644, uid = 0, gid = 0, mtime, pax }: Header): Metadata => ({
  mode: mode & 0o7777,
  uid: within(finite(pax?.uid, uid), 2 ** 32 - 2),
  gid: within(finite(pax?.gid, gid), 2 ** 32 - 2),
  mtimeSeconds: Math.max(0, Math.min(2 ** 34, finite(pax?.mtime, (mtime?.getTime() ?? 0) / 1000 || 0))),
});

/** Names as bytes: PAX ones were decoded as UTF-8, the others were not. */
const nameOf = ({ name, pax }: Header): string => (pax?.path ? bytesOf(pax.path) : name);
const targetOf = ({ linkname, pax }: Header): string => (pax?.linkpath ? bytesOf(pax.linkpath) : (linkname ?? ""));

const notSparse = (name: string): ImportFailed =>
  new ImportFailed(
    "ImageFormatUnknown",
    `The image's archive holds an entry of a kind that is not read here (a sparse file, perhaps): ${printable(name)}. Make it again without --sparse.`,
  );

/** A layer of a container image; the names that begin so are instructions, and never files. */
const whiteoutPrefix = ".wh.";
const opaque = ".wh..wh..opq";

const applyWhiteout = (tree: TreeWriter, name: string, written: ReadonlySet<string>): boolean => {
  const components = componentsOf(name);
  const last = components.pop() ?? "";
  if (!last.startsWith(whiteoutPrefix)) return false;
  const parent = components.join("/");
  const hidden = last.slice(whiteoutPrefix.length);
  if (last === opaque) tree.empty(parent, written);
  else if (hidden === "" || hidden === "." || hidden === "..") throw unsafe("a whiteout of a directory's own parent", name);
  else if (!hidden.startsWith(whiteoutPrefix)) tree.remove(parent, hidden); // Others are marks of old storage drivers.
  return true;
};

/** What this layer wrote, and the directories on the way there: an opaque directory keeps them. */
const remember = (written: Set<string>, path: string): void => {
  for (let at = path; at !== "" && !written.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) written.add(at);
};

/** Makes what the header tells. Gives where its bytes go, when it has any. */
const make = (tree: TreeWriter, header: Header): { path?: string; writer?: FileWriter } => {
  const [name, metadata] = [nameOf(header), metadataOf(header)];
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith("GNU.sparse."))) throw notSparse(name);
  switch (header.type) {
    case "directory":
      return { path: tree.directory(name, metadata) };
    case "file":
    case "contiguous-file":
      return tree.file(name, metadata);
    case "symlink":
      return { path: tree.symlink(name, targetOf(header), metadata) };
    case "link":
      return { path: tree.link(name, targetOf(header)) };
    case "character-device":
    case "block-device":
    case "fifo":
      tree.skip(name);
      return {};
    default:
      throw notSparse(name);
  }
};

/** tar-stream takes an archive that ends between two entries for a whole one; tar ends it with blocks of zeros. */
const endMarker = () => {
  let zeros = 0;
  return {
    see: (chunk: Buffer): void => {
      let run = 0;
      while (run < chunk.length && run < 512 && chunk[chunk.length - 1 - run] === 0) run++;
      zeros = run === chunk.length ? zeros + run : run;
    },
    isThere: (): boolean => zeros >= 512,
  };
};

/** Reads the archive to its end. `isLayer`: whiteouts are obeyed. Throws ImportFailed. */
export const extractTar = async (chunks: AsyncIterable<Buffer>, tree: TreeWriter, isLayer = false): Promise<void> => {
  const written = new Set<string>();
  const end = endMarker();
  let open: FileWriter | undefined;
  let own: unknown;
  const extract = tar.extract({ filenameEncoding: "latin1" } as object);
  const fail = (error: unknown): void => {
    own ??= error;
    extract.destroy(error as Error);
  };

  extract.on("entry", (told, stream, next) => {
    const header = told as Header;
    // It fails with the archive, which tells of it; without a listener that would be the end of the thread.
    stream.on("error", () => {});
    try {
      if (isLayer && applyWhiteout(tree, nameOf(header), written)) {
        stream.on("end", next);
        stream.resume();
        return;
      }
      const { path, writer } = make(tree, header);
      if (isLayer && path !== undefined) remember(written, path);
      if (header.type === "directory") return next(); // Has no bytes, whatever its size says.
      open = writer;
      stream.on("data", (chunk) => {
        try {
          writer?.write(chunk as Buffer);
        } catch (error) {
          fail(error);
        }
      });
      stream.on("end", () => {
        try {
          writer?.close();
          open = undefined;
          next();
        } catch (error) {
          fail(error);
        }
      });
    } catch (error) {
      fail(error);
    }
  });

  let [wake, isDone]: [() => void, boolean] = [() => {}, false];
  let failure: unknown;
  extract.on("drain", () => wake());
  extract.on("error", (error: Error) => {
    failure ??= error;
    wake();
  });
  extract.on("finish", () => {
    isDone = true;
    wake();
  });
  const awaited = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  try {
    for await (const chunk of chunks) {
      end.see(chunk);
      if (!extract.write(chunk) && failure === undefined) await awaited();
      if (failure !== undefined) break;
    }
    if (failure === undefined) {
      extract.end(undefined);
      while (!isDone && failure === undefined) await awaited();
    }
    if (failure !== undefined) throw failure;
    if (!end.isThere()) throw corrupt();
  } catch (error) {
    if (own !== undefined) throw treeFailure(own);
    throw error instanceof ImportFailed ? error : asCorrupt(error);
  } finally {
    open?.close();
    extract.destroy();
  }
};

/** tar-stream's own complaints are about the archive; system errors (reading the file) are not. */
const asCorrupt = (error: unknown): unknown => ((error as NodeJS.ErrnoException).code === undefined ? corrupt(error) : error);
