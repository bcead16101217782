// Whether a value in memory passes a $filter, for lists that do not come from a table. Strings only: no such list has anything else.
import { Bug } from "../lib/bug.ts";
import type { Comparison, FilterNode } from "./filter.ts";

/** Compared without regard to case, like all values of filters. `read` gives the property that a comparison names. */
export const matchesFilter = (filter: FilterNode | undefined, read: (property: string) => string): boolean => {
  if (filter === undefined) return true;
  switch (filter.type) {
    case "and":
      return matchesFilter(filter.left, read) && matchesFilter(filter.right, read);
    case "or":
      return matchesFilter(filter.left, read) || matchesFilter(filter.right, read);
    case "not":
      return !matchesFilter(filter.operand, read);
    case "startswith":
      return read(filter.property).toLowerCase().startsWith(filter.value.toLowerCase());
    case "compare": {
      if (filter.value.kind !== "string") throw new Bug(`a filter compares ${filter.property} with a ${filter.value.kind}`);
      const [value, other] = [read(filter.property).toLowerCase(), filter.value.value.toLowerCase()];
      return holds[filter.operator](value, other);
    }
  }
};

const holds: Record<Comparison, (value: string, other: string) => boolean> = {
  eq: (value, other) => value === other,
  ne: (value, other) => value !== other,
  gt: (value, other) => value > other,
  ge: (value, other) => value >= other,
  lt: (value, other) => value < other,
  le: (value, other) => value <= other,
};
