// Requests that the server makes of its own management plane, for a deployment and with the rights of who began it: the same routes, checks, handlers
// and answers as over a connection, but no connection.
import { ApiError } from "../api/errors.ts";
import { microsoftBatch } from "../api/management/providers.ts";
import type { Caller } from "../auth/tokens.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Answered, Call, Perform } from "../operations/management/deployments/perform.ts";
import { StoreUnavailable } from "../store/db.ts";
import { parseBody } from "../wire/parse.ts";
import { asResourceManager, managementBody, managementErrorBody } from "./management-answer.ts";
import { inVersion } from "./match.ts";
import { type Plane, requestOf } from "./pipeline.ts";
import type { Exchange } from "./reply.ts";
import { parseTarget } from "./target.ts";

type Parts = { readonly clock: Clock; readonly ids: Ids; readonly log: Log; readonly onBody?: Exchange["onBody"] };

export const inProcess = (plane: Plane<{ caller: Caller }>, { clock, ids, log, onBody }: Parts): Perform => {
  const matched = (method: string, url: string) => {
    const target = parseTarget(url);
    const candidates = plane.routes.find(method, target.rawPath);
    const version = plane.version(target, candidates);
    return { target, version, ...inVersion(candidates, version) };
  };

  const serve = async (call: Call, envelope: Exchange["envelope"]): Promise<Answered> => {
    const { target, version, operation, params } = matched(call.method, call.target);
    const isOfBatch = operation.provider === microsoftBatch;
    try {
      plane.admit({ caller: call.caller }, operation, params, { target });
      // As it would come over the wire: nothing is shared with the template.
      const sent = call.body === undefined ? undefined : (JSON.parse(JSON.stringify(call.body)) as unknown);
      const body = operation.body === undefined ? undefined : parseBody(operation.body, sent, version);
      const name = plane.nameOf(operation);
      const filterable = plane.filterables[name];
      const { request } = requestOf({ request: { headers: {} }, target, operation, version, params, body, envelope, filterable });
      const handler = plane.handlers[name]!;
      const { caller, nesting, until } = call;
      const reply = await handler({ ...request, caller, nesting, until } as never, plane.services as never);
      const status = reply.status ?? operation.answer.status;
      const answer = managementBody({ operation, version, target, envelope }, reply, status);
      onBody?.(operation, version, answer ?? undefined);
      return { status, headers: reply.headers ?? {}, body: answer ?? undefined };
    } catch (error) {
      return refused(error, envelope, isOfBatch);
    }
  };

  const refused = (error: unknown, envelope: Exchange["envelope"], isOfBatch: boolean): Answered => {
    if (error instanceof StoreUnavailable) throw error;
    const known = error instanceof ApiError ? error : new ApiError("InternalError");
    if (known !== error) log.error({ requestId: envelope.requestId, error }, "a request of a deployment failed");
    const body = isOfBatch ? managementErrorBody(known, envelope) : managementErrorBody(asResourceManager(known), envelope, "gateway");
    return { status: known.status, headers: {}, body };
  };

  return {
    call: async (call) => {
      const envelope = { requestId: ids.guid(), baseUrl: call.baseUrl, now: clock.now() };
      try {
        return await serve(call, envelope);
      } catch (error) {
        return refused(error, envelope, false);
      }
    },
    check: (method, url) => void matched(method, url),
  };
};
