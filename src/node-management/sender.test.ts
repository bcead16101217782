// Large orders: in pieces, paced, in order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aTask } from "../../tests/support/agent-world.ts";
import type { ToAgent } from "../api/agent/messages.ts";
import { createSender, textsOf } from "./sender.ts";

const tasksIn = (texts: Iterable<string>): number[] =>
  [...texts].flatMap((text) => {
    const message = JSON.parse(text) as ToAgent;
    return message.type === "startTasks" ? message.tasks.map(({ ref }) => ref.seq) : [];
  });

test("a list of orders is cut into messages below the longest, one order at least in each", () => {
  const tasks = Array.from({ length: 10 }, () => aTask("x".repeat(1000)));
  const seqs = tasks.map(({ ref }) => ref.seq);
  for (const [longest, count] of [
    [1_000_000, 1],
    [5_000, 4],
    [10, 10],
  ] as const) {
    const texts = [...textsOf({ type: "startTasks", tasks }, longest)];
    assert.deepEqual(tasksIn(texts), seqs);
    assert.ok(texts.length === count || (count === 4 && texts.length <= 4), `${texts.length} texts of ${longest}`);
  }
  assert.deepEqual([...textsOf({ type: "removeNode", nodeId: "n" })], ['{"type":"removeNode","nodeId":"n"}']);
});

test("no more is under way than the agent reads, whatever waits, and the order stays", () => {
  const sent: string[] = [];
  const unread: { length: number; written: () => void }[] = [];
  const socket = {
    OPEN: 1 as const,
    readyState: 1 as 0 | 1 | 2 | 3,
    get bufferedAmount() {
      return unread.reduce((sum, { length }) => sum + length, 0);
    },
    send: (text: string, written: () => void) => {
      sent.push(text);
      unread.push({ length: text.length, written });
    },
  };
  const send = createSender(socket as never, { cork: () => {}, uncork: () => {} });
  const tasks = Array.from({ length: 100 }, () => aTask("x".repeat(1_000_000)));
  send([
    { type: "startTasks", tasks },
    { type: "removeNode", nodeId: "n" },
  ]);
  send([{ type: "removeNode", nodeId: "m" }]);
  let most = 0;
  while (unread.length > 0) {
    most = Math.max(most, socket.bufferedAmount);
    unread.shift()!.written();
  }
  assert.ok(most < 24 * 1024 * 1024, `${most} bytes at once`);
  assert.ok(sent.every((text) => text.length < 6 * 1024 * 1024));
  assert.deepEqual(
    tasksIn(sent),
    tasks.map(({ ref }) => ref.seq),
  );
  assert.deepEqual(sent.slice(-2), ['{"type":"removeNode","nodeId":"n"}', '{"type":"removeNode","nodeId":"m"}']);

  send([{ type: "startTasks", tasks }]);
  const before = sent.length;
  socket.readyState = 3;
  while (unread.length > 0) unread.shift()!.written();
  assert.equal(sent.length, before, "what waits for a closed socket is dropped");
});
