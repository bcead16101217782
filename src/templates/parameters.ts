// The values of a template's parameters: those that came with the deployment and the defaults of the others, checked against their declarations. What is
// secure stays known as such: nobody who answers shows it.
import { quoted, TemplateError, within } from "./errors.ts";
import { evaluateValue } from "./evaluate.ts";
import type { Scope } from "./scope.ts";
import { areEqual, entryOf, isArray, isObject, type Obj, typeName, type Value, written } from "./values.ts";

export type ParameterType = "String" | "SecureString" | "Int" | "Bool" | "Object" | "SecureObject" | "Array";
export type Parameter = { readonly type: ParameterType; readonly value: Value };

const types: Readonly<Record<string, ParameterType>> = {
  string: "String",
  securestring: "SecureString",
  int: "Int",
  bool: "Bool",
  object: "Object",
  secureobject: "SecureObject",
  array: "Array",
};

/** What a value of each type is in JSON, in the words of ARM's errors. */
export const jsonTypeOf: Readonly<Record<ParameterType, string>> = {
  String: "String",
  SecureString: "String",
  Int: "Integer",
  Bool: "Boolean",
  Object: "Object",
  SecureObject: "Object",
  Array: "Array",
};

export const isSecure = (type: string): boolean => /^secure/i.test(type);

/** The type that a declaration names itself, or a definition that it refers to. Throws TemplateError. */
export const declaredType = (declaration: Obj, definitions: Obj, what: string): ParameterType => {
  let one: Obj = declaration;
  // A definition may refer to another; as many steps as there are definitions are enough for all but a circle.
  for (let step = Object.keys(definitions).length + 1; step >= 0; step--) {
    if (typeof one.type === "string") {
      const type = types[one.type.toLowerCase()];
      if (type === undefined) throw new TemplateError(`The type ${quoted(one.type)} of ${what} is not valid.`);
      return type;
    }
    const name = typeof one.$ref === "string" ? /^#\/definitions\/(.+)$/.exec(one.$ref)?.[1] : undefined;
    const next = name === undefined ? undefined : entryOf(definitions, name)?.[1];
    if (next === undefined || !isObject(next)) break;
    one = next;
  }
  throw new TemplateError(`The type of ${what} is missing, or refers to no definition.`);
};

const details = "Please see https://aka.ms/arm-pass-parameter-values for usage details.";

/**
 * `given` is what the request has: `{ name: { value } }`. Defaults may use other parameters, and are made once: `scope.fresh` is for them.
 * Throws TemplateError.
 */
export const resolveParameters = (
  template: { readonly parameters: Readonly<Record<string, Obj>>; readonly definitions: Obj },
  given: Value | undefined,
  scope: Scope,
): Record<string, Parameter> => {
  const sent = given ?? {};
  if (!isObject(sent)) throw new TemplateError("The deployment parameters must be an object.");
  const unknown = Object.keys(sent).filter((name) => entryOf(template.parameters, name) === undefined);
  if (unknown.length > 0) {
    const known = Object.keys(template.parameters).join(", ");
    throw new TemplateError(
      `The following parameters were supplied, but do not correspond to any parameters defined in the template: ${quoted(unknown.join(", "), 512)}. ` +
        `The parameters defined in the template are: ${quoted(known, 512)}. ${details}`,
    );
  }
  const made = new Map<string, Parameter>();
  const underWay = new Set<string>();
  const resolve = (asked: string): Value => {
    const found = entryOf(template.parameters, asked);
    if (found === undefined) throw noParameter(asked);
    const [name, declaration] = found;
    const known = made.get(name);
    if (known !== undefined) return known.value;
    if (underWay.has(name)) throw new TemplateError(`The default value of the template parameter ${quoted(name)} refers to itself.`);
    underWay.add(name);
    const type = declaredType(declaration, template.definitions, `the template parameter ${quoted(name)}`);
    const value = givenValue(entryOf(sent, name)?.[1], name) ?? defaultValue(name, declaration);
    check(name, type, value, declaration, scope);
    made.set(name, { type, value });
    underWay.delete(name);
    return value;
  };
  const defaultValue = (name: string, declaration: Obj): Value => {
    if (declaration.defaultValue === undefined) {
      if (declaration.nullable === true) return null;
      throw new TemplateError(
        `The value for the template parameter ${quoted(name)} is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.`,
      );
    }
    const inner = { ...scope, parameters: resolve };
    return within(
      (reason) => `The default value of the template parameter ${quoted(name)} is not valid: ${reason}`,
      () => written(evaluateValue(declaration.defaultValue!, inner), scope.budget),
    );
  };
  for (const name of Object.keys(template.parameters)) resolve(name);
  return Object.fromEntries(made);
};

export const noParameter = (name: string): TemplateError =>
  new TemplateError(
    `The template parameter ${quoted(name)} is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.`,
  );

const givenValue = (sent: Value | undefined, name: string): Value | undefined => {
  if (sent === undefined || sent === null) return undefined;
  if (isObject(sent) && sent.reference !== undefined)
    throw new TemplateError(
      `The value of the template parameter ${quoted(name)} is kept in a key vault: this server has none. Pass the value itself.`,
    );
  if (!isObject(sent) || sent.value === undefined)
    throw new TemplateError(`The deployment parameter ${quoted(name)} must be an object with a 'value'. ${details}`);
  return sent.value;
};

/** Of the value itself only its type is told: it may be secret. */
const check = (name: string, type: ParameterType, value: Value, declaration: Obj, { budget }: Scope): void => {
  if (value === null && (declaration.nullable === true || declaration.defaultValue !== undefined)) return;
  const actual = typeName(value);
  const expected = jsonTypeOf[type];
  if (actual !== expected && !(expected === "Object" && actual === "Array"))
    throw new TemplateError(
      `Template parameter JToken type is not valid. Expected '${expected}'. Actual '${actual}'. The template parameter is ${quoted(name)}. ${details}`,
    );
  const allowed = declaration.allowedValues;
  if (isArray(allowed ?? null)) {
    const values = allowed as readonly Value[];
    const isAllowed = (one: Value): boolean => values.some((each) => areEqual(each, one, budget));
    if (!isAllowed(value) && !(isArray(value) && value.every(isAllowed)))
      throw new TemplateError(
        `The provided value for the template parameter ${quoted(name)} is not valid. ${isSecure(type) ? "It" : `The value ${quoted(typeof value === "string" ? value : JSON.stringify(written(value, budget)))}`} ` +
          `is not part of the allowed value(s): ${quoted(values.map((one) => (typeof one === "string" ? one : JSON.stringify(written(one, budget)))).join(","), 512)}.`,
      );
  }
  const length = typeof value === "string" || isArray(value) ? value.length : undefined;
  limit(name, "length", length, declaration.minLength, declaration.maxLength);
  limit(name, "value", typeof value === "number" ? value : undefined, declaration.minValue, declaration.maxValue);
};

const limit = (name: string, what: string, value: number | undefined, least: Value | undefined, most: Value | undefined): void => {
  if (value === undefined) return;
  if (typeof least === "number" && value < least)
    throw new TemplateError(
      `The provided value for the template parameter ${quoted(name)} is not valid. Its ${what} must be greater than or equal to '${least}'.`,
    );
  if (typeof most === "number" && value > most)
    throw new TemplateError(
      `The provided value for the template parameter ${quoted(name)} is not valid. Its ${what} must be less than or equal to '${most}'.`,
    );
};
