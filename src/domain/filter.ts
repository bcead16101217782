// A $filter as a tree of plain values: http/odata parses it, store/filter.ts makes SQL of it.

export type Comparison = "eq" | "ne" | "gt" | "ge" | "lt" | "le";

export type FilterValue =
  | { kind: "string"; value: string }
  | { kind: "number"; value: number }
  | { kind: "boolean"; value: boolean }
  | { kind: "time"; value: number }
  /** What an object is compared with: whether it is there. */
  | { kind: "null" };

export type FilterNode =
  | { type: "and" | "or"; left: FilterNode; right: FilterNode }
  | { type: "not"; operand: FilterNode }
  /** `property` is a path such as executionInfo/exitCode. */
  | { type: "compare"; operator: Comparison; property: string; value: FilterValue }
  | { type: "startswith"; property: string; value: string };

/** What a list lets its clients filter by: the type decides how a value is read, the operators what is refused. */
export type Filterable = Readonly<
  Record<
    string,
    {
      type: "string" | "number" | "boolean" | "time" | "object";
      operators: readonly (Comparison | "startswith")[];
      /** Of a time: it may also be given as a text, without `datetime` in front. */
      plainTime?: true;
    }
  >
>;
