// Requests to Microsoft.AzureStackHCI as a client's poller makes them: what is asked for is followed to its end.
import assert from "node:assert/strict";
import { armPoll, armRequest } from "./arm.ts";
import type { Quern } from "./quern.ts";
import type { Answer } from "./signed.ts";

export type Kind = "galleryImages" | "marketplaceGalleryImages" | "storageContainers";

export const hciVersion = "2024-01-01";

export const hci = (quern: Quern, version = hciVersion) => {
  const pathOf = (kind: Kind, name: string): string =>
    `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.AzureStackHCI/${kind}/${name}`;
  const send = (method: string, kind: Kind, name: string, body?: unknown): Promise<Answer> =>
    armRequest(quern, { method, path: pathOf(kind, name), version, ...(body === undefined ? {} : { body }) });
  const get = (kind: Kind, name: string): Promise<Answer> => send("GET", kind, name);
  const put = (kind: Kind, name: string, properties: object, more: object = {}): Promise<Answer> =>
    send("PUT", kind, name, { location: "West US2", properties, ...more });
  return {
    quern,
    send,
    get,
    put,
    idOf: (kind: Kind, name: string): string =>
      pathOf(kind, name).replace("{sub}", quern.ready.subscriptionId).replace("{rg}", quern.ready.resourceGroup),
    /** Gives the resource as it is when the operation has ended. */
    made: async (kind: Kind, name: string, properties: object, more: object = {}): Promise<any> => {
      const answer = await put(kind, name, properties, more);
      assert.ok(answer.status === 201 || answer.status === 200, `${answer.status} ${answer.text}`);
      const status = await armPoll(quern, answer.headers["azure-asyncoperation"] as string);
      const { json } = await get(kind, name);
      assert.equal(json.properties.provisioningState, status.json.status);
      return json;
    },
    deleted: async (kind: Kind, name: string): Promise<void> => {
      const answer = await send("DELETE", kind, name);
      assert.equal(answer.status, 202, answer.text);
      assert.equal((await armPoll(quern, answer.headers.location as string)).json.status, "Succeeded");
      assert.equal((await get(kind, name)).status, 404);
    },
  };
};
