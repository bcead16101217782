// Makes SQL of a $filter. The caller has already refused properties and operators that the list does not offer (`FilterColumns` is
// also the table for that); every value is a parameter, never text.
import type { Comparison, Filterable, FilterNode, FilterValue } from "../domain/filter.ts";
import { Bug } from "../lib/bug.ts";
import { oneOf, type Sql, type SqlValue, sql } from "./db.ts";

export type FilterColumn = Filterable[string] & {
  /** An expression over the list's own tables. */
  expression: string;
  /**
   * How the expression's values compare with a filter's: `lower` text is stored in lower case (keys, states), `text` is not;
   * `stamp` is in us where the filter's times are in ms.
   */
  stored: "lower" | "text" | "number" | "boolean" | "time" | "stamp";
  /** The expression can be NULL: the property is absent. An absent property differs from every value and is neither less nor greater. */
  nullable?: true;
};

/** Assignable to Filterable, so that the pipeline checks requests against the same table. */
export type FilterColumns = Readonly<Record<string, FilterColumn>>;

export const equality = ["eq", "ne"] as const;
export const comparisons = ["eq", "ne", "gt", "ge", "lt", "le"] as const;
export const idOperators = [...comparisons, "startswith"] as const;

/** Strings compare without regard to case, like all values in the service (reference: errors-and-http section 4). */
export const compileFilter = (filter: FilterNode, columns: FilterColumns): Sql => compile(filter, false, columns);

/**
 * `not` is pushed down to the comparisons, because SQL's own NOT loses rows whose column is NULL. Chains of and/or become
 * balanced trees: a long filter must not meet SQLite's limit on the depth of an expression (1,000).
 */
const compile = (node: FilterNode, negated: boolean, columns: FilterColumns): Sql => {
  switch (node.type) {
    case "and":
    case "or": {
      const joint = (node.type === "and") === negated ? " OR " : " AND ";
      const { lists, others } =
        joint === " OR " ? takeLists(chain(node, node.type), negated, columns) : { lists: [], others: chain(node, node.type) };
      const all = balanced([...lists, ...others.map((operand) => compile(operand, negated, columns))], joint);
      return others.length > mostPlanned ? sql`(${all} IS TRUE)` : all;
    }
    case "not":
      return compile(node.operand, !negated, columns);
    case "compare":
      return compare(columnOf(node.property, columns), effective(node.operator, negated), node.value, negated);
    case "startswith":
      return startsWith(columnOf(node.property, columns), node.value, negated);
  }
};

/** Longer chains are hidden from SQLite's planner (by IS TRUE), whose time grows with the square of their length: 200 ms for 1,000. */
const mostPlanned = 16;

/** Of alternatives, `id eq 'a' or id eq 'b' or ...` becomes one IN, which is looked up in the index however long it is. */
const takeLists = (operands: readonly FilterNode[], negated: boolean, columns: FilterColumns): { lists: Sql[]; others: FilterNode[] } => {
  const values = new Map<string, SqlValue[]>();
  const others: FilterNode[] = [];
  for (const operand of operands) {
    const isEquality = operand.type === "compare" && effective(operand.operator, negated) === "eq";
    const value = isEquality ? parameterOf(columnOf(operand.property, columns), operand.value) : undefined;
    if (!isEquality || value === undefined) others.push(operand);
    else if (!values.get(operand.property)?.push(value)) values.set(operand.property, [value]);
  }
  const lists = [...values].map(([property, some]) => sql`${expressionOf(columnOf(property, columns))} IN (${oneOf(some)})`);
  return { lists, others };
};

const chain = (root: FilterNode, type: "and" | "or"): FilterNode[] => {
  const operands: FilterNode[] = [];
  const left: FilterNode[] = [root];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (node.type === type) left.push(node.right, node.left);
    else operands.push(node);
  }
  return operands;
};

const balanced = (operands: readonly Sql[], joint: " AND " | " OR "): Sql => {
  if (operands.length === 1) return operands[0]!;
  const middle = operands.length >> 1;
  return sql`(${balanced(operands.slice(0, middle), joint)}${raw(joint)}${balanced(operands.slice(middle), joint)})`;
};

const columnOf = (property: string, columns: FilterColumns): FilterColumn => {
  const column = Object.hasOwn(columns, property) ? columns[property] : undefined;
  if (column === undefined) throw new Bug(`a filter by ${property} reached the store`);
  return column;
};

const raw = (text: string): Sql => ({ text, values: [] });
const opposite: Record<Comparison, Comparison> = { eq: "ne", ne: "eq", gt: "le", ge: "lt", lt: "ge", le: "gt" };
const effective = (operator: Comparison, negated: boolean): Comparison => (negated ? opposite[operator] : operator);
const operatorText: Record<Comparison, string> = { eq: "=", ne: "<>", gt: ">", ge: ">=", lt: "<", le: "<=" };

/** What a comparison is when one side is absent: only "differs" is true of it, and so is what was negated into being. */
const compare = (column: FilterColumn, operator: Comparison, value: FilterValue, negated: boolean): Sql => {
  const trueOfAbsent = negated ? operator !== "eq" : operator === "ne";
  const parameter = parameterOf(column, value);
  if (parameter === undefined) return trueOfAbsent ? sql`1 = 1` : sql`1 = 0`;
  const comparison = sql`${expressionOf(column)} ${raw(operatorText[operator])} ${parameter}`;
  if (column.nullable !== true) return comparison;
  const expression = raw(column.expression);
  return trueOfAbsent ? sql`(${expression} IS NULL OR ${comparison})` : sql`(${expression} IS NOT NULL AND ${comparison})`;
};

/** A range instead of LIKE: it uses the index of a key, and nothing in the value needs escaping. */
const startsWith = (column: FilterColumn, prefix: string, negated: boolean): Sql => {
  const expression = expressionOf(column);
  const start = prefix.toLowerCase();
  const end = `${start}\u{10ffff}`;
  const absent = raw(`${column.expression} IS ${negated ? "" : "NOT "}NULL`);
  const inside = negated
    ? sql`(${expression} < ${start} OR ${expression} >= ${end})`
    : sql`(${expression} >= ${start} AND ${expression} < ${end})`;
  if (column.nullable !== true) return inside;
  return negated ? sql`(${absent} OR ${inside})` : sql`(${absent} AND ${inside})`;
};

const expressionOf = (column: FilterColumn): Sql => raw(column.stored === "text" ? `lower(${column.expression})` : column.expression);

/** Undefined when the value is of another kind than the column: such a comparison is decided without the data. */
const parameterOf = (column: FilterColumn, value: FilterValue): SqlValue | undefined => {
  switch (column.stored) {
    case "lower":
    case "text":
      return value.kind === "string" ? value.value.toLowerCase() : undefined;
    case "number":
      return value.kind === "number" ? value.value : undefined;
    case "boolean":
      return value.kind === "boolean" ? Number(value.value) : undefined;
    case "time":
      return value.kind === "time" ? value.value : undefined;
    case "stamp":
      return value.kind === "time" ? Math.round(value.value * 1000) : undefined;
  }
};
