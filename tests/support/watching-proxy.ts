// Stands between a client and a server under test and keeps what passes: requests go on as they are, byte for byte and under the name
// that the client used, so signatures hold and the server's URLs lead back here.
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export type Passed = { method: string; path: string; version: string; request?: unknown; status: number; answer?: unknown };

const parsed = (chunks: Buffer[]): { value?: unknown } => {
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return text === "" ? {} : { value: JSON.parse(text) };
  } catch {
    return { value: text };
  }
};

/** The URL to give to the client in place of `target`, and what passed so far. */
export const watchingProxy = async (t: TestContext, target: string): Promise<{ url: string; passed: Passed[] }> => {
  const passed: Passed[] = [];
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const sent: Buffer[] = [];
    const onward = request({ hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
      const got: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => got.push(chunk));
      answer.on("end", () => {
        const [path = "", query] = (incoming.url ?? "").split("?");
        const [asked, answered] = [parsed(sent).value, parsed(got).value];
        passed.push({
          method: incoming.method ?? "GET",
          path,
          version: new URLSearchParams(query).get("api-version") ?? "",
          status: answer.statusCode ?? 0,
          ...(asked === undefined ? {} : { request: asked }),
          ...(answered === undefined ? {} : { answer: answered }),
        });
      });
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.on("data", (chunk: Buffer) => sent.push(chunk));
    incoming.pipe(onward);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passed };
};
