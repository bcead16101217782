// Node orders with all that goes into them besides the rows: the account's name and the pool's packages.
import type { NodeOrder } from "../api/agent/messages.ts";
import type { Node } from "../domain/nodes.ts";
import type { Pool } from "../domain/pools.ts";
import type { Context } from "./context.ts";
import { nodeOrder } from "./orders.ts";
import { findPackages, noPackages } from "./packages.ts";

export const orderNodes = async (context: Context, pool: Pool, nodes: readonly Node[]): Promise<NodeOrder[]> => {
  const name = await context.accountName(pool.accountId);
  const packagesOf = (await findPackages(context, pool.accountId, [pool])) ?? noPackages;
  return nodes.map((node) =>
    nodeOrder(node, pool, { name, url: context.accountUrl(name), containerUrl: context.containerUrl }, packagesOf),
  );
};
