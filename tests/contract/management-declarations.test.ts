// Our declarations of the management plane against the official documents of both providers: paths, parameters, conditions, statuses, bodies
// and answers property by property. Every difference that is meant is listed here with its reason; one that is not, and one that no longer
// is, fails. Operations that are not declared yet are named in management-undeclared.txt, which may only shrink.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { managementOperations, qualifiedId } from "../../src/api/management/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { livesIn } from "../../src/api/versions.ts";
import { type ManagementDocument, managementDocuments } from "../support/management-documents.ts";
import { meantDifferences, undocumented } from "./management-deviations.ts";
import { compareOperation, managementStyle, operationsOf, routeOf } from "./openapi.ts";

const undeclared = readFileSync(join(import.meta.dirname, "management-undeclared.txt"), "utf8")
  .split("\n")
  .filter(Boolean);
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

for (const document of documents) {
  const { namespace, version } = document;
  test(`operations and models of ${namespace} are those of the document of ${version}`, () => {
    const here = namespace === "Microsoft.Batch" ? "batch" : "hci";
    const expected = meantDifferences
      .filter(({ provider, versions }) => provider === here && (versions === "all" || versions.includes(version)))
      .flatMap(({ differences }) => differences);
    assert.deepEqual(differencesIn(document, ours).sort(), expected.sort());
  });
}

test("every operation of the documents is declared, or named in management-undeclared.txt", () => {
  const known = new Set(ours.map((one) => `${one.provider!.namespace} ${routeOf(one.method, one.path)}`));
  const missing = documents.flatMap(({ namespace, document }) =>
    [...operationsOf(document)].flatMap(([route, { operationId }]) =>
      known.has(`${namespace} ${route}`) ? [] : [`${namespace}/${operationId}`],
    ),
  );
  assert.deepEqual(
    [...new Set(missing)].sort(),
    undeclared.toSorted(),
    "delete what is declared now from management-undeclared.txt; nothing may be added there",
  );
});
