// The packages that go with orders: what the references of a pool or of tasks mean at this moment, and where nodes get it. The default
// version is chosen here. A package that cannot be had goes along as a problem, which the node or the task then fails with.
import type { PackageOrder } from "../api/agent/messages.ts";
import { applicationKeyOf, type PackageReference, resolvePackage, revisionOf } from "../domain/applications.ts";
import type { Pool } from "../domain/pools.ts";
import type { Task } from "../domain/tasks.ts";
import { knownPackages } from "../store/applications.ts";
import type { Context } from "./context.ts";

type References = readonly PackageReference[] | undefined;

/** Absent where nothing is referred to. */
export type PackagesOf = (of: { spec: { applicationPackageReferences?: References } }) => { packages?: PackageOrder[] };

export const noPackages: PackagesOf = () => ({});

export const hasPackages = ({ spec }: Pick<Task | Pool, "spec">): boolean => (spec.applicationPackageReferences?.length ?? 0) > 0;

/**
 * One question to the store for all of them. Undefined when none refers to a package, so that the caller need not even wait: that is how it is
 * for most tasks.
 */
export const findPackages = (
  context: Pick<Context, "store" | "accountName" | "packageUrl">,
  accountId: number,
  users: readonly Pick<Task | Pool, "spec">[],
): Promise<PackagesOf> | undefined => {
  const named = users.filter(hasPackages);
  return named.length === 0 ? undefined : ordersOf(context, accountId, named);
};

const ordersOf = async (
  context: Pick<Context, "store" | "accountName" | "packageUrl">,
  accountId: number,
  users: readonly Pick<Task | Pool, "spec">[],
): Promise<PackagesOf> => {
  const accountName = await context.accountName(accountId);
  const references = users.flatMap(({ spec }) => spec.applicationPackageReferences ?? []);
  const keys = references.flatMap((reference) => applicationKeyOf(reference, accountName) ?? []);
  const known = await knownPackages(context.store, accountId, keys);
  /** A URL is signed once whatever the number of tasks. */
  const made = new Map<string, PackageOrder>();
  const orderOf = (reference: PackageReference): PackageOrder => {
    const name = `${reference.applicationId} ${reference.version ?? ""}`;
    const order = made.get(name) ?? makeOrder(reference);
    made.set(name, order);
    return order;
  };
  const makeOrder = (reference: PackageReference): PackageOrder => {
    const version = reference.version ? { version: reference.version } : {};
    const found = resolvePackage(reference, known, accountName);
    if ("reason" in found) return { applicationId: reference.applicationId.split("/").at(-1)!, ...version, problem: found.reason };
    const { application, package: its } = found;
    const named = { applicationId: application.id, ...version };
    const url = context.packageUrl(its.blob);
    if (url === undefined) return { ...named, problem: "The storage account of the package is not there any more." };
    return { ...named, directory: `${application.key}-${its.key}-${revisionOf(its)}`, url };
  };
  return ({ spec }) => {
    const wanted = spec.applicationPackageReferences;
    return wanted === undefined || wanted.length === 0 ? {} : { packages: wanted.map(orderOf) };
  };
};
