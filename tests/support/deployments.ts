// What tests of template deployments share: where deployments are, how they are begun, and when they have ended.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { armRequest } from "./arm.ts";
import { type Quern, startQuern, until } from "./quern.ts";
import type { Answer } from "./signed.ts";
import { storageVersion } from "./templates.ts";

export const version = "2022-09-01";
export const at = (name: string, group = "{rg}") =>
  `/subscriptions/{sub}/resourceGroups/${group}/providers/Microsoft.Resources/deployments/${name}`;

export type Sent = { template: object; parameters?: object; mode?: string };
export const bodyOf = ({ template: of, parameters = {}, mode = "Incremental" }: Sent) => ({
  properties: { template: of, parameters, mode },
});

export const begin = (quern: Quern, path: string, sent: Sent): Promise<Answer> =>
  armRequest(quern, { method: "PUT", path, version, body: bodyOf(sent) });
export const ask = (quern: Quern, path: string, method = "GET"): Promise<Answer> => armRequest(quern, { method, path, version });

/** The deployment when it has ended. */
export const ended = async (quern: Quern, path: string): Promise<any> =>
  (
    await until(
      () => ask(quern, path),
      ({ json }) => /^(Succeeded|Failed|Canceled)$/.test(json.properties.provisioningState),
    )
  ).json;

export const deploy = async (quern: Quern, path: string, sent: Sent): Promise<any> => {
  const begun = await begin(quern, path, sent);
  assert.ok(begun.status === 201 || begun.status === 200, begun.text);
  return ended(quern, path);
};

export const storageAccount = (name: string, more: object = {}) => ({
  type: "Microsoft.Storage/storageAccounts",
  apiVersion: storageVersion,
  name,
  location: "eastus",
  sku: { name: "Standard_LRS" },
  kind: "StorageV2",
  ...more,
});
export const identity = (name: string, more: object = {}) => ({
  type: "Microsoft.ManagedIdentity/userAssignedIdentities",
  apiVersion: "2023-01-31",
  name,
  location: "eastus",
  ...more,
});

/** A server without blobs: enough for most templates. */
export const one = async (t: TestContext): Promise<Quern> => startQuern(t, { args: ["--storage", "none"] });
