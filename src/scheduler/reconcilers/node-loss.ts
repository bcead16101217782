// An agent stayed away longer than its lease: its nodes are `unknown` and their tasks go back to the queue, counted neither as retries nor
// as requeues. When it returns, listener.ts takes the nodes up again and refuses what it says of the old attempts.
import { moveNode, type Node, nodeStates } from "../../domain/nodes.ts";
import { recoverTask } from "../../domain/tasks.ts";
import { getNode, nodesOfAgent, saveNode } from "../../store/nodes.ts";
import { placedTasks, saveTasks } from "../../store/tasks.ts";
import type { Context } from "../context.ts";

export const loseAgent = async (context: Context, agentId: string): Promise<void> => {
  if (context.channel.isConnected(agentId)) return;
  for (const node of await nodesOfAgent(context.store, agentId)) await loseNode(context, node);
};

const loseNode = async (context: Context, { accountId, poolKey, id }: Node): Promise<void> => {
  const recovered = await context.store.decide(async (read) => {
    const node = await getNode(read, accountId, poolKey, id);
    if (node === undefined) return { writes: [], result: 0 };
    const now = context.clock.now();
    const placed = await placedTasks(read, { accountId, nodeId: id });
    const move = nodeStates.next(node.state, "lost");
    const writes = move.to === undefined ? [] : saveNode(moveNode(node, move.to, now));
    const back = placed.length === 0 ? [] : saveTasks(placed.map((task) => ({ before: task, after: recoverTask(task, now) })));
    return { writes: [...writes, ...back], result: placed.length };
  });
  for (let count = 0; count < recovered; count++) context.metrics.taskEnded("recovery");
  const view = context.board.view({ accountId, poolKey });
  view.stale = true;
  view.unsure = true;
  context.bells.loop(view);
  context.bells.pool(view);
};
