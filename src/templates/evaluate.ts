// Evaluates expressions, and values with expressions in them. A pure function of the text and its scope: it reads nothing, waits for nothing, and pays
// for each step (budget.ts). What the functions do is in functions/.
import { quoted, TemplateError } from "./errors.ts";
import { functions } from "./functions/index.ts";
import { NotYet, type Scope, type UserFunction } from "./scope.ts";
import { expressionIn, type Node, parseExpression, plainText } from "./syntax.ts";
import { entryOf, isArray, isObject, Lambda, type Obj, typeName, type Value, valueAt } from "./values.ts";

/** The value of a text of a template: of the expression in it, or the text. Throws TemplateError, NotYet. */
export const evaluateText = (text: string, scope: Scope): Value => {
  scope.budget.steps(1);
  const expression = expressionIn(text);
  if (expression === undefined) return plainText(text);
  scope.budget.characters(expression.length);
  return evaluateNode(parseExpression(expression), scope);
};

export const evaluateNode = (node: Node, scope: Scope): Value => {
  scope.budget.steps(1);
  return scope.budget.deeper(() => {
    switch (node.kind) {
      case "literal":
        return node.value;
      case "index":
        return valueAt(evaluateNode(node.of, scope), evaluateNode(node.by, scope));
      case "call":
        return call(node.name, node.args, scope);
    }
  });
};

/** Those that do not want all of their arguments evaluated first. */
const lazy: Record<string, (args: readonly Node[], scope: Scope) => Value> = {
  if: (args, scope) => evaluateNode(args[condition("if", evaluateNode(args[0]!, scope)) ? 1 : 2]!, scope),
  and: (args, scope) => args.every((arg) => condition("and", evaluateNode(arg, scope))),
  or: (args, scope) => args.some((arg) => condition("or", evaluateNode(arg, scope))),
  coalesce: (args, scope) => {
    for (const arg of args) {
      const value = evaluateNode(arg, scope);
      if (value !== null) return value;
    }
    return null;
  },
  lambda: (args, scope) => {
    const names = args.slice(0, -1).map((arg) => {
      const name = evaluateNode(arg, scope);
      if (typeof name !== "string")
        throw new TemplateError("The template function 'lambda' is not valid: the names of its variables must be texts.");
      return name;
    });
    const body = args.at(-1)!;
    return new Lambda(names, body, (values) => {
      const lambdaVariables = new Map(scope.lambdaVariables);
      for (const [index, name] of names.entries()) lambdaVariables.set(name.toLowerCase(), values[index] ?? null);
      return evaluateNode(body, { ...scope, lambdaVariables });
    });
  },
};

const condition = (name: string, value: Value): boolean => {
  if (typeof value === "boolean") return value;
  throw new TemplateError(
    `The template language function '${name}' expects a value of type 'Boolean', but was given one of type '${typeName(value)}'.`,
  );
};

const call = (name: string, args: readonly Node[], scope: Scope): Value => {
  const lower = name.toLowerCase();
  const own = scope.functions.get(lower);
  if (own !== undefined)
    return callOwn(
      own,
      args.map((arg) => evaluateNode(arg, scope)),
      scope,
    );
  const known = functions.get(lower);
  if (known === undefined) {
    // Any action of a resource that begins with it.
    if (/^list[a-z]+$/.test(lower))
      return functions.get("list*")!.run(
        args.map((arg) => evaluateNode(arg, scope)),
        scope,
        name,
      );
    throw new TemplateError(
      `The template function ${quoted(name)} is not valid. Please see https://aka.ms/arm-functions for usage details.`,
    );
  }
  if (args.length < known.min || args.length > known.max) throw wrongCount(known.name, args.length, known);
  const run = lazy[lower];
  const value =
    run === undefined
      ? known.run(
          paidFor(
            args.map((arg) => evaluateNode(arg, scope)),
            scope,
          ),
          scope,
          known.name,
        )
      : run(args, scope);
  if (typeof value === "string") scope.budget.characters(value.length);
  else if (isArray(value)) scope.budget.steps(value.length);
  return value;
};

/** A function may have to look through the texts that it is given. */
const paidFor = (values: Value[], { budget }: Scope): Value[] => {
  for (const value of values) if (typeof value === "string") budget.characters(value.length);
  return values;
};

