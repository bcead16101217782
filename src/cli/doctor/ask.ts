// One request to the server that is examined: http or https, trusting a given CA, for a few seconds. Follows nothing and retries nothing.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";

export type Answer = { status: number; headers: IncomingMessage["headers"]; body: string };
export type Question = { method?: "GET" | "POST"; headers?: Record<string, string>; body?: string; ca?: string | undefined };

const patienceMs = 5_000;

export const ask = (url: string, { method = "GET", headers = {}, body, ca }: Question = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send(url, { method, headers, agent: false, timeout: patienceMs, ...(ca !== undefined && { ca }) });
    request.on("timeout", () => request.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    request.on("error", reject);
    request.on("response", (response) => {
      text(response).then((content) => resolve({ status: response.statusCode!, headers: response.headers, body: content }), reject);
    });
    request.end(body);
  });
