// The messages on their way to one agent. Those sent within one turn of the event loop leave together, and neighbours of the same kind
// are joined into one; the order never changes.
import type { ToAgent } from "../api/agent/messages.ts";

/** So that a joined message stays far below what the other side accepts. */
const longestJoinedList = 500;

const isJoinable = (one: readonly unknown[], other: readonly unknown[]): boolean => one.length + other.length <= longestJoinedList;

/** Both in one message, or undefined when they stay two. */
export const joinMessages = (one: ToAgent, other: ToAgent): ToAgent | undefined => {
  if (one.type === "startTasks" && other.type === "startTasks" && isJoinable(one.tasks, other.tasks)) {
    return { type: "startTasks", tasks: [...one.tasks, ...other.tasks] };
  }
  if (one.type === "stopTasks" && other.type === "stopTasks" && isJoinable(one.tasks, other.tasks)) {
    return { type: "stopTasks", tasks: [...one.tasks, ...other.tasks] };
  }
  if (one.type === "withdrawTasks" && other.type === "withdrawTasks" && isJoinable(one.tasks, other.tasks)) {
    return { type: "withdrawTasks", tasks: [...one.tasks, ...other.tasks] };
  }
  return undefined;
};

export interface Outbox {
  send(message: ToAgent): void;
  /** What waits leaves now. */
  flush(): void;
}

export const createOutbox = (deliver: (messages: ToAgent[]) => void): Outbox => {
  let waiting: ToAgent[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    const messages = waiting;
    waiting = [];
    deliver(messages);
  };
  return {
    send: (message) => {
      if (waiting.length === 0) setImmediate(flush);
      const last = waiting.at(-1);
      const joined = last && joinMessages(last, message);
      if (joined === undefined) waiting.push(message);
      else waiting[waiting.length - 1] = joined;
    },
    flush,
  };
};
