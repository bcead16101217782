// Reads a request's body, safely: never more than the limit, whatever the headers claim. Parsing against a model is parse.ts's.
import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, invalidBody } from "../api/errors.ts";
import { compareVersions, type Version } from "../api/versions.ts";
import type { Clock } from "../lib/clock.ts";
import { parseLaxJson } from "./lax-json.ts";

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** How long a body may take to arrive. Blobs and transfers of nodes, which may take hours, are read elsewhere. */
const arrivesWithinMs = 60_000;

const mebibyte = 1024 * 1024;

/** The largest body, in bytes: 1 MiB, and 4 MiB for versions before 2018-03-01.6.1. */
export const bodyLimit = (version: Version): number => (compareVersions(version, "2018-03-01.6.1") < 0 ? 4 * mebibyte : mebibyte);

/** Whether a body is announced: its length is not 0, or it comes in chunks of unknown number. */
export const announcesBody = (request: IncomingMessage): boolean => {
  const length = request.headers["content-length"];
  return request.headers["transfer-encoding"] !== undefined || (length !== undefined && Number(length) !== 0);
};

/** Lets a client that asked first (`Expect: 100-continue`) send its body. */
export const letBodyCome = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue();
};

/**
 * All of the body. Throws RequestBodyTooLarge as soon as it is known to be; what is left of it is then read and dropped by
 * Node after the answer, because a connection closed on a client that is still sending loses the answer on the way.
 */
export const readBody = (request: IncomingMessage, response: ServerResponse, limit: number, clock: Clock): Promise<Buffer> => {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limit) return Promise.reject(new ApiError("RequestBodyTooLarge"));
  letBodyCome(request, response);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.after(arrivesWithinMs, () => {
      stop();
      // What is still to come would be waited for in vain: this connection ends with its answer.
      response.shouldKeepAlive = false;
      reject(new ApiError("InvalidRequestBody", [{ key: "Reason", value: "The body did not arrive in time." }], undefined, 408));
    });
    const stop = (): void => {
      timer.cancel();
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        stop();
        reject(new ApiError("RequestBodyTooLarge"));
      } else chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    };
    const onGone = (): void => {
      stop();
      // A socket that fails later must not end the process.
      request.on("error", () => {});
      reject(new ClientGone());
    };
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
};

/** The JSON of a body; `lax` where more than JSON is taken. Throws InvalidRequestBody. */
export const parseJson = (body: Buffer, lax = false): unknown => {
  if (!isUtf8(body)) throw invalidBody("The body is not UTF-8.");
  const text = body.toString("utf8");
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    if (lax) return parseLaxJson(text);
    // The parser quotes what it met; the position is enough, and says nothing that may be secret.
    const position = /at position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw invalidBody(position === undefined ? "The body is not valid JSON." : `The body is not valid JSON ${position}.`);
  }
};
