// What the operations on network security perimeters of a Batch account do. Perimeters are made in Microsoft.Network, which this server does not have.
// An account that is secured by one (publicNetworkAccess SecuredByPerimeter) is in the server's own: whoever its accountAccess rules name comes in and
// nobody else (domain/accounts.ts admitsAddress). The one configuration says just that; every other account has none.
import type * as api from "../../../api/management/batch/perimeters.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { resourceIdOf } from "../../../domain/resource-ids.ts";
import { getAsyncOperation, insertAsyncOperation } from "../../../store/async-operations.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";
import { accountType, childId, loadAccount, noResource } from "./load.ts";
import { done, resultUrl, retryAfter } from "./long-running.ts";

const kind = `${accountType}/networkSecurityPerimeterConfigurations`;

/** `{perimeter guid}.{association}`, as the service names them. */
const nameOf = ({ nodeManagementId }: BatchAccount): string => `${nodeManagementId}.quern`;

const isSecured = ({ settings }: BatchAccount): boolean => settings.publicNetworkAccess === "SecuredByPerimeter";

const configurationView = (account: BatchAccount, settings: ManagementSettings) => {
  const { subscriptionId } = settings;
  const { resourceGroup, location, nodeManagementId: perimeterGuid, generation } = account;
  const rules = account.settings.networkProfile?.accountAccess?.ipRules ?? [];
  const none = {
    fullyQualifiedDomainNames: [],
    subscriptions: [],
    networkSecurityPerimeters: [],
    emailAddresses: [],
    phoneNumbers: [],
  };
  const inbound = {
    name: "accountAccess",
    properties: {
      direction: "Inbound" as const,
      addressPrefixes: rules.map(({ value }) => (value.includes("/") ? value : `${value}/32`)),
      ...none,
    },
  };
  const names = ["quern"];
  return {
    id: childId(settings, account, "networkSecurityPerimeterConfigurations", nameOf(account)),
    name: nameOf(account),
    type: kind,
    properties: {
      provisioningState: "Succeeded" as const,
      provisioningIssues: [],
      networkSecurityPerimeter: {
        id: resourceIdOf({ subscriptionId, resourceGroup, type: "Microsoft.Network/networkSecurityPerimeters", names }),
        perimeterGuid,
        location,
      },
      resourceAssociation: { name: "quern", accessMode: "Enforced" as const },
      profile: {
        name: "networkProfile",
        accessRulesVersion: generation,
        accessRules: rules.length === 0 ? [] : [inbound],
        diagnosticSettingsVersion: 0,
        enabledLogCategories: [],
      },
    },
  };
};

export const listPerimeterConfigurations: ManagementHandler<typeof api.listPerimeterConfigurations> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  return { items: isSecured(account) ? [configurationView(account, services.settings)] : [] };
};

const load = async (
  read: Parameters<typeof loadAccount>[0],
  params: Parameters<typeof loadAccount>[1] & { networkSecurityPerimeterConfigurationName: string },
): Promise<BatchAccount> => {
  const account = await loadAccount(read, params);
  const name = params.networkSecurityPerimeterConfigurationName;
  if (!isSecured(account) || name.toLowerCase() !== nameOf(account))
    throw noResource(kind, `${account.name}/${name}`, account.resourceGroup);
  return account;
};

export const getPerimeterConfiguration: ManagementHandler<typeof api.getPerimeterConfiguration> = async ({ params }, services) => ({
  body: configurationView(await load(services.store, params), services.settings),
});

export const reconcilePerimeterConfiguration: ManagementHandler<typeof api.reconcilePerimeterConfiguration> = async (request, services) => {
  const { ids, clock, settings } = services;
  const path = await services.store.decide(async (read) => {
    const account = await load(read, request.params);
    const id = `AcceptedReconciling$${nameOf(account)}$${ids.guid()}`;
    const resourceId = childId(settings, account, "networkSecurityPerimeterConfigurations", nameOf(account));
    const operation = done({
      id: id.toLowerCase(),
      kind: "NetworkSecurityPerimeter_ReconcileConfiguration",
      resourceId,
      startedAt: clock.now(),
    });
    return {
      writes: insertAsyncOperation(operation),
      result: `${childId(settings, account, "networkSecurityPerimeterConfigurationOperationResults")}/${id}`,
    };
  });
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

export const getPerimeterResult: ManagementHandler<typeof api.getPerimeterResult> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  const operation = await getAsyncOperation(services.store, params.operationId.toLowerCase());
  const resourceId = childId(services.settings, account, "networkSecurityPerimeterConfigurations", nameOf(account)).toLowerCase();
  if (operation?.resourceId !== resourceId)
    throw noResource(
      `${accountType}/networkSecurityPerimeterConfigurationOperationResults`,
      `${account.name}/${params.operationId}`,
      account.resourceGroup,
    );
  return { status: 200 };
};
