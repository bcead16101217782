// The resources of a template one by one: copies written out, children under their parents, ids, conditions, and what each waits for. Their properties
// are evaluated later (deploy.ts), when what they refer to is there.
import { quoted, TemplateError, within } from "./errors.ts";
import { copyCount, evaluateText, evaluateValue, mostCopies } from "./evaluate.ts";
import type { Place, Scope } from "./scope.ts";
import type { Template } from "./template.ts";
import { isArray, isObject, type Obj, type Value } from "./values.ts";

export type Planned = {
  /** The id in lower case. */
  readonly key: string;
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly apiVersion: string;
  /** Of languageVersion 2.0; a copy's with its index: `pools[1]`. */
  readonly symbol?: string;
  /** Only referred to: not deployed. */
  readonly isExisting: boolean;
  readonly body: Obj;
  readonly copies: ReadonlyMap<string, number>;
  /** Keys of those that must be deployed before. */
  readonly dependsOn: readonly string[];
  /** The batch of its serial copy that must be deployed before: a name in `Plan.batches`. */
  readonly after?: string;
};

type Draft = Omit<Planned, "dependsOn" | "after"> & { readonly copyName?: string; readonly batch?: { name: string; number: number } };

export type Plan = {
  readonly resources: readonly Planned[];
  /** Keys of the resources of each batch of a serial copy. */
  readonly batches: ReadonlyMap<string, readonly string[]>;
  /** Keys of resources whose condition is false. */
  readonly left: ReadonlySet<string>;
};

/** Where a resource goes that says nothing of it. */
type Home = { readonly subscriptionId: string; readonly resourceGroup?: string };

export const deploymentType = "Microsoft.Resources/deployments";
const groupType = "Microsoft.Resources/resourceGroups";

