// GET /_quern/why?jobId=…&taskId=… | poolId=…&nodeId=…: the reasons why something is not making progress, for whoever may sign for the account.
// Quern's own extension: JSON of its own shape, errors in the data plane's.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../api/errors.ts";
import { type AccountDoor, authenticateAccount } from "../auth/account-door.ts";
import { refuseOutside } from "../auth/task-tokens.ts";
import type { Services } from "../operations/handler.ts";
import { explain, type Subject } from "../operations/waiting.ts";
import { commonHeaders, type Envelope, sendError, sendJson } from "./answer.ts";
import { baseUrlOf } from "./headers.ts";
import type { PlainHandler } from "./server.ts";
import { parseTarget, queryValue } from "./target.ts";

export const whyHandler =
  (services: Services, door: AccountDoor): PlainHandler =>
  async (request, response) => {
    let envelope: Envelope = { requestId: services.ids.guid(), baseUrl: "", now: services.clock.now() };
    try {
      envelope = { ...envelope, baseUrl: baseUrlOf(request) };
      await answer(request, response, envelope, services, door);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      sendError(response, envelope, error);
    }
  };

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  envelope: Envelope,
  services: Services,
  door: AccountDoor,
): Promise<void> => {
  const target = parseTarget(request.url ?? "/");
  const { rawPath, query } = target;
  if (request.method !== "GET") throw new ApiError("UnsupportedHttpVerb");
  const principal = await authenticateAccount(
    { method: "GET", rawPath, query, headers: request.headers },
    { remoteAddress: request.socket.remoteAddress, baseUrl: envelope.baseUrl, now: envelope.now },
    door,
  );
  const subject: Subject = {};
  for (const name of ["poolId", "nodeId", "jobId", "taskId"] as const) {
    const value = queryValue(target, name);
    if (value !== undefined) subject[name] = value;
  }
  refuseOutside(principal, subject.jobId);
  const explanation = await explain(services, principal.accountId, subject);
  sendJson(response, 200, commonHeaders(envelope), explanation);
};
