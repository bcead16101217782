// What the examples of accounts and of what hangs on them (keys, private endpoints, perimeters) need.
import { armPoll } from "../arm.ts";
import { group, type Json, type Ways, type World } from "./world.ts";

const accounts = `/subscriptions/{sub}/resourceGroups/${group}/providers/Microsoft.Batch/batchAccounts`;

/** A new account of its own, without anything in it. */
const newAccount = async (world: World, body: Json = {}): Promise<string> => {
  const name = world.fresh("account");
  const made = await world.ok({ method: "PUT", path: `${accounts}/${name}`, body: { location: "japaneast", ...body } });
  if (made.status === 202) await armPoll(world.quern, made.headers.location as string);
  return name;
};

export const accountWays: Ways = {
  BatchAccount_Create: async (world) => ({ params: { accountName: world.fresh("account") } }),
  BatchAccount_Delete: async (world) => ({ params: { accountName: await newAccount(world) } }),
  BatchAccount_RegenerateKey: async (world) => ({ params: { accountName: await newAccount(world) } }),
};
