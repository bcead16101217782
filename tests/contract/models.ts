// Every model that the declared operations reach, by name.
import { batchOperations } from "../../src/api/batch/index.ts";
import type { Field, Model, Shape } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { livesIn, type Version } from "../../src/api/versions.ts";
import { isRequired, wireName } from "../../src/wire/parse.ts";

export const reachableModels = (): Map<string, Model> => modelsOf(Object.values(batchOperations) as unknown as OperationDeclaration[]);

export const modelsOf = (operations: readonly OperationDeclaration[]): Map<string, Model> => {
  const found = new Map<string, Model>();
  const visit = (model: Model | undefined): void => {
    if (model === undefined || found.has(model.name)) return;
    found.set(model.name, model);
    for (const { shape } of Object.values(model.fields)) visitShape(shape);
  };
  const visitShape = (shape: Shape): void => {
    if (shape.kind === "object") visit(shape.model());
    else if (shape.kind === "array") visitShape(shape.item);
    else if (shape.kind === "map") visitShape(shape.value);
  };
  for (const { body, answer } of operations) {
    for (const model of [body, answer.body, answer.item]) visit(model);
  }
  return found;
};

/** What a version has of a model: names on the wire, and whether each is required. */
export const propertiesIn = (model: Model, version: Version): Map<string, boolean> =>
  new Map(
    (Object.entries(model.fields) as [string, Field][])
      .filter(([, field]) => livesIn(field.options, version))
      .map(([key, field]) => [wireName(key, field, version), isRequired(field, version)]),
  );
