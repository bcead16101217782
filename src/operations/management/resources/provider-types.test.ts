// Which resource types the declared operations make, and how a type in any case is written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { microsoftBatch, microsoftResources, microsoftStorage, providers } from "../../../api/management/providers.ts";
import { findProvider, resourceTypesOf, spelledType } from "./provider-types.ts";

const namesOf = (provider: (typeof providers)[number]): string[] => resourceTypesOf(provider).map(({ type }) => type);

test("types are what resources are, not what is done with them", () => {
  const batch = namesOf(microsoftBatch);
  for (const type of ["batchAccounts", "batchAccounts/pools", "locations/quotas", "locations/checkNameAvailability", "operations"])
    assert.ok(batch.includes(type), type);
  for (const action of ["batchAccounts/listKeys", "batchAccounts/pools/stopResize", "batchAccounts/regenerateKeys"])
    assert.ok(!batch.includes(action), action);
  assert.deepEqual(namesOf(microsoftStorage), ["checkNameAvailability", "storageAccounts"]);
  const resources = namesOf(microsoftResources);
  for (const type of ["subscriptions", "subscriptions/resourceGroups", "subscriptions/locations", "tenants", "tags"])
    assert.ok(resources.includes(type), type);
});

test("a type has the versions that have one of its operations, the newest first", () => {
  const accounts = resourceTypesOf(microsoftBatch).find(({ type }) => type === "batchAccounts")!;
  assert.equal(accounts.isTracked, true);
  assert.deepEqual(accounts.apiVersions, [...microsoftBatch.versions].reverse());
  const certificates = resourceTypesOf(microsoftBatch).find(({ type }) => type === "batchAccounts/certificates")!;
  assert.ok(!certificates.apiVersions.includes("2025-06-01") && certificates.apiVersions.includes("2024-07-01"));
  assert.equal(certificates.isTracked, false);
});

test("every provider has types, and is found in any case", () => {
  for (const provider of providers) {
    assert.ok(namesOf(provider).length > 0, provider.namespace);
    assert.equal(findProvider(provider.namespace.toUpperCase()), provider);
  }
  assert.equal(findProvider("Microsoft.Compute"), undefined);
  assert.equal(spelledType("microsoft.azurestackhci/galleryimages"), "Microsoft.AzureStackHCI/galleryImages");
  assert.equal(spelledType("microsoft.unknown/things"), "microsoft.unknown/things");
});
