// Regions in any spelling, the server's own, and the refusals with their lists.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../api/errors.ts";
import { checkGroupLocation, checkLocation, checkSameLocation, knownLocation, locationsWith, publicLocations } from "./locations.ts";

const refusalOf = (ask: () => unknown): ApiError => {
  try {
    ask();
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error;
  }
  return assert.fail("it was not refused");
};

test("a region is known in any spelling", () => {
  for (const text of ["westus2", "West US 2", "WestUS2", " west us 2 "]) assert.equal(knownLocation(text)?.name, "westus2", text);
  assert.equal(knownLocation("moon"), undefined);
  assert.equal(knownLocation("moon", "Moon")?.displayName, "Moon");
  assert.equal(new Set(publicLocations.map(({ name }) => name)).size, publicLocations.length);
  assert.ok(publicLocations.every(({ name }) => /^[a-z0-9]+$/.test(name)));
});

test("the server's own region is one of the list, once", () => {
  assert.equal(locationsWith("East US").length, publicLocations.length);
  assert.equal(locationsWith("moon").at(-1)!.name, "moon");
});

test("unknown and missing regions are refused with those there are", () => {
  assert.equal(checkLocation("Japan East", "Microsoft.Batch/batchAccounts"), "japaneast");
  assert.equal(refusalOf(() => checkLocation(undefined, "a/b")).code, "LocationRequired");
  const { code, status, message } = refusalOf(() => checkLocation("atlantis", "Microsoft.Batch/batchAccounts", "moon"));
  assert.deepEqual([code, status], ["LocationNotAvailableForResourceType", 400]);
  assert.match(message, /^The provided location 'atlantis' is not available for resource type 'Microsoft.Batch\/batchAccounts'\. List of/);
  assert.match(message, /'eastus,.*,moon'\.$/);
  assert.equal(refusalOf(() => checkGroupLocation("atlantis")).code, "LocationNotAvailableForResourceGroup");
});

test("a resource stays where it is", () => {
  const resource = { name: "one", location: "westeurope", resourceGroup: "group" };
  checkSameLocation("West Europe", resource);
  checkSameLocation(undefined, resource);
  const { code, status } = refusalOf(() => checkSameLocation("eastus", resource));
  assert.deepEqual([code, status], ["InvalidResourceLocation", 409]);
});
