// Whether the application packages that a pool names can be had, for everything that makes or changes pools: the check, and the guards that
// make it still true when the pool is committed. Tasks are not checked: one whose package cannot be had is accepted and fails when it is to
// run (TaskAddParameter and ApplicationPackageReference of the document; jobs-and-tasks 4.2).
import {
  type Application,
  applicationKeyOf,
  type BadPackageReference,
  type PackageReference,
  refuseBadPackages,
  resolvePackage,
} from "../domain/applications.ts";
import { getAccount } from "../store/accounts.ts";
import { checkApplications, checkPackagesActive, knownPackages, type PackageName } from "../store/applications.ts";
import type { Reader, Write } from "../store/db.ts";

type References = readonly PackageReference[] | undefined;

/** Those that mean no package that nodes can get, and the guards of those that do. */
export const lookAtPackages = async (
  read: Reader,
  accountId: number,
  references: References,
): Promise<{ bad: BadPackageReference[]; guards: Write[] }> => {
  if (references === undefined || references.length === 0) return { bad: [], guards: [] };
  const accountName = (await getAccount(read, accountId))?.name ?? "";
  const keys = references.flatMap((reference) => applicationKeyOf(reference, accountName) ?? []);
  const known = await knownPackages(read, accountId, keys);
  const bad: BadPackageReference[] = [];
  const packages = new Map<string, PackageName>();
  /** Whose default version is meant: another would be another package. */
  const applications = new Map<string, Application>();
  for (const reference of references) {
    const found = resolvePackage(reference, known, accountName);
    if ("reason" in found) {
      bad.push({ reference, reason: found.reason });
      continue;
    }
    packages.set(`${found.package.applicationKey} ${found.package.key}`, found.package);
    if (!reference.version) applications.set(found.application.key, found.application);
  }
  return { bad, guards: [...checkPackagesActive([...packages.values()]), ...checkApplications([...applications.values()])] };
};

/** Throws InvalidApplicationPackageReferences. Put what it gives into the commit that makes the pool name them. */
export const packageGuards = async (read: Reader, accountId: number, references: References): Promise<Write[]> => {
  const { bad, guards } = await lookAtPackages(read, accountId, references);
  refuseBadPackages(bad);
  return guards;
};
