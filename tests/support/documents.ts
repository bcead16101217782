// The OpenAPI document of every api-version: the official one where ../shared/specs has it whole, otherwise the nearest older one with
// the table of changes applied. 2025-06-01 is the TypeSpec document less what specs/README.md says is gone, and with what it says is new.
// Knows nothing of our declarations: these are what they are held against.
import { existsSync, readFileSync } from "node:fs";
import { baseline, compareVersions, type Version, versions } from "../../src/api/versions.ts";
import { type Change, readChanges } from "../contract/changes.ts";
import { type Document, operationsOf, type Schema } from "../contract/openapi.ts";
import { sharedPath } from "./shared.ts";

const read = (...parts: string[]): Document =>
  JSON.parse(readFileSync(sharedPath("specs", ...parts, "BatchService.json"), "utf8")) as Document;
const older = (version: Version): string => sharedPath("specs", "batch-data-plane-older", version);
const isWhole = (version: Version): boolean => version === baseline || existsSync(older(version));
const whole = (version: Version): Document => (version === baseline ? read("batch-data-plane") : read("batch-data-plane-older", version));

const looked = new Map<Version, Document>();
/** The same, for looking only. */
const wholeOnce = (version: Version): Document => {
  const document = looked.get(version) ?? whole(version);
  looked.set(version, document);
  return document;
};

const known = new Map<Version, Document>();

export const documentOf = (version: Version): Document => {
  const document = known.get(version) ?? makeDocument(version);
  known.set(version, document);
  return document;
};

const makeDocument = (version: Version): Document => {
  if (version === "2025-06-01") return newestDocument();
  if (isWhole(version)) return whole(version);
  const nearest = versions.findLast((one) => isWhole(one) && compareVersions(one, version) < 0);
  // The first version has no older one: what came with the second is taken out of that.
  if (nearest === undefined) return withoutFirstStep();
  const document = whole(nearest);
  for (const { to, changes } of readChanges()) {
    if (compareVersions(to, nearest) > 0 && compareVersions(to, version) <= 0) for (const change of changes) apply(document, change);
  }
  takeNewOperations(document, version);
  return document;
};

/** `integer:int32`, `string[]`, `PoolSpecification[]`, `boolean`, or the name of a model. */
const schemaOf = (type: string): Schema => {
  if (type.endsWith("[]")) return { type: "array", items: schemaOf(type.slice(0, -2)) };
  const [kind, format] = type.split(":") as [string, string | undefined];
  if (!["string", "integer", "number", "boolean", "object"].includes(kind)) return { $ref: `#/definitions/${kind}` };
  return format === undefined ? { type: kind } : { type: kind, format };
};

const definition = (document: Document, name: string): Schema => {
  document.definitions[name] ??= {};
  return document.definitions[name];
};

const propertiesOf = (document: Document, name: string): Record<string, Schema> => {
  const of = definition(document, name);
  of.properties ??= {};
  return of.properties;
};

/** Properties of new models have no type in the table: any value will do. */
const anything = (): Schema => ({});

/** The table tells new lists of values like new models; every one of them is in some whole document. */
const isValueList = (name: string): boolean => versions.some((one) => isWhole(one) && wholeOnce(one).definitions[name]?.enum !== undefined);

const apply = (document: Document, change: Change): void => {
  switch (change.kind) {
    case "+def":
      document.definitions[change.model] = isValueList(change.model)
        ? { type: "string", enum: change.properties }
        : { properties: Object.fromEntries(change.properties.map((name) => [name, anything()])) };
      return;
    case "-def":
      // Kept: something that the table does not tell of may still refer to it.
      return;
    case "+prop":
      propertiesOf(document, change.model)[change.property] = schemaOf(change.type);
      return;
    case "-prop":
      delete definition(document, change.model).properties?.[change.property];
      return;
    case "~prop":
      propertiesOf(document, change.model)[change.of] = schemaOf(change.type);
      return;
    case "~enum": {
      const changed =
        change.of === undefined ? definition(document, change.model) : definition(document, change.model).properties?.[change.of];
      if (changed !== undefined && change.values.length > 0) changed.enum = change.values;
      return;
    }
    case "~req": {
      const before = definition(document, change.model).required ?? [];
      definition(document, change.model).required = [...before.filter((name) => !change.optional.includes(name)), ...change.required];
      return;
    }
    case "-op":
      delete document.paths[change.path]?.[change.method.toLowerCase()];
      return;
    default:
  }
};

/** The table names new operations only: their shape is that of the next whole document, with the models as they were then. */
const takeNewOperations = (document: Document, version: Version): void => {
  const next = whole(versions.find((one) => isWhole(one) && compareVersions(one, version) > 0)!);
  const routes = operationsOf(document);
  const born = new Set(
    readChanges()
      .filter(({ to }) => compareVersions(to, version) <= 0)
      .flatMap(({ changes }) => changes.flatMap((change) => (change.kind === "+op" ? [`${change.method} ${change.path}`] : []))),
  );
  for (const [path, methods] of Object.entries(next.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const isNew =
        born.has(`${method.toUpperCase()} ${path}`) && !routes.has(`${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`);
      if (isNew) document.paths[path] = { ...document.paths[path], [method]: operation };
    }
  }
  for (const [name, schema] of Object.entries(next.definitions)) document.definitions[name] ??= schema;
  for (const [name, parameter] of Object.entries(next.parameters)) document.parameters[name] ??= parameter;
};

const withoutFirstStep = (): Document => {
  const document = whole("2016-02-01.3.0");
  for (const change of readChanges()[0]!.changes) {
    if (change.kind === "+prop") delete definition(document, change.model).properties?.[change.property];
    if (change.kind === "-prop") propertiesOf(document, change.model)[change.property] = schemaOf(change.type);
    if (change.kind === "+op") delete document.paths[change.path]?.[change.method.toLowerCase()];
    if (change.kind === "~req") {
      const after = definition(document, change.model).required ?? [];
      definition(document, change.model).required = [...after.filter((name) => !change.required.includes(name)), ...change.optional];
    }
  }
  propertiesOf(document, "CertificateReference").visibility = { type: "string" };
  return document;
};

const gone = ["certificateReferences", "resourceTags", "targetNodeCommunicationMode", "currentNodeCommunicationMode"];
/** Named by the change log, whose shapes were not to be had. */
const added: readonly (readonly [beside: string, ...names: string[]])[] = [
  ["nodeFillType", "jobDefaultOrder"],
  ["encryptionAtHost", "proxyAgentSettings"],
  ["ipAddressIds", "ipFamilies", "ipTags"],
  ["affinityId", "ipv6Address"],
  ["remoteLoginIPAddress", "ipv6RemoteLoginIPAddress", "ipv6RemoteLoginPort"],
  ["targets", "customerManagedKey"],
  ["lun", "managedDisk"],
  ["storageAccountType", "diskEncryptionSet"],
];

const newestDocument = (): Document => {
  const document = read("batch-data-plane-typespec");
  for (const { properties } of Object.values(document.definitions)) {
    if (properties === undefined) continue;
    for (const name of gone) delete properties[name];
    for (const [beside, ...names] of added) if (properties[beside] !== undefined) for (const name of names) properties[name] ??= anything();
  }
  return document;
};
