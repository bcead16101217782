// What is known of the user-assigned identities that resources name: their principal and client, as long as they exist here.
import { parseResourceId } from "../../../domain/resource-ids.ts";
import type { Reader } from "../../../store/db.ts";
import { getResource } from "../../../store/resources.ts";

export type AssignedIdentity = { principalId?: string; clientId?: string };

/** By the id in lower case. One that does not exist (any more) has nothing to tell, and is no error: it may be of elsewhere. */
export const assignedIdentities = async (read: Reader, ids: readonly string[]): Promise<Map<string, AssignedIdentity>> => {
  const found = new Map<string, AssignedIdentity>();
  for (const id of new Set(ids.map((one) => one.toLowerCase()))) {
    const parsed = parseResourceId(id);
    if (parsed === undefined) continue;
    const { type, resourceGroup, names } = parsed;
    const resource = await getResource<AssignedIdentity>(read, { type, resourceGroup, name: names[0]! });
    const { principalId, clientId } = resource?.properties ?? {};
    found.set(id, { ...(principalId === undefined ? {} : { principalId }), ...(clientId === undefined ? {} : { clientId }) });
  }
  return found;
};
