// Paths below the root of a tree that an archive makes: where a name leads, links resolved as they would be with that root as `/`, and never
// outside. What is surely a real directory is remembered, so that most names cost no look at the disk. Only right while nobody else writes there.
import { lstatSync, mkdirSync, readlinkSync, rmSync, type Stats, unlinkSync } from "node:fs";
import { ImportFailed } from "./failures.ts";
import { componentsOf, printable, unsafe } from "./names.ts";

const mostLinks = 40;

export const childOf = (parent: string, name: string): string => (parent === "" ? name : `${parent}/${name}`);
const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

export type TreePathsOptions = {
  root: string;
  /** A directory was made that no entry told of. */
  made(path: string): void;
  /** A directory is gone, with all below it. */
  gone(isGone: (path: string) => boolean): void;
};

export const treePaths = ({ root, made, gone }: TreePathsOptions) => {
  const prefix = Buffer.from(`${root}/`, "utf8");
  /** Directories that are surely no links, by their path in the image. */
  const known = new Set<string>([""]);

  /** For the system. */
  const at = (path: string): Buffer => Buffer.concat([prefix, Buffer.from(path, "latin1")]);
  const look = (path: string): Stats | undefined => lstatSync(at(path), { throwIfNoEntry: false });

  const makeDirectory = (path: string): void => {
    mkdirSync(at(path), 0o700);
    known.add(path);
    made(path);
  };

  /** A file, a link (not what it leads to) or a directory with all that is in it. Nothing happens when it does not exist. */
  const remove = (path: string): void => {
    const found = look(path);
    if (found === undefined) return;
    if (!found.isDirectory()) {
      unlinkSync(at(path));
      return;
    }
    const isGone = (other: string): boolean => other === path || other.startsWith(`${path}/`);
    if (known.has(path)) for (const other of known) if (isGone(other)) known.delete(other);
    gone(isGone);
    rmSync(at(path), { recursive: true });
  };

  /** Whether the path is a directory or was made one; false when it is not and `make` is. */
  const enter = (path: string, found: Stats | undefined, make: boolean): boolean => {
    if (found?.isDirectory()) known.add(path);
    else if (!make) return false;
    else if (found === undefined) makeDirectory(path);
    else throw new ImportFailed("ImageArchiveCorrupt", `The image holds something below ${printable(path)}, which is not a directory.`);
    return true;
  };

  /**
   * The real directory that these components lead to. Missing ones are made, or undefined is given. A climb past the root stays there, as it
   * does for a process whose root this is.
   */
  const resolve = (components: readonly string[], make: boolean): string | undefined => {
    const left = [...components];
    let path = "";
    for (let links = 0; left.length > 0; ) {
      const part = left.shift()!;
      if (part === "" || part === ".") continue;
      const next = part === ".." ? parentOf(path) : childOf(path, part);
      const found = known.has(next) ? undefined : look(next);
      if (found?.isSymbolicLink()) {
        if (++links > mostLinks) throw unsafe("symbolic links that lead in a circle", components.join("/"));
        const target = readlinkSync(at(next), "latin1");
        if (target.startsWith("/")) path = "";
        left.unshift(...target.split("/"));
        continue;
      }
      if (!known.has(next) && !enter(next, found, make)) return undefined;
      path = next;
    }
    return path;
  };

  /** Where an entry of this name goes: its parents made, links among them resolved. Undefined for the root itself. */
  const place = (name: string): string | undefined => {
    const components = componentsOf(name);
    const last = components.pop();
    return last === undefined ? undefined : childOf(resolve(components, true)!, last);
  };

  /** What is there under this name, its parents resolved, itself not. */
  const find = (name: string): { path: string; found: Stats } | undefined => {
    const components = componentsOf(name);
    const last = components.pop();
    const parent = resolve(components, false);
    if (last === undefined || parent === undefined) return undefined;
    const path = childOf(parent, last);
    const found = look(path);
    return found && { path, found };
  };

  return { at, look, isKnown: (path: string) => known.has(path), makeDirectory, enter, remove, resolve, place, find };
};
