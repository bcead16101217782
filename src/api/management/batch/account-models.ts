// What a Batch account looks like in ARM: as clients send it, as they change it, and as it is answered. Versions before 2022-10-01 are taken from
// what was recorded (2019-08-01, 2020-05-01) and else from the service's release notes (unverified).
import { type Conversion, f, model, required } from "../../fields.ts";
import { proxyResource } from "./common.ts";

const perKind = { since: "2017-05-01" } as const;
const perFamily = { since: "2019-08-01" } as const;
const network = { since: "2020-03-01" } as const;
const identities = { since: "2020-05-01" } as const;
const modes = { since: "2021-06-01" } as const;
const profile = { since: "2022-06-01" } as const;

const authenticationMode = f.enum(["SharedKey", "AAD", "TaskAuthenticationToken"]);
const publicNetworkAccess = f.enum(["Enabled", "Disabled", "SecuredByPerimeter"], {
  ...network,
  lives: { SecuredByPerimeter: { since: "2024-07-01" } },
});
const poolAllocationMode = f.enum(["BatchService", "UserSubscription"], {
  ...perKind,
  recorded: "The nodes of either kind are this server's own.",
});

export const KeyVaultReference = model("KeyVaultReference", { id: required(f.string()), url: required(f.string()) });

const NodeIdentityReference = model("ComputeNodeIdentityReference", { resourceId: f.string() });

export const AutoStorageBaseProperties = model("AutoStorageBaseProperties", {
  /** Empty in a PATCH: no auto storage any more. */
  storageAccountId: required(f.string()),
  authenticationMode: f.enum(["StorageKeys", "BatchAccountManagedIdentity"], { ...modes, default: "StorageKeys" }),
  nodeIdentityReference: f.object(NodeIdentityReference, {
    ...modes,
    recorded: "Nodes are given URLs with signatures; there are no managed identities on them.",
  }),
});

const AutoStorageProperties = model("AutoStorageProperties", {
  ...AutoStorageBaseProperties.fields,
  lastKeySync: required(f.dateTime()),
});

const KeyVaultProperties = model("KeyVaultProperties", { keyIdentifier: f.string() });
export const EncryptionProperties = model("EncryptionProperties", {
  keySource: f.enum(["Microsoft.Batch", "Microsoft.KeyVault"]),
  keyVaultProperties: f.object(KeyVaultProperties),
});
const encryption = f.object(EncryptionProperties, {
  ...identities,
  recorded: "Data at rest is as well protected as the disk of the server; keys of vaults are not used.",
});

const IPRule = model("IPRule", { action: required(f.enum(["Allow"])), value: required(f.string()) });
/** Of the documentation of the service: at most 200 rules for each endpoint. */
const EndpointAccessProfile = model("EndpointAccessProfile", {
  defaultAction: required(f.enum(["Allow", "Deny"])),
  ipRules: f.array(f.object(IPRule), { maxItems: 200 }),
});
const NetworkProfile = model("NetworkProfile", {
  accountAccess: f.object(EndpointAccessProfile),
  nodeManagementAccess: f.object(EndpointAccessProfile, {
    recorded: "Agents come with a token of the server's own and are not asked where from.",
  }),
});

const UserAssignedIdentities = model("UserAssignedIdentities", {
  principalId: f.string({ readOnly: true }),
  clientId: f.string({ readOnly: true }),
});
export const BatchAccountIdentity = model("BatchAccountIdentity", {
  principalId: f.string({ readOnly: true }),
  tenantId: f.string({ readOnly: true }),
  /** `UserAssigned` came with 2021-01-01; an account that has such an identity is shown to older clients all the same. */
  type: required(f.enum(["SystemAssigned", "UserAssigned", "None"])),
  userAssignedIdentities: f.map(f.object(UserAssignedIdentities), { since: "2021-01-01" }),
});
const identity = f.object(BatchAccountIdentity, identities);

const changeable = {
  autoStorage: f.object(AutoStorageBaseProperties),
  encryption,
  allowedAuthenticationModes: f.array(authenticationMode, modes),
  publicNetworkAccess,
  networkProfile: f.object(NetworkProfile, profile),
} as const;

