// Writes docs/manual/compatibility.md (the data plane) and compatibility-management.md (the management plane) from the declarations: every
// operation and every property, and what Quern does with it. `node tools/compatibility.ts` writes both; tests/contract/compatibility.test.ts fails
// while they are not what this would write.
// It reads declarations only: that what they say is so is for the other tests to show.
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { batchOperations } from "../src/api/batch/index.ts";
import type { Field, Life, Model, Shape } from "../src/api/fields.ts";
import { managementOperations } from "../src/api/management/index.ts";
import { microsoftBatch, providers, stackHci } from "../src/api/management/providers.ts";
import type { OperationDeclaration } from "../src/api/operation.ts";

export type Page = { readonly path: string; readonly text: string };

const pagePath = (name: string): string => join(resolve(import.meta.dirname, ".."), "docs/manual", name);

/** Chapters by the first part of an operationId. */
type Groups = Readonly<Record<string, string>>;

const dataPlaneGroups: Groups = {
  Account: "Account",
  Application: "Applications",
  Certificate: "Certificates",
  Pool: "Pools",
  ComputeNode: "Nodes",
  ComputeNodeExtension: "Node extensions",
  Job: "Jobs",
  JobSchedule: "Job schedules",
  Task: "Tasks",
  File: "Files",
};
const managementGroups: Groups = {
  BatchAccount: "Accounts",
  Location: "Locations",
  Operations: "Operations",
  Application: "Applications",
  ApplicationPackage: "Application packages",
  Pool: "Pools",
  Certificate: "Certificates",
  PrivateLinkResource: "Private links",
  PrivateEndpointConnection: "Private endpoint connections",
  NetworkSecurityPerimeter: "Network security perimeters",
  GalleryImages: "Gallery images",
  MarketplaceGalleryImages: "Marketplace gallery images",
  StorageContainers: "Storage containers",
  OperationStatuses: "Statuses of operations",
  Subscriptions: "Subscriptions",
  Tenants: "Tenants",
  ResourceGroups: "Resource groups",
  OperationResults: "Results of operations",
  Resources: "Resources of all types",
  Deployments: "Deployments of templates",
  DeploymentOperations: "Steps of deployments",
  Providers: "Resource providers",
  Tags: "Tags",
  StorageAccounts: "Storage accounts",
  UserAssignedIdentities: "User-assigned identities",
  PrivateEndpoints: "Private endpoints",
};

const shared = "Parts that several of these have in common";

/** Where a model is used, and whether anything but recorded properties leads to it. */
type Use = { model: Model; groups: Set<string>; real: boolean; below: Set<string> };

const modelIn = (shape: Shape): Model | undefined => {
  if (shape.kind === "object") return shape.model();
  if (shape.kind === "array") return modelIn(shape.item);
  return shape.kind === "map" ? modelIn(shape.value) : undefined;
};

const usesOf = (operations: readonly OperationDeclaration[], groups: Groups): Map<string, Use> => {
  const uses = new Map<string, Use>();
  const visit = (model: Model, group: string, below: string | undefined): void => {
    const use = uses.get(model.name) ?? { model, groups: new Set(), real: false, below: new Set() };
    // What clients send and what they get may be two models of one name.
    const isNew = Object.keys(model.fields).some((name) => use.model.fields[name] === undefined);
    if (isNew) use.model = { ...model, fields: { ...model.fields, ...use.model.fields } };
    const knew = !isNew && use.groups.has(group) && (below === undefined ? use.real : use.below.has(below));
    uses.set(model.name, use);
    use.groups.add(group);
    if (below === undefined) use.real = true;
    else use.below.add(below);
    if (knew) return;
    for (const [name, { shape, options }] of Object.entries(model.fields)) {
      const part = modelIn(shape);
      if (part !== undefined) visit(part, group, options.recorded !== undefined ? name : below);
    }
  };
  for (const operation of operations) {
    for (const model of [operation.query, operation.body, operation.answer.body, operation.answer.item]) {
      if (model !== undefined && Object.keys(model.fields).length > 0)
        visit(model, groupOf(operation, groups), operation.recorded === undefined ? undefined : operation.id);
    }
  }
  return uses;
};

const groupOf = ({ id }: OperationDeclaration, groups: Groups): string => {
  const prefix = id.slice(0, id.indexOf("_"));
  const group = groups[prefix];
  if (group === undefined) throw new Error(`${id}: no chapter for ${prefix}; name one in tools/compatibility.ts`);
  return group;
};

/** `2024-02` for 2024-02-01.19.0: months tell the versions apart, but for two of 2017 and two of 2019, which are in different months. */
const month = (version: string): string => version.slice(0, 7);

const lifeText = ({ since, until, absent }: Life): string[] => [
  ...(since === undefined ? [] : [`from ${month(since)}`]),
  ...(until === undefined ? [] : [`until ${month(until)}`]),
  ...(absent === undefined ? [] : [`not ${month(absent.since)} to ${month(absent.until)}`]),
];

const propertyText = (name: string, { options }: Field): string => {
  const renamed = (options.renamed ?? []).filter(({ as }) => as !== name).map(({ until, as }) => `\`${as}\` until ${month(until)}`);
  const notes = [...lifeText(options), ...renamed];
  return `\`${name}\`${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`;
};

const wrapped = (text: string): string => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > 140) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
};

