// A template made ready to be deployed: its parameters, variables and resources known, and from there on, as far as others were deployed before, the
// request for each resource and the outputs. It deploys nothing itself: what it still needs it says with NotYet.
import { Budget } from "./budget.ts";
import { quoted, TemplateError, within } from "./errors.ts";
import { copied, evaluateValue } from "./evaluate.ts";
import { declaredType, isSecure, jsonTypeOf, noParameter, type Parameter, type ParameterType, resolveParameters } from "./parameters.ts";
import { deploymentType, type Plan, type Planned, planResources } from "./resources.ts";
import { NotYet, type Place, type Runtime, type Scope } from "./scope.ts";
import { readTemplate, type Template } from "./template.ts";
import { entryOf, isArray, isObject, type Obj, typeName, type Value, written } from "./values.ts";

export type Prepared = Plan & {
  readonly template: Template;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly scope: Scope;
};

/** What has come of a deployment so far. */
export type Known = {
  /** Keys of resources that are deployed. */
  readonly deployed: ReadonlySet<string>;
  /** Answers to needs, by their keys. */
  readonly answers: ReadonlyMap<string, Value>;
};

/** `fresh` is for the first time: then the defaults of parameters are made. Throws TemplateError. */
export const prepare = (sent: unknown, parameters: Value | undefined, place: Place, fresh?: Scope["fresh"]): Prepared => {
  const template = readTemplate(sent);
  const noVariables = (name: string): Value => {
    throw new TemplateError(`The template variable ${quoted(name)} cannot be used in the default value of a parameter.`);
  };
  const bare: Scope = {
    budget: new Budget(),
    place,
    parameters: (name) => {
      throw noParameter(name);
    },
    variables: noVariables,
    functions: template.functions,
    resourceInfo: (symbol) => {
      throw noSymbol(symbol);
    },
    copies: new Map(),
    lambdaVariables: new Map(),
  };
  const values = resolveParameters(template, parameters, fresh === undefined ? bare : { ...bare, fresh });
  const named: Scope = {
    ...bare,
    parameters: (name) => {
      const found = entryOf(values, name);
      if (found === undefined) throw noParameter(name);
      return found[1].value;
    },
  };
  const scope: Scope = { ...named, variables: variablesOf(template, named) };
  const plan = planResources(template, scope);
  const bySymbol = new Map(plan.resources.flatMap((one) => (one.symbol === undefined ? [] : [[one.symbol.toLowerCase(), one] as const])));
  const resourceInfo = (symbol: string): Obj => {
    const found = bySymbol.get(symbol.toLowerCase());
    if (found === undefined) throw noSymbol(symbol);
    return { id: found.id, name: found.name, type: found.type, apiVersion: found.apiVersion };
  };
  return { template, parameters: values, ...plan, scope: { ...scope, resourceInfo } };
};

const noSymbol = (symbol: string): TemplateError => new TemplateError(`The resource ${quoted(symbol)} is not defined in the template.`);

/** Each is evaluated once, when it is first asked for. */
const variablesOf = (template: Template, named: Scope): Scope["variables"] => {
  const copies = new Map<string, () => Value>();
  const { copy } = template.variables;
  if (isArray(copy ?? null))
    for (const one of copy as readonly Value[])
      if (isObject(one) && typeof one.name === "string")
        copies.set(one.name.toLowerCase(), () => copied(one, scope, `variables.copy.${String(one.name)}`)[1]);
  const made = new Map<string, Value>();
  const underWay = new Set<string>();
  const variables = (asked: string): Value => {
    const key = asked.toLowerCase();
    const before = made.get(key);
    if (before !== undefined) return before;
    const found = key === "copy" ? undefined : entryOf(template.variables, asked);
    const copy = copies.get(key);
    if (found === undefined && copy === undefined)
      throw new TemplateError(
        `The template variable ${quoted(asked)} is not found. Please see https://aka.ms/arm-syntax-variables for usage details.`,
      );
    if (underWay.has(key)) throw new TemplateError(`The template variable ${quoted(asked)} is not valid: it refers to itself.`);
    underWay.add(key);
    const value = within(
      (reason) => `The template variable ${quoted(asked)} is not valid: ${reason}`,
      () => named.budget.deeper(() => (copy === undefined ? evaluateValue(found![1], scope) : copy())),
    );
    underWay.delete(key);
    made.set(key, value);
    return value;
  };
  const scope: Scope = { ...named, variables };
  return variables;
};

/** What does not go into the request for a resource: it is for the template. */
const forTemplate = new Set([
  ...["type", "name", "apiversion", "dependson", "condition", "copy", "comments", "resources", "scope", "metadata", "existing"],
  ...["resourcegroup", "subscriptionid", "asserts", "import", "extension", "$options", "@options"],
]);

/**
 * The body of the request for a resource. Throws NotYet when something that it refers to is not known, TemplateError. Each has a budget of its own: it is
 * evaluated when its turn comes.
 */
