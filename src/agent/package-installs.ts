// Brings application packages to a node: downloaded once, unpacked outside of the node's root, and renamed into place when all is there, so that
// a directory below applications/ is always a whole package, whoever dies in between. Shared by all that need the package.
import { createWriteStream, lstatSync, mkdirSync, renameSync } from "node:fs";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { PackageOrder } from "../api/agent/messages.ts";
import { bounded } from "../lib/bounded.ts";
import { BlobError, downloadUrl } from "../storage/blobs.ts";
import type { AgentContext } from "./context.ts";
import type { MissingPackage } from "./failures.ts";
import { type NodeLayout, packageDirectory } from "./layout.ts";
import { isOwnPath } from "./links.ts";
import { withRetries } from "./retry.ts";
import { BadArchive, unzip, usualLimits } from "./unzip.ts";

export interface PackageInstalls {
  /** Whether all are in their place: then there is nothing to wait for. */
  areThere(orders: readonly PackageOrder[]): boolean;
  /**
   * Resolves when all were tried, with those that are not there. Rejects only when the signal was aborted; what is under way goes on then, for
   * whoever else wants it.
   */
  install(orders: readonly PackageOrder[], signal: AbortSignal): Promise<MissingPackage[]>;
  /** Ends what is under way, whoever wants it. */
  cancel(): void;
}

type Wanted = Extract<PackageOrder, { directory: string }>;

/** The control plane made the URL, so its address needs no looking at. */
const anyAddress = { storageHosts: [], allowPrivateUrls: true };
/** Of one node. Many large ones at once are no faster and need more room. */
const atOnce = 2;

export const packageInstalls = (
  context: Pick<AgentContext, "patience" | "trash" | "log" | "ids">,
  layout: Pick<NodeLayout, "root" | "state">,
): PackageInstalls => {
  const { log, trash } = context;
  const workshop = join(layout.state, "packages");
  trash.discard(workshop); // what an agent that died was working on
  const underWay = new Map<string, Promise<string | undefined>>();
  const turn = bounded(atOnce);
  let interrupt = new AbortController();

  const placeOf = ({ directory }: Wanted): string => join(layout.root, packageDirectory(directory));
  const isThere = (order: Wanted): boolean => {
    try {
      return lstatSync(placeOf(order)).isDirectory();
    } catch {
      return false; // also where a task has put a file in the place of the directory above it
    }
  };

  const download = (url: string, file: string, signal: AbortSignal): Promise<void> =>
    withRetries(context.patience, signal, async () => {
      const { bavail, bsize } = await statfs(workshop);
      const body = await downloadUrl(url, anyAddress, signal);
      const room = bavail * bsize - usualLimits.reserveBytes;
      await pipeline(body, withinRoom(room), createWriteStream(file, { mode: 0o600 }), { signal }).catch(brokenOff);
    });

  /** What a task has put in the package's place goes; a link on the way to it is not followed. */
  const putInPlace = (unpacked: string, place: string): void => {
    const applications = join(layout.root, "applications");
    mkdirSync(applications, { recursive: true, mode: 0o755 });
    if (!isOwnPath(layout.root, applications)) throw new BadArchive("A symbolic link is in the place of the directory of packages.");
    trash.discard(place);
    renameSync(unpacked, place);
  };

  const fetchAndUnpack = async (order: Wanted, url: string, signal: AbortSignal): Promise<void> => {
    const unpacked = join(workshop, context.ids.guid());
    const archive = `${unpacked}.zip`;
    mkdirSync(workshop, { recursive: true, mode: 0o700 });
    try {
      await download(url, archive, signal);
      await unzip(archive, unpacked, signal);
      signal.throwIfAborted();
      putInPlace(unpacked, placeOf(order));
    } finally {
      await rm(archive, { force: true }).catch(() => undefined);
      trash.discard(unpacked);
    }
  };

  /** Undefined when it is there, else why it is not. Rejects when everything was cancelled. */
  const work = async (order: Wanted, url: string, signal: AbortSignal): Promise<string | undefined> => {
    const { directory } = order;
    try {
      signal.throwIfAborted();
      await fetchAndUnpack(order, url, signal);
      log.info({ package: directory }, "application package installed");
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      const why = reasonOf(error);
      if (why === undefined) log.error({ err: error, package: directory }, "an application package could not be installed");
      else log.warn({ package: directory, why }, "an application package could not be installed");
      return why ?? "The package could not be installed.";
    }
  };

  const start = (order: Wanted, url: string): Promise<string | undefined> => {
    const { signal } = interrupt;
    const begun = turn(() => work(order, url, signal)).finally(() => {
      if (underWay.get(order.directory) === begun) underWay.delete(order.directory);
    });
    underWay.set(order.directory, begun);
    return begun;
  };

  const installOne = async (order: PackageOrder, signal: AbortSignal): Promise<MissingPackage[]> => {
    if ("problem" in order) return [{ order, why: order.problem }];
    const begun = underWay.get(order.directory);
    if (begun === undefined && isThere(order)) return [];
    if (begun === undefined && order.url === undefined)
      return [{ order, why: "It is not on the node any more; a reboot of the node brings it." }];
    const why = await unlessAborted(begun ?? start(order, order.url!), signal);
    return why === undefined ? [] : [{ order, why }];
  };

  return {
    areThere: (orders) => orders.every((order) => "directory" in order && isThere(order)),
    install: async (orders, signal) => (await Promise.all(orders.map((order) => installOne(order, signal)))).flat(),
    cancel: () => {
      interrupt.abort();
      interrupt = new AbortController();
      underWay.clear();
    },
  };
};

/** Who waits for what others may wait for, too, leaves without ending it. */
const unlessAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });

/** A transfer that breaks off may be tried again; what the disk refuses may not. */
const brokenOff = (cause: unknown): never => {
  const { syscall } = cause as NodeJS.ErrnoException;
  const isDisk = syscall === "open" || syscall === "write" || cause instanceof BadArchive;
  throw isDisk || cause instanceof BlobError ? cause : new BlobError("the transfer broke off", 0, { cause });
};

const withinRoom = (room: number): Transform => {
  let length = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      length += chunk.length;
      if (length > room) done(new BadArchive("There is not enough space on the disk for the package."));
      else done(null, chunk);
    },
  });
};

/** Undefined for what should not happen. "Resource download failed" is the service's own text (pools-and-nodes 2.3). */
const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof BlobError) return `Resource download failed: ${error.message}.`;
  if (error instanceof BadArchive) return error.message;
  const { code, errno } = error as NodeJS.ErrnoException;
  return typeof errno === "number" ? `The system answered ${code ?? "an error"}.` : undefined;
};
