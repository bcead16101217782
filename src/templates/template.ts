// A template as it was sent, looked at once: its parts are there and of the right kind. Both forms of resources are brought into one: a list, where each
// may have a symbolic name. What the parts mean is in parameters.ts, resources.ts and outputs.ts.
import { quoted, TemplateError } from "./errors.ts";
import type { UserFunction } from "./scope.ts";
import { isArray, isObject, isShallow, type Obj, type Value } from "./values.ts";

export type Template = {
  readonly parameters: Readonly<Record<string, Obj>>;
  readonly definitions: Obj;
  readonly variables: Obj;
  readonly functions: ReadonlyMap<string, UserFunction>;
  readonly resources: readonly { readonly symbol?: string; readonly body: Obj }[];
  readonly outputs: Readonly<Record<string, Obj>>;
  /** Resources have symbolic names (languageVersion 2.0). */
  readonly isSymbolic: boolean;
};

/** Limits of the service. */
const most = { parameters: 256, variables: 512, resources: 800, outputs: 64 };
/** How deep arrays and objects may lie in each other: more than any resource has. */
const deepest = 100;

/** Throws TemplateError. */
export const readTemplate = (value: unknown): Template => {
  if (!isShallow(value, deepest)) throw new TemplateError("The template is nested too deeply.");
  if (!isObject(value as Value)) throw new TemplateError("The template must be a JSON object.");
  const template = value as Obj;
  const isSymbolic = isObject(template.resources ?? null) || String(template.languageVersion ?? "").startsWith("2.");
  return {
    parameters: objects(template, "parameters", most.parameters),
    definitions: section(template, "definitions"),
    variables: bounded(section(template, "variables"), "variables", most.variables),
    functions: functionsOf(template.functions),
    resources: resourcesOf(template.resources),
    outputs: objects(template, "outputs", most.outputs),
    isSymbolic,
  };
};

const section = (template: Obj, name: string): Obj => {
  const value = template[name] ?? {};
  if (isObject(value)) return value;
  throw new TemplateError(`The template section ${quoted(name)} must be an object.`);
};

const bounded = (value: Obj, name: string, limit: number): Obj => {
  const count = Object.keys(value).length;
  if (count > limit) throw new TemplateError(`The number of template ${name} limit exceeded. Limit: '${limit}' and actual: '${count}'.`);
  return value;
};

const objects = (template: Obj, name: string, limit: number): Record<string, Obj> => {
  const found = bounded(section(template, name), name, limit);
  for (const [key, value] of Object.entries(found))
    if (!isObject(value)) throw new TemplateError(`The template section '${name}' is not valid: ${quoted(key)} must be an object.`);
  return found as Record<string, Obj>;
};

const resourcesOf = (value: Value | undefined): Template["resources"] => {
  const list = isArray(value ?? null)
    ? (value as readonly Value[]).map((body) => ({ body }))
    : isObject(value ?? {})
      ? Object.entries((value ?? {}) as Obj).map(([symbol, body]) => ({ symbol, body }))
      : undefined;
  if (list === undefined)
    throw new TemplateError("The template section 'resources' must be an array, or an object of resources by their symbolic names.");
  if (list.length > most.resources)
    throw new TemplateError(`The number of template resources limit exceeded. Limit: '${most.resources}' and actual: '${list.length}'.`);
  return list.map((one, index) => {
    const { body } = one;
    if (!isObject(body)) throw new TemplateError(`The template resource at index '${index}' must be an object.`);
    return { ...one, body };
  });
};

const functionsOf = (value: Value | undefined): Map<string, UserFunction> => {
  const refuse = (): TemplateError => new TemplateError("The template section 'functions' is not valid.");
  const made = new Map<string, UserFunction>();
  if (value === undefined || value === null) return made;
  if (!isArray(value)) throw refuse();
  for (const group of value) {
    if (!isObject(group) || typeof group.namespace !== "string" || !isObject(group.members ?? {})) throw refuse();
    for (const [member, body] of Object.entries((group.members ?? {}) as Obj)) {
      if (!isObject(body) || !isArray(body.parameters ?? []) || !isObject(body.output ?? null)) throw refuse();
      const parameters = ((body.parameters ?? []) as readonly Value[]).map((one) => {
        if (isObject(one) && typeof one.name === "string") return one.name;
        throw refuse();
      });
      const name = `${group.namespace}.${member}`;
      made.set(name.toLowerCase(), { name, parameters, output: (body.output as Obj).value ?? null });
    }
  }
  return made;
};
