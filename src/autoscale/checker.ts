// What can be known without evaluating: every name is defined before it is used, every call and operator fits its types.
// Statements run one after the other without loops, so a variable's type is that of its last assignment; only branches of
// different types and stop() leave a type open, which the evaluator then looks at.
import { functions } from "./functions.ts";
import { fault } from "./messages.ts";
import { possibleResults, takesUnary, unaryResult } from "./operators.ts";
import { sampleMethods } from "./samples.ts";
import { callResults, type Signature, shownSignatures, shownTypes } from "./signatures.ts";
import { type Binary, type Expression, leftSpine, type Method, type Program } from "./syntax.ts";
import { type Type, timestampMembers } from "./values.ts";
import { requireAssignable, variableOf } from "./variables.ts";

/** undefined: known only to the evaluation. */
type Open = Type | undefined;

/** The formula's own variables so far. */
type Scope = Map<string, Open>;

const only = (types: Set<Open>): Open => (types.size === 1 ? [...types][0] : undefined);

const nameType = (name: string, at: number, scope: Scope): Open => {
  const variable = variableOf(name, at);
  switch (variable.kind) {
    case "metric":
    case "taskSlots":
    case "target":
      return "double";
    case "deallocation":
    case "option":
      return "nodeDeallocationOption";
    case "interval":
      return "timeinterval";
    case "own":
      if (!scope.has(variable.key)) throw fault(at, "undefinedSymbol", { name });
      return scope.get(variable.key);
  }
};

const callType = (name: string, at: number, signatures: readonly Signature[], args: readonly Expression[], scope: Scope): Open => {
  const given = args.map((arg) => typeOf(arg, scope));
  const results = callResults(signatures, given);
  if (results.size === 0) throw fault(at, "wrongArguments", { name, wanted: shownSignatures(signatures), given: shownTypes(given) });
  return only(results);
};

const binaryType = (expression: Binary, scope: Scope): Open => {
  const { first, rest } = leftSpine(expression);
  return rest.reduce(
    (left, { at, operator, right }) => {
      const rightType = typeOf(right, scope);
      const results = possibleResults(left, operator, rightType);
      if (results.size === 0) throw fault(at, "wrongOperands", { operator, left: left ?? "any", right: rightType ?? "any" });
      return only(results);
    },
    typeOf(first, scope),
  );
};

const methodType = ({ at, target, name, args }: Method, scope: Scope): Open => {
  const written = target.kind === "name" ? target.name : "The expression";
  if (target.kind !== "name" || variableOf(target.name, target.at).kind !== "metric") {
    typeOf(target, scope);
    throw fault(target.at, "notSampled", { name: written });
  }
  const method = sampleMethods.get(name);
  if (method === undefined) throw fault(at, "undefinedMethod", { name: written, method: name });
  return callType(name, at, method.signatures, args, scope);
};

const typeOf = (expression: Expression, scope: Scope): Open => {
  const { at } = expression;
  switch (expression.kind) {
    case "number":
      return "double";
    case "text":
      return "string";
    case "name":
      return nameType(expression.name, at, scope);
    case "unary": {
      const operand = typeOf(expression.operand, scope);
      const { operator } = expression;
      if (!takesUnary(operator, operand)) throw fault(at, "wrongOperand", { operator, operand: operand ?? "any" });
      return unaryResult(operator, operand);
    }
    case "binary":
      return binaryType(expression, scope);
    case "choice": {
      const when = typeOf(expression.when, scope) ?? "double";
      if (when !== "double") throw fault(at, "wrongCondition", { given: when });
      return only(new Set([typeOf(expression.yes, scope), typeOf(expression.no, scope)]));
    }
    case "call": {
      const called = functions.get(expression.name);
      if (called === undefined) throw fault(at, "undefinedFunction", { name: expression.name });
      return callType(expression.name, at, called.signatures, expression.args, scope);
    }
    case "member": {
      const { name } = expression;
      const type = typeOf(expression.target, scope) ?? "timestamp";
      if (type !== "timestamp" || !Object.hasOwn(timestampMembers, name)) throw fault(at, "undefinedMember", { type, name });
      return "double";
    }
    case "method":
      return methodType(expression, scope);
  }
};

/** Throws a FormulaFault at the first thing, in the order of the text, that can never be evaluated. */
export const check = (program: Program): void => {
  const scope: Scope = new Map();
  for (const { at, name, value } of program) {
    const type = typeOf(value, scope);
    if (name === undefined) continue;
    const variable = variableOf(name, at);
    requireAssignable(variable, name, type, at);
    if (variable.kind === "own") scope.set(variable.key, type);
  }
};
