// Application packages of a running Quern's first account, as its users make them: through the management plane, with an upload to the signed URL.
import assert from "node:assert/strict";
import { BlockBlobClient } from "@azure/storage-blob";
import { armRequest } from "./arm.ts";
import type { Quern } from "./quern.ts";
import type { Answer } from "./signed.ts";

export type Shelf = {
  /** Uploads and activates; a version that is there is replaced. */
  add(application: string, version: string, archive: Buffer, options?: { isDefault?: boolean; isActive?: boolean }): Promise<void>;
  setDefault(application: string, version: string): Promise<void>;
  remove(application: string, version: string): Promise<void>;
};

/** The signed URL may be of a name that only a line in /etc/hosts leads here; the signature covers the path and not the host. */
export const reachableUrl = (quern: Quern, url: string): string => {
  const { pathname, search, host } = new URL(url);
  const account = /^([^.]+)\.blob\./.exec(host)?.[1];
  return `${new URL(quern.ready.batchUrl).origin}${account === undefined ? "" : `/${account}`}${pathname}${search}`;
};

export const packageShelf = (quern: Quern): Shelf => {
  const account = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
  const ok = async (method: string, below: string, body?: unknown): Promise<Answer> => {
    const answer = await armRequest(quern, { method, path: `${account}/applications/${below}`, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, 200, `${method} ${below}: ${answer.text}`);
    return answer;
  };
  const setDefault = async (application: string, defaultVersion: string): Promise<void> => {
    await ok("PATCH", application, { properties: { defaultVersion } });
  };
  return {
    add: async (application, version, archive, { isDefault = false, isActive = true } = {}) => {
      await ok("PUT", application, {});
      const { json } = await ok("PUT", `${application}/versions/${version}`);
      await new BlockBlobClient(reachableUrl(quern, json.properties.storageUrl)).uploadData(archive);
      if (isActive) await ok("POST", `${application}/versions/${version}/activate`, { format: "zip" });
      if (isDefault) await setDefault(application, version);
    },
    setDefault,
    remove: async (application, version) => {
      await ok("DELETE", `${application}/versions/${version}`);
    },
  };
};