export const idOf = (type: string, name: string, { subscriptionId, resourceGroup }: Home): string => {
  if (type.toLowerCase() === groupType.toLowerCase()) return `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
  const [namespace, ...types] = type.split("/");
  const names = name.split("/");
  if (types.length === 0 || types.length !== names.length)
    throw new TemplateError(
      `The template resource ${quoted(name)} has incorrect segment lengths. A nested resource type must have identical number of segments as its ` +
        `resource name. A root resource type must have segment length one greater than its resource name. The type is ${quoted(type)}.`,
    );
  const group = resourceGroup === undefined ? "" : `/resourceGroups/${resourceGroup}`;
  return `/subscriptions/${subscriptionId}${group}/providers/${namespace}${types.map((one, index) => `/${one}/${names[index]}`).join("")}`;
};

const textOf = (value: Value | undefined, scope: Scope, what: string): string => {
  const made = typeof value === "string" ? evaluateText(value, scope) : value;
  if (typeof made === "string" && made !== "") return made;
  throw new TemplateError(`${what} must be a text that is not empty.`);
};

/** All resources in the order of the template. Throws TemplateError. */
export const planResources = (template: Template, scope: Scope): Plan => {
  const drafts: Draft[] = [];
  const left = new Set<string>();
  const homeOf = (body: Obj, within: Scope): Home => {
    const { subscriptionId, resourceGroup } = body;
    const own = scope.place;
    const subscription =
      subscriptionId === undefined ? own.subscription.subscriptionId : textOf(subscriptionId, within, "The subscription of a resource");
    if (resourceGroup !== undefined)
      return { subscriptionId: subscription, resourceGroup: textOf(resourceGroup, within, "The resource group of a resource") };
    // A deployment in a subscription that is named is one of that subscription.
    return subscriptionId !== undefined || own.resourceGroup === undefined
      ? { subscriptionId: subscription }
      : { subscriptionId: subscription, resourceGroup: own.resourceGroup.name };
  };

  const add = (
    body: Obj,
    at: Scope,
    of: { symbol?: string; parent?: { type: string; name: string }; copyName?: string; batch?: Draft["batch"] },
  ): void => {
    const shortName = textOf(body.name, at, "The name of a template resource");
    const shortType = textOf(body.type, at, `The type of the template resource ${quoted(shortName)}`);
    const isChild = of.parent !== undefined && !shortType.includes(".");
    const type = isChild ? `${of.parent!.type}/${shortType}` : shortType;
    const name = isChild ? `${of.parent!.name}/${shortName}` : shortName;
    const home = homeOf(body, at);
    const id =
      typeof body.scope === "string"
        ? scopedId(textOf(body.scope, at, "The scope of a resource"), type, name, home)
        : idOf(type, name, home);
    const key = id.toLowerCase();
    const apiVersion = textOf(body.apiVersion, at, `The api-version of the template resource ${quoted(name)}`);
    if (!isWanted(body.condition, at, name)) {
      left.add(key);
      return;
    }
    if (drafts.length >= mostCopies) throw new TemplateError(`The number of template resources limit exceeded. Limit: '${mostCopies}'.`);
    const { resources: children, ...own } = body;
    const { parent: _parent, ...rest } = of;
    drafts.push({ key, id, type, name, apiVersion, isExisting: body.existing === true, body: own, copies: at.copies, ...rest });
    if (children !== undefined) for (const child of childrenOf(children, name)) addAll(child.body, at, child.symbol, { type, name });
  };

  const addAll = (body: Obj, at: Scope, symbol?: string, parent?: { type: string; name: string }): void => {
    const { copy } = body;
    const of = { ...(symbol === undefined ? {} : { symbol }), ...(parent === undefined ? {} : { parent }) };
    if (copy === undefined) {
      at.budget.deeper(() => add(body, at, of));
      return;
    }
    const { name, count, batch } = copyOf(copy, at);
    for (let index = 0; index < count; index++) {
      const copies = new Map(at.copies).set("", index).set(name.toLowerCase(), index);
      const inBatch = batch === undefined ? {} : { batch: { name, number: Math.floor(index / batch) } };
      const named = symbol === undefined ? {} : { symbol: `${symbol}[${index}]` };
      at.budget.deeper(() => add(body, { ...at, copies }, { ...of, ...named, copyName: name, ...inBatch }));
    }
  };

  for (const { symbol, body } of template.resources) {
    const name = typeof body.name === "string" ? body.name : "";
    within(
      (reason) => `The template resource ${quoted(symbol ?? name)} is not valid: ${reason}`,
      () => addAll(body, scope, symbol),
    );
  }
  return { ...withDependencies(drafts, left, scope), left };
};

/** Of extension resources. What is only the group of the deployment itself changes nothing. */
const scopedId = (scope: string, type: string, name: string, home: Home): string => {
  const [namespace, ...types] = type.split("/");
  const names = name.split("/");
  const base = scope.startsWith("/") ? scope.replace(/\/+$/, "") : undefined;
  if (base === undefined || types.length !== names.length || /^\/subscriptions\/[^/]+(\/resourceGroups\/[^/]+)?$/i.test(base))
    return idOf(type, name, home);
  return `${base}/providers/${namespace}${types.map((one, index) => `/${one}/${names[index]}`).join("")}`;
};

const childrenOf = (value: Value, of: string): { symbol?: string; body: Obj }[] => {
  const list = isArray(value)
    ? value.map((body) => ({ body }))
    : isObject(value)
      ? Object.entries(value).map(([symbol, body]) => ({ symbol, body }))
      : [];
  return list.map((one) => {
    if (isObject(one.body)) return { ...one, body: one.body };
    throw new TemplateError(`The resources below ${quoted(of)} must be objects.`);
  });
};

const isWanted = (condition: Value | undefined, scope: Scope, name: string): boolean => {
  const value = condition === undefined ? true : evaluateValue(condition, scope);
  if (value === true || value === false) return value;
  if (typeof value === "string" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  throw new TemplateError(`The condition of the template resource ${quoted(name)} must be true or false.`);
};

const copyOf = (copy: Value, scope: Scope): { name: string; count: number; batch?: number } => {
  if (!isObject(copy) || typeof copy.name !== "string" || copy.count === undefined)
    throw new TemplateError("The copy of a template resource needs 'name' and 'count'.");
  const count = copyCount(copy.count, scope, `copy.${copy.name}`);
  const mode = copy.mode === undefined ? "parallel" : String(copy.mode).toLowerCase();
  if (mode !== "serial") return { name: copy.name, count };
  const batch = copy.batchSize === undefined ? 1 : evaluateValue(copy.batchSize, scope);
  if (typeof batch !== "number" || !Number.isInteger(batch) || batch < 1)
    throw new TemplateError(`The 'batchSize' of the copy ${quoted(copy.name)} must be a whole number of at least '1'.`);
  return { name: copy.name, count, batch };
};

const withDependencies = (drafts: readonly Draft[], left: ReadonlySet<string>, scope: Scope): Pick<Plan, "resources" | "batches"> => {
  const byKey = new Map<string, Draft>();
  for (const draft of drafts) {
    const before = byKey.get(draft.key);
    // What exists may be named twice, and also by one that is deployed.
    if (before !== undefined && !before.isExisting && !draft.isExisting)
      throw new TemplateError(
        `The resource ${quoted(draft.id, 512)} is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.`,
      );
    if (before === undefined || before.isExisting) byKey.set(draft.key, draft);
  }
  const find = finder(drafts, left);
  const planned = drafts.map((draft) => {
    const { copyName: _name, batch, ...rest } = draft;
    const keys = new Set<string>();
    for (const said of dependenciesOf(draft, scope)) for (const key of find(said, draft.name)) keys.add(key);
    const parent = draft.key.replace(/\/[^/]+\/[^/]+$/, "");
    if (byKey.has(parent)) keys.add(parent);
    // What is in a group of this template waits for the group.
    const group = /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+(?=\/)/.exec(draft.key)?.[0];
    if (group !== undefined && byKey.has(group)) keys.add(group);
    keys.delete(draft.key);
    const after = batch === undefined || batch.number === 0 ? {} : { after: batchName(batch.name, batch.number - 1) };
    return { ...rest, dependsOn: [...keys].filter((key) => byKey.get(key)?.isExisting === false), ...after };
  });
  const batches = new Map<string, string[]>();
  for (const { batch, key } of drafts) {
    if (batch === undefined) continue;
    const name = batchName(batch.name, batch.number);
    batches.set(name, [...(batches.get(name) ?? []), key]);
  }
  refuseCircles(planned, batches);
  return { resources: planned, batches };
};

/** No key of a resource: these begin with a slash. */
const batchName = (copy: string, number: number): string => `batch ${copy.toLowerCase()} ${number}`;

const dependenciesOf = (draft: Draft, scope: Scope): string[] => {
  const value = draft.body.dependsOn ?? [];
  const made = evaluateValue(value, { ...scope, copies: draft.copies });
  if (isArray(made) && made.every((one) => typeof one === "string")) return made as string[];
  throw new TemplateError(`The 'dependsOn' of the template resource ${quoted(draft.name)} must be an array of texts.`);
};

/** What a dependency's text means: symbolic names, ids with or without the part in front of the type, copies' names, names. */
const finder = (drafts: readonly Draft[], left: ReadonlySet<string>): ((said: string, of: string) => readonly string[]) => {
  const named = new Map<string, Set<string>>();
  const note = (name: string, key: string): void => {
    const keys = named.get(name.toLowerCase()) ?? new Set();
    named.set(name.toLowerCase(), keys.add(key));
  };
  for (const draft of drafts) {
    note(draft.key, draft.key);
    note(draft.key.replace(/^.*\/providers\//, ""), draft.key);
    note(`${draft.type}/${draft.name}`, draft.key);
    note(draft.name, draft.key);
    if (draft.copyName !== undefined) note(draft.copyName, draft.key);
    if (draft.symbol !== undefined) {
      note(draft.symbol, draft.key);
      note(draft.symbol.replace(/\[\d+\]$/, ""), draft.key);
    }
  }
  return (said, of) => {
    const found = named.get(said.toLowerCase());
    if (found !== undefined) return [...found];
    const lower = said.toLowerCase();
    for (const key of left) if (key === lower || key.endsWith(`/${lower.split("/").at(-1)}`)) return [];
    if (left.size > 0 && !said.includes("/")) return [];
    throw new TemplateError(
      `The resource ${quoted(said, 512)} is not defined in the template, but ${quoted(of)} depends on it. Please see https://aka.ms/arm-syntax for usage details.`,
    );
  };
};

