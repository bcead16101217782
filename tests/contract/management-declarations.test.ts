// Our declarations of the management plane against the official documents of both providers: paths, parameters, conditions, statuses, bodies
// and answers property by property. Every difference that is meant is listed here with its reason; one that is not, and one that no longer
// is, fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { f, model } from "../../src/api/fields.ts";
import { PoolProperties } from "../../src/api/management/batch/pool-properties.ts";
import { managementOperations, qualifiedId } from "../../src/api/management/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { livesIn } from "../../src/api/versions.ts";
import { type ManagementDocument, managementDocuments } from "../support/management-documents.ts";
import { meantDifferences, undocumented } from "./management-deviations.ts";
import { compareOperation, managementStyle, operationsOf, routeOf } from "./openapi.ts";

const ours = Object.values(managementOperations);
const documents = managementDocuments();

const differencesIn = ({ namespace, version, document }: ManagementDocument, declarations: readonly OperationDeclaration[]): string[] => {
  const documented = operationsOf(document);
  const differences = declarations
    .filter(({ provider }) => provider!.namespace === namespace)
    .flatMap((declared) => {
      const theirs = documented.get(routeOf(declared.method, declared.path));
      const lives = livesIn(declared, version);
      if (theirs === undefined) return lives && !undocumented.has(qualifiedId(declared)) ? [`${declared.id} is not there`] : [];
      return lives ? compareOperation(declared, document, theirs, version, managementStyle) : [`${declared.id} is there`];
    });
  return [...new Set(differences)];
};

for (const one of documents) {
  const { namespace, version } = one;
  test(`operations and models of ${namespace} are those of the document of ${version}`, () => {
    const here = namespace === "Microsoft.Batch" ? "batch" : "hci";
    const expected = meantDifferences
      .filter(({ provider, versions }) => provider === here && (versions === "all" || versions.includes(version)))
      .flatMap(({ differences }) => differences);
    assert.deepEqual(differencesIn(one, ours).sort(), expected.sort());
  });
}

test("every operation of the documents is declared", () => {
  const known = new Set(ours.map((one) => `${one.provider!.namespace} ${routeOf(one.method, one.path)}`));
  const missing = documents.flatMap(({ namespace, document }) =>
    [...operationsOf(document)].flatMap(([route, { operationId }]) =>
      known.has(`${namespace} ${route}`) ? [] : [`${namespace}/${operationId}`],
    ),
  );
  assert.deepEqual([...new Set(missing)].sort(), []);
});

test("the comparison notices a wrong letter case, a writable property that is read-only, a status and a missing property", () => {
  const newest = documents.find(({ version }) => version === "2024-07-01")!;
  const pool = managementOperations["Microsoft.Batch/Pool_Create"]!;
  const { displayName: _, ...fewer } = PoolProperties.fields;
  const properties = model("PoolProperties", { ...fewer, interNodeCommunication: f.enum(["enabled", "Disabled"]), vmSize: f.int32() });
  const body = model("Pool", { ...pool.body!.fields, etag: f.string(), properties: f.object(properties) });
  const spoilt = { ...pool, answer: { ...pool.answer, status: 201 }, body } as OperationDeclaration;
  const known = new Set(differencesIn(newest, [pool]));
  assert.deepEqual(
    differencesIn(newest, [spoilt])
      .filter((one) => !known.has(one))
      .sort(),
    [
      "Pool.etag is read-only",
      "PoolProperties.displayName is there",
      "PoolProperties.interNodeCommunication has values Disabled,Enabled",
      "PoolProperties.vmSize is string",
      "Pool_Create answers 200",
      "Pool_Create answers another kind of body",
    ],
  );
});
