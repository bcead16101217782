// Batch accounts made through ARM for tests: create, wait, speak to their data plane by key or by host name.
import assert from "node:assert/strict";
import { armPoll, armRequest } from "./arm.ts";
import type { Quern } from "./quern.ts";
import { type Answer, type RawRequest, signedRequest } from "./signed.ts";

export const accountsPath = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts";

/** The path of an account of the default group, or of one in another. */
export const accountPath = (name: string, group = "{rg}"): string => `${accountsPath.replace("{rg}", group)}/${name}`;

/** Creates the account and follows the creation to its end; gives back the account. */
export const createAccount = async (quern: Quern, name: string, body: object = {}, group?: string): Promise<any> => {
  const answer = await armRequest(quern, { method: "PUT", path: accountPath(name, group), body: { location: "westus2", ...body } });
  assert.equal(answer.status, 202, answer.text);
  const ended = await armPoll(quern, String(answer.headers.location));
  assert.equal(ended.status, 200, ended.text);
  return ended.json;
};

export const keysOf = async (quern: Quern, name: string): Promise<{ primary: string; secondary: string }> => {
  const answer = await armRequest(quern, { method: "POST", path: `${accountPath(name)}/listKeys` });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
};

/** A request to the data plane, signed with a key of the account. */
export const asAccount = (quern: Quern, account: string, key: string, request: RawRequest): Promise<Answer> =>
  signedRequest({ batchUrl: quern.ready.batchUrl, account, key }, request);

export const makeGroup = async (quern: Quern, name: string, location = "westus2"): Promise<void> => {
  const answer = await armRequest(quern, {
    method: "PUT",
    path: `/subscriptions/{sub}/resourcegroups/${name}`,
    body: { location },
    version: "2021-04-01",
  });
  assert.ok(answer.status === 200 || answer.status === 201, answer.text);
};

export const anUbuntuPool = (id: string, changes: object = {}) => ({
  id,
  vmSize: "standard_d2_v3",
  virtualMachineConfiguration: {
    imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSKUId: "batch.node.ubuntu 22.04",
  },
  ...changes,
});