const modelSection = ({ model, real, below }: Use): string => {
  const fields = Object.entries(model.fields) as [string, Field][];
  if (!real) {
    const through = [...below].sort().map((name) => `\`${name}\``);
    const names = fields.map(([name, field]) => propertyText(name, field)).join(", ");
    return `**${model.name}**: *recorded* with ${through.join(", ")}.\n${wrapped(names)}.`;
  }
  const parts = [`**${model.name}**`];
  const done = fields.filter(([, { options }]) => options.recorded === undefined && options.refused === undefined);
  if (done.length > 0) parts.push(wrapped(`*real*: ${done.map(([name, field]) => propertyText(name, field)).join(", ")}`));
  for (const [name, field] of fields) {
    const { recorded, refused } = field.options;
    if (refused !== undefined) parts.push(wrapped(`- ${propertyText(name, field)}: *refused* with \`${refused}\` unless empty`));
    else if (recorded !== undefined) parts.push(wrapped(`- ${propertyText(name, field)}: *recorded*. ${recorded}`));
  }
  return parts.length > 2 || done.length === 0 ? parts.join("\n") : `${parts[0]}: ${parts.slice(1).join("\n")}`;
};

/** Most paths of the management plane begin with one of two long parts, which the page's opening explains. */
const shortened = (path: string): string =>
  path
    .replace("/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/", "{group}/")
    .replace("/subscriptions/{subscriptionId}", "{sub}");

const operationRow = (operation: OperationDeclaration): string => {
  const { id, method, path, refused, recorded } = operation;
  const standing = refused !== undefined ? `*refused* with \`${refused}\`` : recorded !== undefined ? `*recorded*: ${recorded}` : "*real*";
  const life = lifeText(operation);
  return `| ${id} | \`${method} ${shortened(path)}\` | ${life.join(", ") || "all"} | ${standing} |`;
};

/** A heading, an operation table and the models of each group, then the models that several have. `mark` begins the headings. */
const chaptersOf = (operations: readonly OperationDeclaration[], groups: Groups, mark: string): string[] => {
  const uses = [...usesOf(operations, groups).values()].sort((a, b) => a.model.name.localeCompare(b.model.name));
  const chapters = Object.values(groups).flatMap((group) => {
    const ours = operations.filter((operation) => groupOf(operation, groups) === group);
    if (ours.length === 0) return [];
    const own = uses.filter((use) => use.groups.size === 1 && use.groups.has(group));
    const rows = ["| operation | | api-versions | |", "| --- | --- | --- | --- |", ...ours.map(operationRow)].join("\n");
    return [`${mark} ${group}`, rows, ...own.map(modelSection)];
  });
  const common = uses.filter((use) => use.groups.size > 1);
  return common.length === 0 ? chapters : [...chapters, `${mark} ${shared}`, ...common.map(modelSection)];
};

const countsOf = (operations: readonly OperationDeclaration[], groups: Groups): string => {
  const properties = [...usesOf(operations, groups).values()].flatMap(({ model, real }) =>
    Object.values(model.fields).map(({ options }) =>
      !real || options.recorded !== undefined ? "recorded" : options.refused !== undefined ? "refused" : "real",
    ),
  );
  const count = (what: string): number => properties.filter((one) => one === what).length;
  return `${operations.length} operations; ${properties.length} properties: ${count("real")} real, ${count("recorded")} recorded, ${count("refused")} refused.`;
};

const opening = (title: string, about: readonly string[]): string[] => [
  `# ${title}`,
  "Generated from the declarations by `tools/compatibility.ts`; do not edit.",
  about.join("\n"),
  [
    "* *real*: it does what Azure Batch does with it.",
    "* *recorded*: validated, stored and answered exactly, but nothing here acts on it; the reason stands beside it.",
    "* *refused*: answered with the error that stands beside it.",
  ].join("\n"),
];

const dataPlanePage = (): Page => {
  const operations = Object.values(batchOperations) as unknown as OperationDeclaration[];
  const about = [
    countsOf(operations, dataPlaneGroups),
    "Versions are named by their month (2024-07 is 2024-07-01.20.0); one that is not named lives in all.",
  ];
  const parts = [...opening("What Quern does with each operation and property", about), ...chaptersOf(operations, dataPlaneGroups, "##")];
  return { path: pagePath("compatibility.md"), text: `${parts.join("\n\n")}\n` };
};

/** Provider by provider: two of them may have a model of the same name. What stands around Batch is last. */
const managementPage = (): Page => {
  const operations = Object.values(managementOperations);
  const of = (namespace: string): OperationDeclaration[] => operations.filter(({ provider }) => provider!.namespace === namespace);
  const about = [
    `Microsoft.Batch: ${countsOf(of(microsoftBatch.namespace), managementGroups)}`,
    `Microsoft.AzureStackHCI: ${countsOf(of(stackHci.namespace), managementGroups)}`,
    "Versions are named by their month (2024-07 is 2024-07-01); one that is not named lives in all. The other providers look the same in every version.",
    "In paths, `{sub}` stands for `/subscriptions/{subscriptionId}`, `{group}` for `{sub}/resourceGroups/{resourceGroupName}/providers`.",
  ];
  const parts = providers.flatMap(({ namespace }) => [`## ${namespace}`, ...chaptersOf(of(namespace), managementGroups, "###")]);
  const title = "What Quern does with each operation and property of the management plane";
  return { path: pagePath("compatibility-management.md"), text: `${[...opening(title, about), ...parts].join("\n\n")}\n` };
};

/** The same declarations give the same text. */
export const compatibilityPages = (): Page[] => [dataPlanePage(), managementPage()];

if (import.meta.main) {
  for (const { path, text } of compatibilityPages()) {
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
