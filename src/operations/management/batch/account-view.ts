// Batch accounts and their private endpoint connections as ARM shows them.
import type { Infer } from "../../../api/fields.ts";
import type {
  BatchAccount as BatchAccountModel,
  PrivateEndpointConnection as ConnectionModel,
} from "../../../api/management/batch/account-models.ts";
import type { AccountIdentity, BatchAccount } from "../../../domain/accounts.ts";
import type { PrivateEndpointConnection } from "../../../domain/private-endpoint-connections.ts";
import { noQuotas, shownQuotas, unlimited } from "../../../domain/quotas.ts";
import { parseResourceId } from "../../../domain/resource-ids.ts";
import { isoTime } from "../../../lib/clock.ts";
import type { Reader } from "../../../store/db.ts";
import { listPrivateEndpointConnections } from "../../../store/private-endpoint-connections.ts";
import { getResource } from "../../../store/resources.ts";
import { weakEtag } from "../etags.ts";
import type { ManagementServices, ManagementSettings } from "../handler.ts";
import { accountType, childId } from "./load.ts";

type View = Infer<typeof BatchAccountModel>;

/** `baseUrl` as the client called it: the endpoints are below the same port. */
export const accountView = async (
  account: BatchAccount,
  baseUrl: string,
  { store, settings, quotas = noQuotas }: Pick<ManagementServices, "store" | "settings" | "quotas">,
): Promise<View> => {
  const { networkProfile, keyVaultReference, autoStorage, ...set } = account.settings;
  const connections = await listPrivateEndpointConnections(store, account.id);
  return {
    id: childId(settings, account),
    name: account.name,
    type: accountType,
    location: account.location,
    ...(Object.keys(account.tags).length === 0 ? {} : { tags: { ...account.tags } }),
    identity: await identityView(account.identity, store, settings),
    properties: {
      ...endpoints(account, baseUrl, settings),
      provisioningState: account.provisioningState,
      poolAllocationMode: set.poolAllocationMode,
      publicNetworkAccess: set.publicNetworkAccess,
      encryption: set.encryption,
      allowedAuthenticationModes: [...set.allowedAuthenticationModes],
      ...(keyVaultReference === undefined ? {} : { keyVaultReference }),
      ...(networkProfile === undefined ? {} : { networkProfile: networkProfile as NonNullable<View["properties"]>["networkProfile"] }),
      ...(autoStorage === undefined ? {} : { autoStorage: { ...autoStorage, lastKeySync: isoTime(autoStorage.lastKeySync) } }),
      privateEndpointConnections: connections.map((one) => connectionView(one, account, settings)),
      ...coreQuotas(account, quotas),
      poolQuota: quotas.pools ?? unlimited,
      activeJobAndJobScheduleQuota: quotas.jobs ?? unlimited,
    },
  };
};

/** The cores of an account of the user's subscription are the subscription's, so that such an account has no quota of its own to show. */
const coreQuotas = ({ settings }: BatchAccount, quotas: NonNullable<ManagementServices["quotas"]>) => {
  if (settings.poolAllocationMode === "UserSubscription") return {};
  const shown = shownQuotas(quotas);
  return { ...shown, coreQuota: shown.dedicatedCoreQuota };
};

/** Without a scheme, with the port where it is not the usual one: clients put https:// in front. */
const endpoints = (
  { name, location, nodeManagementId }: BatchAccount,
  baseUrl: string,
  { domain, firstAccount }: ManagementSettings,
): { accountEndpoint: string; nodeManagementEndpoint: string } => {
  const authority = baseUrl.slice(baseUrl.indexOf("//") + 2);
  const port = /:\d+$/.exec(authority)?.[0] ?? "";
  return {
    accountEndpoint: name === firstAccount ? authority : `${name}.${location}.batch.${domain}${port}`,
    nodeManagementEndpoint: `${nodeManagementId}.${location}.service.batch.${domain}${port}`,
  };
};

const identityView = async (
  { type, principalId, userAssignedIdentities }: AccountIdentity,
  read: Reader,
  { tenantId }: ManagementSettings,
): Promise<NonNullable<View["identity"]>> => {
  if (type === "None") return { type };
  if (type === "SystemAssigned") return { type, principalId: principalId!, tenantId };
  const assigned = await Promise.all((userAssignedIdentities ?? []).map(async (id) => [id, await assignedIdentity(id, read)] as const));
  return { type, userAssignedIdentities: Object.fromEntries(assigned) };
};

/** What is known of it here: nothing of one that does not exist (any more). */
const assignedIdentity = async (id: string, read: Reader): Promise<{ principalId?: string; clientId?: string }> => {
  const parsed = parseResourceId(id);
  if (parsed === undefined) return {};
  const { type, resourceGroup, names } = parsed;
  const found = await getResource<{ principalId?: string; clientId?: string }>(read, { type, resourceGroup, name: names[0]! });
  const { principalId, clientId } = found?.properties ?? {};
  return { ...(principalId === undefined ? {} : { principalId }), ...(clientId === undefined ? {} : { clientId }) };
};

export const connectionView = (
  connection: PrivateEndpointConnection,
  account: BatchAccount,
  settings: Pick<ManagementSettings, "subscriptionId">,
  provisioningState: PrivateEndpointConnection["provisioningState"] = connection.provisioningState,
): Infer<typeof ConnectionModel> => {
  const { name, privateEndpointId, groupId, status, description, actionsRequired, tags, modified } = connection;
  return {
    id: childId(settings, account, "privateEndpointConnections", name),
    name,
    type: `${accountType}/privateEndpointConnections`,
    etag: weakEtag(modified),
    ...(Object.keys(tags).length === 0 ? {} : { tags: { ...tags } }),
    properties: {
      provisioningState,
      privateEndpoint: { id: privateEndpointId },
      groupIds: [groupId],
      privateLinkServiceConnectionState: { status, description, actionsRequired },
    },
  };
};
