// Refusals of the data plane's checks in the words of ARM: the property by the name that it has there, and where in the body it is. The order
// of the details is that of the service for a subnet (PropertyName, PropertyPath, PropertyValue, Reason); of other properties it is unverified.
import { ApiError } from "../../../api/errors.ts";
import type { Model, Shape } from "../../../api/fields.ts";
import { Pool } from "../../../api/management/batch/pools.ts";

/** Data plane name -> ARM's, where they differ. */
const names: Readonly<Record<string, string>> = {
  virtualMachineImageId: "id",
  nodeAgentSKUId: "nodeAgentSkuId",
  enableInterNodeCommunication: "interNodeCommunication",
  dynamicVNetAssignmentScope: "dynamicVnetAssignmentScope",
  inboundNATPools: "inboundNatPools",
  certificateReferences: "certificates",
  thumbprint: "id",
  applicationPackageReferences: "applicationPackages",
  applicationId: "id",
  username: "userName",
  autoScaleFormula: "formula",
  autoScaleEvaluationInterval: "evaluationInterval",
  enableAutoScale: "autoScale",
};

/** Under which of several properties of the same name it is looked for. */
const parents: Readonly<Record<string, string>> = {
  virtualMachineImageId: "imageReference",
  thumbprint: "certificates",
  applicationId: "applicationPackages",
};

/** Runs `work`; what it refuses of the pool in `body` names the property as `body` does. */
export const inManagementNames = <T>(body: unknown, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw renamed(error, body);
  }
};

/** The same for what is asked of the store. */
export const inManagementNamesLater = async <T>(body: unknown, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw renamed(error, body);
  }
};

const renamed = (error: unknown, body: unknown): unknown => {
  if (!(error instanceof ApiError) || error.values.some(({ key }) => key === "PropertyPath")) return error;
  const name = error.values.find(({ key }) => key === "PropertyName")?.value;
  if (name === undefined) return error;
  const value = error.values.find(({ key }) => key === "PropertyValue")?.value;
  const ours = names[name] ?? name;
  const path = name === "id" ? "name" : pathOf(body, { name: ours, parent: parents[name], value });
  const values = error.values.flatMap((one) => {
    if (one.key !== "PropertyName") return [one];
    const renamedTo = { key: one.key, value: name === "id" ? "name" : ours };
    return path === undefined ? [renamedTo] : [renamedTo, { key: "PropertyPath", value: path }];
  });
  return new ApiError(error.code, values, error.message, error.status);
};

type Wanted = { name: string; parent: string | undefined; value: string | undefined };

/** Where the body has it, best with that value; else where it would be. */
const pathOf = (body: unknown, wanted: Wanted): string | undefined => {
  const found = placesIn(body, [], wanted.name).filter(({ path }) => wanted.parent === undefined || path.includes(`${wanted.parent}`));
  const same = found.find(({ value }) => wanted.value !== undefined && String(value).toLowerCase() === wanted.value.toLowerCase());
  const path = (same ?? found[0])?.path ?? declaredPath(Pool, wanted);
  return path?.join(".");
};

const placesIn = (value: unknown, path: readonly string[], name: string): { path: string[]; value: unknown }[] => {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, held]) => {
    const here = Array.isArray(value) ? path : [...path, key];
    const below = placesIn(held, here, name);
    return !Array.isArray(value) && key === name ? [{ path: [...here], value: held }, ...below] : below;
  });
};

/** The first property of that name in the declaration, nearest to the top. */
const declaredPath = (model: Model, { name, parent }: Wanted): string[] | undefined => {
  const open: { model: Model; path: string[] }[] = [{ model, path: [] }];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    for (const [key, { shape }] of Object.entries(next.model.fields)) {
      const path = [...next.path, key];
      if (key === name && path[0] === "properties" && (parent === undefined || next.path.includes(parent))) return path;
      const below = modelIn(shape);
      if (below !== undefined) open.push({ model: below, path });
    }
  }
  return undefined;
};

const modelIn = (shape: Shape): Model | undefined => {
  if (shape.kind === "object") return shape.model();
  return shape.kind === "array" ? modelIn(shape.item) : undefined;
};
