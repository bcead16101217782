// What the operations on the user accounts of nodes do. The accounts are kept with their node; nothing logs in with them yet, and a password
// is never kept, only what one can be checked against.
import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import type * as api from "../../api/batch/node-access.ts";
import { ApiError } from "../../api/errors.ts";
import type { ImageCatalogue } from "../../domain/images.ts";
import { changedUser, checkUserSettings, existing, newUser, userKey } from "../../domain/node-users.ts";
import { type Node, usersChange } from "../../domain/nodes.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Ids } from "../../lib/ids.ts";
import type { Reader } from "../../store/db.ts";
import { deleteNodeUser as deleteUser, getNodeUser, insertNodeUser, saveNodeUser } from "../../store/node-users.ts";
import { checkNode } from "../../store/nodes.ts";
import type { Handler } from "../handler.ts";
import { allowed, loadNode } from "./load.ts";

const derive = promisify<string, string, number, Buffer>(scrypt);
const hashBytes = 32;
const saltBytes = 16;

/** `scrypt:{salt}:{hash}` with Node's default cost; undefined for an account without a password. */
const passwordHash = async (password: string | undefined, ids: Ids): Promise<string | undefined> => {
  if (password === undefined) return undefined;
  const salt = ids.hex(saltBytes);
  return `scrypt:${salt}:${(await derive(password, salt, hashBytes)).toString("base64")}`;
};

/** The node, where its users can be changed now. */
const openNode = async (
  read: Reader,
  { principal, params }: { principal: { accountId: number }; params: { poolId: string; nodeId: string } },
): Promise<{ pool: Pool; node: Node }> => {
  const { pool, node } = await loadNode(read, principal.accountId, params.poolId, params.nodeId);
  return { pool, node: allowed(usersChange(node)) };
};

export const osTypeOf = ({ spec }: Pool, images: ImageCatalogue): "linux" | "windows" => {
  const machine = spec.virtualMachineConfiguration;
  if (machine === undefined) return "windows"; // Cloud Services had no other
  const known = images.find(machine.imageReference)?.osType;
  return known ?? (/windows/i.test(machine.nodeAgentSKUId) ? "windows" : "linux");
};

export const addNodeUser: Handler<typeof api.addNodeUser> = async (request, { store, ids, images }) => {
  const { body, now } = request;
  const hash = await passwordHash(body.password, ids);
  const added = await store.decide(async (read) => {
    const { pool, node } = await openNode(read, request);
    checkUserSettings(body, osTypeOf(pool, images));
    const user = newUser(node, { name: body.name, isAdmin: body.isAdmin ?? false, settings: body, passwordHash: hash, now });
    if ((await getNodeUser(read, user.accountId, user.nodeId, user.key)) !== undefined) throw new ApiError("NodeUserExists");
    return { writes: [checkNode(node), ...insertNodeUser(user)], result: user };
  });
  return { created: added.name };
};

export const updateNodeUser: Handler<typeof api.updateNodeUser> = async (request, { store, ids, images }) => {
  const { body, now } = request;
  const hash = await passwordHash(body.password, ids);
  return store.decide(async (read) => {
    const { pool, node } = await openNode(read, request);
    const user = await getNodeUser(read, node.accountId, node.id, userKey(request.params.userName));
    const changed = changedUser(user, { settings: body, passwordHash: hash, now });
    checkUserSettings(body, osTypeOf(pool, images));
    return { writes: [checkNode(node), ...saveNodeUser(changed)], result: {} };
  });
};

export const deleteNodeUser: Handler<typeof api.deleteNodeUser> = async (request, { store }) =>
  store.decide(async (read) => {
    const { node } = await openNode(read, request);
    const user = existing(await getNodeUser(read, node.accountId, node.id, userKey(request.params.userName)));
    return { writes: [checkNode(node), ...deleteUser(user)], result: {} };
  });