export const BatchAccountCreateParameters = model("BatchAccountCreateParameters", {
  /** Required; left out, it is refused in Resource Manager's words. */
  location: f.string(),
  tags: f.map(f.string()),
  properties: f.object(
    model("BatchAccountCreateProperties", {
      ...changeable,
      poolAllocationMode,
      keyVaultReference: f.object(KeyVaultReference, perKind),
    }),
  ),
  identity,
});

export const BatchAccountUpdateParameters = model("BatchAccountUpdateParameters", {
  tags: f.map(f.string()),
  properties: f.object(model("BatchAccountUpdateProperties", changeable)),
  identity,
});

export const PrivateLinkServiceConnectionState = model("PrivateLinkServiceConnectionState", {
  status: required(f.enum(["Approved", "Pending", "Rejected", "Disconnected"])),
  description: f.string(),
  actionsRequired: f.string({ readOnly: true }),
});

export const PrivateEndpointConnection = model("PrivateEndpointConnection", {
  ...proxyResource,
  properties: f.object(
    model("PrivateEndpointConnectionProperties", {
      provisioningState: f.enum(["Creating", "Updating", "Deleting", "Succeeded", "Failed", "Cancelled"], { readOnly: true }),
      privateEndpoint: f.object(model("PrivateEndpoint", { id: f.string({ readOnly: true }) }), { readOnly: true }),
      groupIds: f.array(f.string(), { since: "2022-06-01", readOnly: true }),
      privateLinkServiceConnectionState: f.object(PrivateLinkServiceConnectionState),
    }),
  ),
});

const VirtualMachineFamilyCoreQuota = model("VirtualMachineFamilyCoreQuota", {
  name: f.string({ readOnly: true }),
  coreQuota: f.int32({ readOnly: true }),
});

/** Quotas of families were shown before they counted: accounts of 2019 say false, those of 2020 and later true (seen in 2019 and 2021). */
const notEnforcedYet: Conversion = {
  until: "2019-08-01",
  down: (value) => {
    if (value.dedicatedCoreQuotaPerVMFamilyEnforced !== undefined) value.dedicatedCoreQuotaPerVMFamilyEnforced = false;
  },
};

const BatchAccountProperties = model(
  "BatchAccountProperties",
  {
    accountEndpoint: f.string({ readOnly: true }),
    nodeManagementEndpoint: f.string({ ...profile, readOnly: true }),
    provisioningState: f.enum(["Invalid", "Creating", "Deleting", "Succeeded", "Failed", "Cancelled"], { readOnly: true }),
    poolAllocationMode: { ...poolAllocationMode, options: { ...poolAllocationMode.options, readOnly: true } },
    keyVaultReference: f.object(KeyVaultReference, { ...perKind, readOnly: true }),
    publicNetworkAccess,
    networkProfile: f.object(NetworkProfile, profile),
    privateEndpointConnections: f.array(f.object(PrivateEndpointConnection), { ...network, readOnly: true }),
    autoStorage: f.object(AutoStorageProperties, { readOnly: true }),
    encryption: { ...encryption, options: { ...encryption.options, readOnly: true } },
    /** Of both kinds together, before they were told apart. */
    coreQuota: f.int32({ until: "2017-01-01", readOnly: true }),
    dedicatedCoreQuota: f.int32({ ...perKind, readOnly: true }),
    lowPriorityCoreQuota: f.int32({ ...perKind, readOnly: true }),
    dedicatedCoreQuotaPerVMFamily: f.array(f.object(VirtualMachineFamilyCoreQuota), { ...perFamily, readOnly: true }),
    dedicatedCoreQuotaPerVMFamilyEnforced: f.boolean({ ...perFamily, readOnly: true }),
    poolQuota: f.int32({ readOnly: true }),
    activeJobAndJobScheduleQuota: f.int32({ readOnly: true }),
    allowedAuthenticationModes: f.array(authenticationMode, { ...modes, readOnly: true }),
  },
  { conversions: [notEnforcedYet] },
);

export const BatchAccount = model("BatchAccount", {
  id: f.string({ readOnly: true }),
  name: f.string({ readOnly: true }),
  type: f.string({ readOnly: true }),
  location: f.string({ readOnly: true }),
  tags: f.map(f.string(), { readOnly: true }),
  properties: f.object(BatchAccountProperties),
  identity,
});

export const BatchAccountKeys = model("BatchAccountKeys", {
  accountName: f.string({ since: "2017-05-01", readOnly: true }),
  primary: f.string({ readOnly: true }),
  secondary: f.string({ readOnly: true }),
});
