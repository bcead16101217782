// What the examples of pools and certificates need.
import type { Json, Ways, World } from "./world.ts";

const newPool = async (world: World, settings: Json = {}): Promise<string> => {
  const id = world.fresh("pool");
  await world.user.pool(id, { targetDedicatedNodes: 0, ...settings }, null);
  await world.user.poolIs(id, "steady");
  return id;
};

const onPool = async (world: World) => ({ params: { poolName: await newPool(world) } });

export const poolWays: Ways = {
  Pool_Get: onPool,
  Pool_Delete: onPool,
  Pool_StopResize: onPool,
};
