// What $filter of the lists of pools and certificates offers, and what a filter says in the names and values that the store knows.
import type { Comparison, Filterable, FilterNode, FilterValue } from "../../../domain/filter.ts";
import { comparisons, equality, idOperators } from "../../../store/filter.ts";

const text = { type: "string", operators: equality } as const;
const name = { type: "string", operators: idOperators } as const;
/** An example of the documents writes `gt '2017-05-01'`, others `datetime'2017-02-02'`. */
const time = { type: "time", operators: comparisons, plainTime: true } as const;
const object = { type: "object", operators: equality } as const;

/** Those that the document names. */
export const poolFilterable = {
  name,
  "properties/allocationState": text,
  "properties/allocationStateTransitionTime": time,
  "properties/creationTime": time,
  "properties/provisioningState": text,
  "properties/provisioningStateTransitionTime": time,
  "properties/lastModified": time,
  "properties/vmSize": text,
  "properties/interNodeCommunication": text,
  "properties/scaleSettings/autoScale": object,
  "properties/scaleSettings/fixedScale": object,
} as const satisfies Filterable;

export const certificateFilterable = {
  name,
  "properties/provisioningState": text,
  "properties/provisioningStateTransitionTime": time,
} as const satisfies Filterable;

type Renaming = {
  property: string;
  /** A value in the store's words; one that is not here means itself, and is the value of nothing. */
  values?: Readonly<Record<string, FilterValue>>;
  /** For objects: the value that the property has where the object is there. */
  present?: boolean;
};

const states = (of: Readonly<Record<string, string>>): Readonly<Record<string, FilterValue>> =>
  Object.fromEntries(Object.entries(of).map(([ours, value]) => [ours, { kind: "string", value }]));

const poolNames: Readonly<Record<keyof typeof poolFilterable, Renaming>> = {
  name: { property: "id" },
  "properties/allocationState": { property: "allocationState" },
  "properties/allocationStateTransitionTime": { property: "allocationStateTransitionTime" },
  "properties/creationTime": { property: "creationTime" },
  "properties/provisioningState": { property: "state", values: states({ succeeded: "active", deleting: "deleting" }) },
  "properties/provisioningStateTransitionTime": { property: "stateTransitionTime" },
  "properties/lastModified": { property: "lastModified" },
  "properties/vmSize": { property: "vmSize" },
  "properties/interNodeCommunication": {
    property: "enableInterNodeCommunication",
    values: { enabled: { kind: "boolean", value: true }, disabled: { kind: "boolean", value: false } },
  },
  "properties/scaleSettings/autoScale": { property: "enableAutoScale", present: true },
  "properties/scaleSettings/fixedScale": { property: "enableAutoScale", present: false },
};

const certificateNames: Readonly<Record<keyof typeof certificateFilterable, Renaming>> = {
  name: { property: "name" },
  "properties/provisioningState": {
    property: "state",
    values: states({ succeeded: "active", deleting: "deleting", failed: "deletefailed" }),
  },
  "properties/provisioningStateTransitionTime": { property: "stateTransitionTime" },
};

export const poolFilter = (filter: FilterNode | undefined): FilterNode | undefined => filter && renamed(filter, poolNames);
export const certificateFilter = (filter: FilterNode | undefined): FilterNode | undefined => filter && renamed(filter, certificateNames);

const renamed = (node: FilterNode, names: Readonly<Record<string, Renaming>>): FilterNode => {
  switch (node.type) {
    case "and":
    case "or":
      return { ...node, left: renamed(node.left, names), right: renamed(node.right, names) };
    case "not":
      return { ...node, operand: renamed(node.operand, names) };
    case "startswith":
      return { ...node, property: names[node.property]!.property };
    case "compare":
      return compared(node.operator, node.value, names[node.property]!);
  }
};

const compared = (operator: Comparison, value: FilterValue, { property, values, present }: Renaming): FilterNode => {
  if (value.kind === "null") {
    // `ne null` asks whether it is there.
    const isThere = operator === "ne";
    return { type: "compare", operator: "eq", property, value: { kind: "boolean", value: isThere === present } };
  }
  const known = value.kind === "string" ? values?.[value.value.toLowerCase()] : undefined;
  return { type: "compare", operator, property, value: known ?? value };
};