/** Takes away what waits for nothing until nothing is left, or only circles. */
const refuseCircles = (planned: readonly Planned[], batches: Plan["batches"]): void => {
  const waiting = new Map<string, Set<string>>();
  for (const { key, dependsOn, after } of planned) waiting.set(key, new Set(after === undefined ? dependsOn : [...dependsOn, after]));
  for (const [name, keys] of batches) waiting.set(name, new Set(keys));
  const waitedFor = new Map<string, string[]>();
  for (const [key, others] of waiting)
    for (const other of others) {
      const those = waitedFor.get(other);
      if (those === undefined) waitedFor.set(other, [key]);
      else those.push(key);
    }
  const ready = [...waiting].filter(([, others]) => others.size === 0).map(([key]) => key);
  for (let key = ready.pop(); key !== undefined; key = ready.pop()) {
    waiting.delete(key);
    for (const other of waitedFor.get(key) ?? []) {
      const still = waiting.get(other);
      if (still?.delete(key) && still.size === 0) ready.push(other);
    }
  }
  const circle = planned.find(({ key }) => waiting.has(key));
  if (circle !== undefined)
    throw new TemplateError(
      `Circular dependency detected on resource: ${quoted(circle.id, 512)}. Please see https://aka.ms/arm-syntax-resources for usage details.`,
    );
};

export const homeOfPlace = (place: Place): Home => ({
  subscriptionId: place.subscription.subscriptionId,
  ...(place.resourceGroup === undefined ? {} : { resourceGroup: place.resourceGroup.name }),
});
