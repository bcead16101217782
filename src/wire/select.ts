// Reads $select: which properties of an answer the client wants. Names are those of the client's version and compared with regard to
// case; a path (executionInfo/exitCode) goes below an object or the elements of a list.
import { invalidQuery } from "../api/errors.ts";
import type { Model, Shape } from "../api/fields.ts";
import { livesIn, type Version } from "../api/versions.ts";
import { wireName } from "./parse.ts";

/** What is wanted, by the newest names; `true` where the whole of a property is. */
export type Selection = Map<string, true | Selection>;

/** Throws InvalidQueryParameterValue for a name that the model does not have in that version. */
export const parseSelect = (model: Model, text: string, version: Version): Selection => {
  const selection: Selection = new Map();
  for (const part of text.split(",")) {
    const path = part.trim();
    if (path !== "") choose(selection, model, path.split("/"), version, text);
  }
  return selection;
};

const choose = (selection: Selection, model: Model, [name, ...rest]: string[], version: Version, text: string): void => {
  const known = Object.entries(model.fields).find(
    ([key, field]) => livesIn(field.options, version) && field.options.secret === undefined && wireName(key, field, version) === name,
  );
  if (known === undefined) {
    throw invalidQuery(
      "$select",
      text.slice(0, 256),
      `The property '${(name ?? "").slice(0, 128)}' does not exist on type '${model.name}'.`,
    );
  }
  const [key, { shape }] = known;
  if (rest.length === 0) {
    selection.set(key, true);
    return;
  }
  const below = modelOf(shape);
  if (below === undefined) throw invalidQuery("$select", text.slice(0, 256), `The property '${name}' has no properties of its own.`);
  const before = selection.get(key);
  const nested: Selection = before === undefined || before === true ? new Map() : before;
  choose(nested, below, rest, version, text);
  if (before !== true) selection.set(key, nested);
};

const modelOf = (shape: Shape): Model | undefined => {
  if (shape.kind === "object") return shape.model();
  return shape.kind === "array" ? modelOf(shape.item) : undefined;
};
