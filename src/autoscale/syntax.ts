// The tree that the parser makes and checker and evaluator walk. `at` is always an offset into the formula's text.

export const binaryOperators = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/"] as const;
export type BinaryOperator = (typeof binaryOperators)[number];
export type UnaryOperator = "-" | "!";

export type Expression =
  | { kind: "number"; at: number; value: number }
  | { kind: "text"; at: number; value: string }
  /** A variable, a constant or the word of an option; `$` is part of the name where it was written. */
  | { kind: "name"; at: number; name: string }
  | { kind: "unary"; at: number; operator: UnaryOperator; operand: Expression }
  /** `at` is the operator's. */
  | Binary
  /** `when ? yes : no`; `at` is that of the question mark. */
  | { kind: "choice"; at: number; when: Expression; yes: Expression; no: Expression }
  | { kind: "call"; at: number; name: string; args: readonly Expression[] }
  /** `target.name`; `at` is the name's. */
  | { kind: "member"; at: number; target: Expression; name: string }
  | Method;

export type Binary = { kind: "binary"; at: number; operator: BinaryOperator; left: Expression; right: Expression };

/** `target.name(args)`; `at` is the name's, `argsAt` the opening parenthesis', where the service reports missing samples. */
export type Method = { kind: "method"; at: number; argsAt: number; target: Expression; name: string; args: readonly Expression[] };

/** `name = value`, or a bare expression. */
export type Statement = { at: number; name?: string; value: Expression };

export type Program = readonly Statement[];

/**
 * The binary operations down the left side of a tree, innermost first, and what the innermost begins with. A sum of thousands of terms
 * is a tree as deep as it is long, so whoever walks a tree goes along this list instead of calling itself.
 */
export const leftSpine = (expression: Binary): { first: Expression; rest: Binary[] } => {
  const rest: Binary[] = [];
  let first: Expression = expression;
  while (first.kind === "binary") {
    rest.push(first);
    first = first.left;
  }
  return { first, rest: rest.reverse() };
};
