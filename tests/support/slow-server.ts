// An HTTP server that gives a file away as slowly as a test wants: so much with each `more()`, and ranges of it as servers of files do.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export type SlowServer = {
  url: string;
  /** Lets so many bytes more go out; all that is left without a number. */
  more(bytes?: number): void;
  /** The Range header of each request. */
  ranges: (string | undefined)[];
};

export const slowServer = async (t: TestContext, content: Buffer): Promise<SlowServer> => {
  const ranges: (string | undefined)[] = [];
  let allowance = 0;
  const open = new Map<ServerResponse, { at: number }>();
  const pump = (): void => {
    for (const [response, place] of open) {
      const end = Math.min(content.length, place.at + Math.min(allowance, content.length));
      if (end > place.at) {
        response.write(content.subarray(place.at, end));
        allowance -= end - place.at;
        place.at = end;
      }
      if (place.at < content.length) continue;
      open.delete(response);
      response.end();
    }
  };
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const headers = { "content-length": String(content.length - start), etag: '"the-only-one"', "accept-ranges": "bytes" };
    if (start === 0) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${content.length - 1}/${content.length}` });
    response.flushHeaders();
    if (request.method === "HEAD") return void response.end();
    open.set(response, { at: start });
    response.on("close", () => open.delete(response));
    pump();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/images/rootfs.tar?sig=secret-of-the-url`,
    more: (bytes = Number.POSITIVE_INFINITY) => {
      allowance += bytes;
      pump();
    },
    ranges,
  };
};