export const bodyOf = (prepared: Prepared, planned: Planned, known: Known, budget = new Budget()): Obj => {
  const scope: Scope = { ...prepared.scope, budget, copies: planned.copies, runtime: runtimeOf(prepared, known) };
  const own = Object.entries(planned.body).filter(([name]) => !forTemplate.has(name.toLowerCase()));
  return within(
    (reason) => `Unable to process template language expressions for resource ${quoted(planned.id, 512)}. '${reason}'`,
    () => {
      if (planned.type.toLowerCase() === deploymentType.toLowerCase() && isInner(planned.body.properties))
        return Object.fromEntries(
          own.map(([name, value]) => [name, name === "properties" ? innerDeployment(value, scope) : fully(value, scope, name)]),
        );
      return Object.fromEntries(own.map(([name, value]) => [name, fully(value, scope, name)]));
    },
  );
};

const fully = (value: Value, scope: Scope, path: string): Value => written(evaluateValue(value, scope, path), scope.budget);

/** A nested template that sees only its own parameters and variables; otherwise it is a part of this one, and evaluated with it. */
const isInner = (properties: Value | undefined): boolean => {
  const options = isObject(properties ?? null) ? (properties as Obj).expressionEvaluationOptions : undefined;
  return isObject(options ?? null) && String((options as Obj).scope).toLowerCase() === "inner";
};

const innerDeployment = (value: Value, scope: Scope): Value =>
  Object.fromEntries(
    Object.entries(value as Obj).map(([name, one]) => [name, name === "template" ? one : fully(one, scope, `properties.${name}`)]),
  );

export type Output = { readonly type: ParameterType; readonly value: Value };

/** Throws NotYet, TemplateError. */
export const outputsOf = (prepared: Prepared, known: Known): Record<string, Output> => {
  const scope: Scope = { ...prepared.scope, budget: new Budget(), runtime: runtimeOf(prepared, known) };
  const made = Object.entries(prepared.template.outputs).flatMap(([name, declaration]) =>
    within(
      (reason) => `The template output ${quoted(name)} is not valid: ${reason}`,
      () => {
        const condition = declaration.condition === undefined ? true : evaluateValue(declaration.condition, scope);
        if (condition === false) return [];
        const type = declaredType(declaration, prepared.template.definitions, "the output");
        const copy = isObject(declaration.copy ?? null) ? (declaration.copy as Obj) : undefined;
        const value =
          copy === undefined ? evaluateValue(declaration.value ?? null, scope) : copied({ ...copy, name: "" }, scope, "copy")[1];
        checkOutput(type, value, declaration);
        return [[name, { type, value: written(value, scope.budget) }] as const];
      },
    ),
  );
  return Object.fromEntries(made);
};

const checkOutput = (type: ParameterType, value: Value, declaration: Obj): void => {
  const actual = typeName(value);
  const expected = jsonTypeOf[type];
  if (actual === expected || (value === null && declaration.nullable === true)) return;
  throw new TemplateError(`Template output JToken type is not valid. Expected '${expected}'. Actual '${actual}'.`);
};

/** Which parts of what a deployment has made may be shown. */
export const shownParameters = (of: Readonly<Record<string, Parameter | Output>>): Record<string, { type: ParameterType; value?: Value }> =>
  Object.fromEntries(Object.entries(of).map(([name, { type, value }]) => [name, isSecure(type) ? { type } : { type, value }]));

const runtimeOf = (prepared: Prepared, known: Known): Runtime => {
  const bySaid = new Map<string, Planned>();
  for (const planned of prepared.resources) {
    for (const said of [planned.name.toLowerCase(), planned.key]) bySaid.set(said, planned);
    if (planned.symbol !== undefined) bySaid.set(planned.symbol.toLowerCase(), planned);
  }
  const find = (target: string): Planned | undefined => bySaid.get(target.toLowerCase());
  const idOf = (target: string, name: string): { id: string; apiVersion?: string } => {
    const planned = find(target);
    if (planned !== undefined) {
      if (!planned.isExisting && !known.deployed.has(planned.key)) throw new NotYet({ kind: "deployed", key: planned.key });
      return planned;
    }
    if (!target.startsWith("/"))
      throw new TemplateError(`The resource ${quoted(target, 512)} that '${name}' refers to is not defined in the template.`);
    return { id: target };
  };
  return {
    reference: (target, asked, full) => {
      const { id, apiVersion = asked } = { ...idOf(target, "reference"), ...(asked === undefined ? {} : { apiVersion: asked }) };
      if (apiVersion === undefined)
        throw new TemplateError(
          `The template function 'reference' needs an api-version for ${quoted(id, 512)}, which is not deployed by this template. Please see https://aka.ms/arm-functions#reference for usage details.`,
        );
      const key = `GET ${id.toLowerCase()} ${apiVersion}`;
      const answer = known.answers.get(key);
      if (answer === undefined) throw new NotYet({ kind: "resource", key, id, apiVersion });
      return full ? answer : ((isObject(answer) ? answer.properties : undefined) ?? {});
    },
    list: (action, target, apiVersion, body) => {
      const { id } = idOf(target, action);
      const key = `POST ${id.toLowerCase()} ${action.toLowerCase()} ${apiVersion} ${body === undefined ? "" : JSON.stringify(body)}`;
      const answer = known.answers.get(key);
      if (answer === undefined) throw new NotYet({ kind: "list", key, id, action, apiVersion, ...(body === undefined ? {} : { body }) });
      return answer;
    },
  };
};
