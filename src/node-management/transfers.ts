// Questions about files to agents, and the bytes that come back. An answer arrives as a message; the bytes of a read arrive as the body
// of an HTTP request that the agent makes, and are handed on without being collected. Knows nothing of sockets or of who is connected.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { FileAnswer } from "../api/agent/messages.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { NodeUnreachable } from "./channel.ts";

/** How long an agent may take to answer; a recursive list of a large directory takes seconds. */
export const answerWithinMs = 30_000;

export type ReadAnswer = { answer: FileAnswer; stream?: Readable; length?: number };

type Question = {
  agentId: string;
  wantsBody: boolean;
  answer?: FileAnswer;
  body?: { request: IncomingMessage; response: ServerResponse };
  resolve: (answer: ReadAnswer) => void;
  reject: (error: Error) => void;
  timer: Timer;
};

export interface Transfers {
  /** `ask` sends the question under the id it is given. Throws NodeUnreachable when the agent goes or takes too long. */
  ask(agentId: string, wantsBody: boolean, ask: (requestId: string) => void): Promise<ReadAnswer>;
  answered(agentId: string, requestId: string, answer: FileAnswer): void;
  /** The POST of the bytes; false when nobody waits for this id (any more). */
  bodyArrived(requestId: string, request: IncomingMessage, response: ServerResponse): boolean;
  /** The agent is gone: rejects what it was asked. Bytes that already flow go on by their own connection. */
  abandon(agentId: string): void;
}

export const createTransfers = ({ clock, ids }: { clock: Clock; ids: Ids }): Transfers => {
  const questions = new Map<string, Question>();

  const close = (requestId: string, question: Question): void => {
    questions.delete(requestId);
    question.timer.cancel();
  };
  const fail = (requestId: string, question: Question, reason: string): void => {
    close(requestId, question);
    question.body?.request.destroy();
    question.reject(new NodeUnreachable(reason));
  };
  /** Answer and bytes come by two connections, in either order. */
  const settle = (requestId: string, question: Question): void => {
    const { answer, body } = question;
    if (answer === undefined) return;
    const bytesFollow = question.wantsBody && answer.type === "entry";
    if (bytesFollow && body === undefined) return;
    close(requestId, question);
    if (!bytesFollow) body?.request.destroy();
    question.resolve({ answer, ...(bytesFollow && body !== undefined ? handOver(body.request, body.response) : {}) });
  };

  return {
    ask: (agentId, wantsBody, ask) =>
      new Promise((resolve, reject) => {
        const requestId = ids.guid();
        const giveUp = (): void => fail(requestId, question, `the agent ${agentId} did not answer within ${answerWithinMs / 1000} s`);
        const question: Question = { agentId, wantsBody, resolve, reject, timer: clock.after(answerWithinMs, giveUp) };
        questions.set(requestId, question);
        ask(requestId);
      }),
    answered: (agentId, requestId, answer) => {
      const question = questions.get(requestId);
      if (question === undefined || question.agentId !== agentId) return;
      question.answer = answer;
      settle(requestId, question);
    },
    bodyArrived: (requestId, request, response) => {
      const question = questions.get(requestId);
      if (question === undefined || !question.wantsBody || question.body !== undefined) return false;
      question.body = { request, response };
      request.on("error", () => {}); // Whoever reads the stream hears of it; before that, the time limit does.
      settle(requestId, question);
      return true;
    },
    abandon: (agentId) => {
      for (const [requestId, question] of questions) {
        if (question.agentId === agentId) fail(requestId, question, `the agent ${agentId} is not connected any more`);
      }
    },
  };
};

/**
 * The request itself is the stream: its socket is read only as fast as the reader takes it, and destroying it (the client left) ends
 * the agent's request. The agent gets 204 once all was taken.
 */
const handOver = (request: IncomingMessage, response: ServerResponse): { stream: Readable; length?: number } => {
  request.once("end", () => response.writeHead(204).end());
  const length = request.headers["content-length"];
  return { stream: request, ...(length === undefined ? {} : { length: Number(length) }) };
};
