// Stands between the replayer of recordings and the management plane, and is what the owner of a private endpoint was while the recording was
// made: as soon as an account without public access is there, it asks for a connection to it. The name of a connection ends in a GUID that the
// service chose; like the replayer's node ids it is exchanged for the recorded one, both ways. And a body that was recorded as Python prints bytes,
// `b'{…}'`, goes on as the JSON that the client sent. Everything else passes as it is.
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { armRequest } from "./arm.ts";
import type { Quern } from "./quern.ts";

export type RecordedConnection = { endpoint: string; guid: string };

const read = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const swap = (text: string, from: string | undefined, to: string): string => (from === undefined ? text : text.replaceAll(from, to));

/** The URL to give to the replayer in place of the server's. */
export const privateEndpointProxy = async (t: TestContext, quern: Quern, recorded: RecordedConnection): Promise<string> => {
  let guid: string | undefined;
  const { hostname, port } = new URL(quern.ready.batchUrl);

  const connect = async (accountId: string): Promise<void> => {
    const path = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Network/privateEndpoints/${recorded.endpoint}`;
    const service = { privateLinkServiceId: accountId, groupIds: ["batchAccount"] };
    const properties = {
      subnet: { id: "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Network/virtualNetworks/v/subnets/s" },
      manualPrivateLinkServiceConnections: [{ name: "connection", properties: service }],
    };
    const made = await armRequest(quern, { method: "PUT", path, version: "2023-04-01", body: { location: "eastus", properties } });
    if (made.status >= 300) throw new Error(`the private endpoint: ${made.status} ${made.text}`);
    const connections = await armRequest(quern, { method: "GET", path: `${accountId}/privateEndpointConnections` });
    guid = /([0-9a-f-]{36})$/.exec(connections.json.value[0].name)?.[1];
  };

  /** A storage URL by name is https and has the port that the client used, where this proxy has no TLS. */
  const storageDirectly = (text: string): string =>
    text.replace(/(https:\/\/[^/"]*\.blob\.[^/":]+:)(\d+)/g, (_, before) => `${before}${port}`);

  const server = createServer(async (incoming, outgoing) => {
    const body = (await read(incoming)).toString("utf8");
    const sent = swap(/^b'(\{.*\})'$/.exec(body)?.[1] ?? body, recorded.guid, guid ?? recorded.guid);
    const path = swap(incoming.url ?? "", recorded.guid, guid ?? recorded.guid);
    const headers = { ...incoming.headers, ...(body === sent ? {} : { "content-length": String(Buffer.byteLength(sent)) }) };
    const onward = request({ hostname, port, method: incoming.method, path, headers }, async (answer) => {
      let text = (await read(answer)).toString("utf8");
      if (/\/operationResults\//.test(path) && answer.statusCode === 200 && guid === undefined) {
        const account = text === "" ? undefined : JSON.parse(text);
        if (account?.properties?.publicNetworkAccess === "Disabled") await connect(account.id);
      }
      text = storageDirectly(swap(text, guid, recorded.guid));
      const answered = Object.entries(answer.headers)
        .filter(([name]) => name !== "content-length")
        .map(([name, value]): [string, string] => [name, swap(String(value), guid, recorded.guid)]);
      outgoing.writeHead(answer.statusCode ?? 502, Object.fromEntries(answered));
      outgoing.end(text);
    });
    onward.on("error", () => outgoing.destroy());
    onward.end(sent);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
