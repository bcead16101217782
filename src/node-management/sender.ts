// The last step of messages to one agent: text by text, never more under way than the agent reads, and no text near the longest that it
// accepts. What users put into tasks decides how large orders are, and hundreds of large ones are due at once. The order never changes.
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { ToAgent } from "../api/agent/messages.ts";

/** In characters. One order alone may be longer: a task and its job are at most some 8 MiB, far below what the agent accepts. */
const longestText = 4 * 1024 * 1024;
/** In bytes; written to the socket and not taken by the system yet. */
const mostUnderWay = 16 * 1024 * 1024;

/** A list of orders as several messages where it is long; each is rendered only when it is asked for. */
export function* textsOf(message: ToAgent, longest = longestText): Generator<string> {
  if (message.type !== "startTasks") {
    yield JSON.stringify(message);
    return;
  }
  let orders: string[] = [];
  let length = 0;
  for (const task of message.tasks) {
    const order = JSON.stringify(task);
    if (orders.length > 0 && length + order.length > longest) {
      yield startTasks(orders);
      orders = [];
      length = 0;
    }
    orders.push(order);
    length += order.length;
  }
  yield startTasks(orders);
}

const startTasks = (orders: readonly string[]): string => `{"type":"startTasks","tasks":[${orders.join(",")}]}`;

/** Gives what sends messages. `stream` is below the WebSocket: several texts leave in one packet. A socket that closes drops what waits. */
export const createSender = (
  socket: Pick<WebSocket, "readyState" | "OPEN" | "bufferedAmount" | "send">,
  stream: Pick<Duplex, "cork" | "uncork">,
): ((messages: readonly ToAgent[]) => void) => {
  let waiting: ToAgent[] = [];
  let current: Generator<string> | undefined;

  const next = (): string | undefined => {
    for (;;) {
      const { value, done } = current?.next() ?? { value: undefined, done: true };
      if (done !== true) return value;
      const message = waiting.shift();
      current = message === undefined ? undefined : textsOf(message);
      if (current === undefined) return undefined;
    }
  };

  const pump = (): void => {
    if (socket.readyState !== socket.OPEN) {
      waiting = [];
      current = undefined;
      return;
    }
    stream.cork();
    while (socket.bufferedAmount < mostUnderWay) {
      const text = next();
      if (text === undefined) break;
      socket.send(text, written);
    }
    stream.uncork();
  };
  /** Each text that has left makes room. */
  const written = (): void => {
    if (waiting.length > 0 || current !== undefined) pump();
  };

  return (messages) => {
    waiting.push(...messages);
    pump();
  };
};
