// Reads the query parameters that an operation declares. Names are matched without regard to case, of a name that comes twice the
// first counts, names that are not declared are looked over, as the service does. The syntax within $filter is odata's.
import { ApiError, invalidQuery } from "../api/errors.ts";
import type { Field, Infer, Model, Plain } from "../api/fields.ts";
import { livesIn, type Version } from "../api/versions.ts";
import { Bug } from "../lib/bug.ts";
import { normaliseTime } from "../wire/values.ts";

/** Query parameters as pairs of decoded names and values. An empty value counts as absent. Throws InvalidQueryParameterValue. */
export const parseQuery = <M extends Model>(
  model: M,
  query: readonly (readonly [name: string, value: string])[],
  version: Version,
): Infer<M> => {
  const value: Plain = {};
  for (const [key, field] of Object.entries(model.fields)) {
    const given = livesIn(field.options, version) ? query.find(([name]) => name.toLowerCase() === key.toLowerCase()) : undefined;
    if (given !== undefined && given[1] !== "") value[key] = read(field, given[0], given[1]);
    else if (field.options.default !== undefined) value[key] = field.options.default;
    else if (field.required) throw new ApiError("MissingRequiredQueryParameter", [{ key: "QueryParameterName", value: key }]);
  }
  return value as Infer<M>;
};

const longest = 4096;

const read = ({ shape }: Field, name: string, text: string): unknown => {
  const refuse = (reason: string): never => {
    throw invalidQuery(name, text.slice(0, 256), reason);
  };
  if (text.length > longest) return refuse(`The value must not be longer than ${longest} characters`);
  switch (shape.kind) {
    case "string":
      return text;
    case "dateTime":
      return normaliseTime(text) ?? refuse("The value must be a time in the form of ISO 8601, in UTC or with an offset");
    case "boolean": {
      const lower = text.toLowerCase();
      if (lower !== "true" && lower !== "false") return refuse("The value must be true or false");
      return lower === "true";
    }
    case "int32": {
      // The wording is the service's own where it was seen: "MaxResults cannot be less than 1".
      const what = shape.what ?? name;
      if (!/^[+-]?\d{1,10}$/.test(text)) return refuse(`${what} must be a whole number`);
      const number = Number(text);
      const { min = -(2 ** 31), max = 2 ** 31 - 1 } = shape;
      if (number < min) return refuse(`${what} cannot be less than ${min}`);
      if (number > max) return refuse(`${what} cannot be greater than ${max}`);
      return number;
    }
    default:
      throw new Bug(`no query parameter has the kind ${shape.kind}`);
  }
};