const wrongCount = (name: string, given: number, { min, max }: { min: number; max: number }): TemplateError => {
  const expected = max === Number.POSITIVE_INFINITY ? `at least '${min}'` : min === max ? `'${min}'` : `'${min}' to '${max}'`;
  return new TemplateError(
    `Unable to evaluate template language function '${name}': function requires ${expected} argument(s) while '${given}' were provided. Please see ` +
      `https://aka.ms/arm-functions#${name.toLowerCase()} for usage details.`,
  );
};

/** A function of the template's own sees its arguments as parameters, and neither variables nor what is deployed. */
const callOwn = (own: UserFunction, values: readonly Value[], scope: Scope): Value => {
  if (values.length !== own.parameters.length)
    throw wrongCount(own.name, values.length, { min: own.parameters.length, max: own.parameters.length });
  const given: Obj = Object.fromEntries(own.parameters.map((name, index) => [name, values[index]!]));
  const { runtime: _not, ...rest } = scope;
  return evaluateValue(own.output, {
    ...rest,
    parameters: (name) => {
      const found = entryOf(given, name);
      if (found === undefined) throw new TemplateError(`The function ${quoted(own.name)} has no parameter ${quoted(name)}.`);
      return found[1];
    },
    variables: (name) => {
      throw new TemplateError(`The function ${quoted(own.name)} cannot use the variable ${quoted(name)}.`);
    },
    lambdaVariables: new Map(),
  });
};

/** The most that one copy makes, as the service has it. */
export const mostCopies = 800;

/**
 * A value of a template with everything in it evaluated: the names of its properties, its texts, and copies of properties (`copy` with name, count and
 * input). `path` is for messages. Throws TemplateError, NotYet.
 */
export const evaluateValue = (value: Value, scope: Scope, path = ""): Value => {
  if (typeof value === "string") return at(path, () => evaluateText(value, scope));
  scope.budget.steps(1);
  if (isArray(value)) return scope.budget.deeper(() => value.map((one, index) => evaluateValue(one, scope, `${path}[${index}]`)));
  if (!isObject(value)) return value;
  return scope.budget.deeper(() =>
    Object.fromEntries(Object.entries(value).flatMap(([name, one]) => evaluateEntry(name, one, scope, path))),
  );
};

const evaluateEntry = (name: string, value: Value, scope: Scope, path: string): [string, Value][] => {
  const below = path === "" ? name : `${path}.${name}`;
  if (name === "copy" && isArray(value) && value.every(isCopy)) {
    return value.flatMap((copy) => {
      const [of, made] = copied(copy as Obj, scope, below);
      return [[of, made] as [string, Value]];
    });
  }
  const key = expressionIn(name) === undefined ? plainText(name) : at(path, () => evaluateText(name, scope));
  if (typeof key !== "string") throw new TemplateError(`The name of a property at path ${quoted(path)} must be a text.`);
  return [[key, evaluateValue(value, scope, below)]];
};

const isCopy = (value: Value): boolean => isObject(value) && Object.hasOwn(value, "name") && Object.hasOwn(value, "count");

/** A copy's name and its elements. */
export const copied = (copy: Obj, scope: Scope, path: string): [string, Value[]] => {
  const { name, input } = copy;
  if (typeof name !== "string" || input === undefined)
    throw new TemplateError(`The copy at path ${quoted(path)} is not valid: it needs 'name', 'count' and 'input'.`);
  const count = copyCount(copy.count!, scope, path);
  const elements = Array.from({ length: count }, (_, index) =>
    evaluateValue(input, { ...scope, copies: new Map(scope.copies).set(name.toLowerCase(), index) }, `${path}.input`),
  );
  return [name, elements];
};

export const copyCount = (count: Value, scope: Scope, path: string): number => {
  const value = typeof count === "string" ? at(path, () => evaluateText(count, scope)) : count;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= mostCopies) return value;
  throw new TemplateError(
    `The copy at path ${quoted(path)} is not valid: 'count' must be a whole number from '0' to '${mostCopies}', but is ${typeof value === "number" ? `'${value}'` : `of type '${typeName(value)}'`}.`,
  );
};

const at = <T>(path: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (path === "" || !(error instanceof TemplateError) || error instanceof NotYet || error.message.includes(" at path '")) throw error;
    throw new TemplateError(`${error.message.replace(/\.$/, "")} (at path ${quoted(path, 256)}).`, { cause: error });
  }
};
