// The OpenAPI documents of the management plane, each with everything that it refers to in other files brought into one document: definitions
// by name, `allOf` written out. So one comparison and one validator serve both planes. Reads ../shared/specs; knows nothing of our declarations.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Document, DocumentOperation, Schema } from "../contract/openapi.ts";
import { sharedPath } from "./shared.ts";

export type ManagementDocument = {
  namespace: "Microsoft.Batch" | "Microsoft.AzureStackHCI";
  version: "2022-10-01" | "2023-11-01" | "2024-07-01" | "2024-01-01";
  document: Document;
  /** Where the paths of its examples are relative to; older documents have none. */
  folder: string;
};

const batch = (folder: string, version: ManagementDocument["version"], files: string[]) =>
  ({ namespace: "Microsoft.Batch", version, folder, files }) as const;
const sources = [
  batch("batch-management-older/2022-10-01", "2022-10-01", ["BatchManagement.json"]),
  batch("batch-management-older/2023-11-01", "2023-11-01", ["BatchManagement.json"]),
  batch("batch-management", "2024-07-01", ["BatchManagement.json", "NetworkSecurityPerimeter.json"]),
  {
    namespace: "Microsoft.AzureStackHCI",
    version: "2024-01-01",
    folder: "azurestackhci-vm",
    files: ["galleryImages.json", "storageContainers.json", "marketplaceGalleryImages.json"],
  },
] as const;

/** Oldest first. */
export const managementDocuments = (): ManagementDocument[] =>
  sources.map(({ namespace, version, folder, files }) => ({
    namespace,
    version,
    folder,
    document: merged(files.map((file) => sharedPath("specs", folder, file))),
  }));

type Kind = "definitions" | "parameters";
type Whole = Document & { swagger?: string };
type Loaded = Schema & { allOf?: Schema[] };

const merged = (files: readonly string[]): Document => {
  const read = new Map<string, Whole>();
  const load = (file: string): Whole => {
    const whole = read.get(file) ?? (JSON.parse(readFileSync(file, "utf8")) as Whole);
    read.set(file, whole);
    return whole;
  };
  const result: Document = { definitions: {}, parameters: {}, paths: {} };
  const names = new Map<string, string>();
  const taken = new Set<string>();

  /** The name in the one document of what a reference in `file` means; what it refers to is brought in. */
  const bring = (ref: string, file: string): string => {
    const [path, pointer] = ref.split("#") as [string, string];
    const target = path === "" ? file : fileOf(path, file);
    const [, kind, name] = pointer.split("/") as [string, Kind, string];
    const key = `${target}#${kind}/${name}`;
    const known = names.get(key);
    if (known !== undefined) return `#/${kind}/${known}`;
    const unique = taken.has(`${kind}/${name}`) ? `${name}@${basename(target, ".json")}` : name;
    taken.add(`${kind}/${unique}`);
    names.set(key, unique);
    (result[kind] as Record<string, unknown>)[unique] = rewritten(load(target)[kind][name], target);
    return `#/${kind}/${unique}`;
  };

  const rewritten = (value: unknown, file: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => rewritten(item, file));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, held]) => {
        if (key === "$ref" && typeof held === "string") return [key, bring(held, file)];
        return [key, key === "x-ms-examples" ? held : rewritten(held, file)];
      }),
    );
  };

  for (const file of files) Object.assign(result.paths, rewritten(load(file).paths, file));
  for (const name of Object.keys(result.definitions)) result.definitions[name] = flat(result, result.definitions[name] as Loaded);
  return result;
};

/** `<any number of ../>common-types/<rest>` is below the specs, everything else beside the file. */
const fileOf = (path: string, from: string): string => {
  const common = /(?:^|\/)common-types\/(.*)$/.exec(path)?.[1];
  return common === undefined ? join(from, "..", path) : sharedPath("specs", "common-types", common);
};

/** With the properties of what it inherits from; a property that is `allOf` one model is that model. */
const flat = (document: Document, schema: Loaded): Schema => {
  const { allOf = [], ...own } = schema;
  const parents = allOf.map((parent) => {
    const name = parent.$ref?.split("/").at(-1);
    return flat(document, (name === undefined ? parent : document.definitions[name]!) as Loaded);
  });
  const properties = Object.assign({}, ...parents.map((one) => one.properties), own.properties) as Record<string, Loaded>;
  const required = [...new Set([...parents.flatMap((one) => one.required ?? []), ...(own.required ?? [])])];
  return {
    ...own,
    ...(Object.keys(properties).length === 0 ? {} : { properties: Object.fromEntries(Object.entries(properties).map(plain)) }),
    ...(required.length === 0 ? {} : { required }),
  };
};

const plain = ([name, { allOf, ...property }]: [string, Loaded]): [string, Schema] => [
  name,
  allOf?.length === 1 ? { ...allOf[0], ...property } : property,
];

export type ManagementExample = {
  /** Of the file, without `.json`. */
  name: string;
  namespace: ManagementDocument["namespace"];
  operation: DocumentOperation;
  document: Document;
  version: string;
  method: string;
  path: string;
  parameters: Record<string, unknown>;
  /** The statuses that it documents. */
  statuses: readonly number[];
  /** The body that it shows with 200, if any. */
  shown: unknown;
};

type ExampleFile = { parameters: Record<string, unknown>; responses: Record<string, { body?: unknown }> };

/** Every example of the newest documents of both providers, in the order of the documents. */
export const managementExamples = (): ManagementExample[] =>
  managementDocuments()
    .filter(({ version }) => version.startsWith("2024"))
    .flatMap(({ namespace, version, document, folder }) =>
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).flatMap(([method, operation]) =>
          Object.values(operation["x-ms-examples"] ?? {}).map(({ $ref }) => {
            const { parameters, responses } = JSON.parse(readFileSync(sharedPath("specs", folder, $ref), "utf8")) as ExampleFile;
            const name = basename($ref, ".json");
            const statuses = Object.keys(responses).map(Number);
            const shown = responses["200"]?.body;
            return { name, namespace, operation, document, version, method: method.toUpperCase(), path, parameters, statuses, shown };
          }),
        ),
      ),
    );
