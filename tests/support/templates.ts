// Templates as `bicep build` writes them, by hand: an account with its auto storage, identity, application and pool, and a module. In both versions of
// the language: resources in a list, and resources by symbolic name.

export const batchVersion = "2024-07-01";
export const storageVersion = "2023-01-01";
const identityVersion = "2023-01-31";

const schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
export const template = (parts: object): Record<string, unknown> => ({
  $schema: schema,
  contentVersion: "1.0.0.0",
  resources: [],
  ...parts,
});

const parameters = {
  location: { type: "string", defaultValue: "[resourceGroup().location]" },
  prefix: { type: "string", minLength: 3, maxLength: 11 },
  nodes: { type: "int", defaultValue: 0 },
  note: { type: "secureString", defaultValue: "" },
};

const variables = {
  storageName: "[toLower(format('{0}{1}', parameters('prefix'), take(uniqueString(resourceGroup().id), 5)))]",
  accountName: "[format('{0}batch', parameters('prefix'))]",
};

const ids = {
  storage: "resourceId('Microsoft.Storage/storageAccounts', variables('storageName'))",
  identity: "resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', format('{0}-id', parameters('prefix')))",
  account: "resourceId('Microsoft.Batch/batchAccounts', variables('accountName'))",
  module: "resourceId('Microsoft.Resources/deployments', 'pools')",
};

const resources = {
  storage: {
    type: "Microsoft.Storage/storageAccounts",
    apiVersion: storageVersion,
    name: "[variables('storageName')]",
    location: "[parameters('location')]",
    sku: { name: "Standard_LRS" },
    kind: "StorageV2",
    tags: { "[format('{0}-tag', parameters('prefix'))]": "[[plain]" },
  },
  identity: {
    type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    apiVersion: identityVersion,
    name: "[format('{0}-id', parameters('prefix'))]",
    location: "[parameters('location')]",
  },
  account: {
    type: "Microsoft.Batch/batchAccounts",
    apiVersion: batchVersion,
    name: "[variables('accountName')]",
    location: "[parameters('location')]",
    identity: { type: "UserAssigned", userAssignedIdentities: { [`[format('{0}', ${ids.identity})]`]: {} } },
    properties: { poolAllocationMode: "BatchService", autoStorage: { storageAccountId: `[${ids.storage}]` } },
  },
  application: {
    type: "Microsoft.Batch/batchAccounts/applications",
    apiVersion: batchVersion,
    name: "[format('{0}/{1}', variables('accountName'), 'tool')]",
    properties: { displayName: "Tool", allowUpdates: true },
  },
};

const poolBody = {
  apiVersion: batchVersion,
  properties: {
    vmSize: "STANDARD_D2S_V3",
    deploymentConfiguration: {
      virtualMachineConfiguration: {
        imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts", version: "latest" },
        nodeAgentSkuId: "batch.node.ubuntu 22.04",
      },
    },
    scaleSettings: { fixedScale: { targetDedicatedNodes: "[parameters('nodes')]" } },
  },
};

/** A module: pools of an account, as many as names are given. */
const poolsModule = template({
  parameters: { account: { type: "string" }, names: { type: "array" }, nodes: { type: "int" } },
  resources: [
    {
      type: "Microsoft.Batch/batchAccounts/pools",
      name: "[format('{0}/{1}', parameters('account'), parameters('names')[copyIndex()])]",
      copy: { name: "pools", count: "[length(parameters('names'))]" },
      ...poolBody,
    },
  ],
  outputs: {
    ids: {
      type: "array",
      copy: {
        count: "[length(range(0, length(parameters('names'))))]",
        input:
          "[resourceId('Microsoft.Batch/batchAccounts/pools', parameters('account'), parameters('names')[range(0, length(parameters('names')))[copyIndex()]])]",
      },
    },
  },
});

const module = {
  type: "Microsoft.Resources/deployments",
  apiVersion: "2022-09-01",
  name: "pools",
  properties: {
    expressionEvaluationOptions: { scope: "inner" },
    mode: "Incremental",
    parameters: {
      account: { value: "[variables('accountName')]" },
      names: { value: ["small", "large"] },
      nodes: { value: "[parameters('nodes')]" },
    },
    template: poolsModule,
  },
};

/** languageVersion 1.0: dependencies by id, references by id. */
export const listed = template({
  parameters,
  variables,
  resources: [
    resources.storage,
    resources.identity,
    { ...resources.account, dependsOn: [`[${ids.identity}]`, `[${ids.storage}]`] },
    { ...resources.application, dependsOn: [`[${ids.account}]`] },
    { ...module, dependsOn: [`[${ids.account}]`] },
  ],
  outputs: {
    endpoint: { type: "string", value: `[reference(${ids.account}, '${batchVersion}').accountEndpoint]` },
    blobs: { type: "string", value: `[reference(${ids.storage}, '${storageVersion}').primaryEndpoints.blob]` },
    principal: { type: "string", value: `[reference(${ids.identity}, '${identityVersion}').principalId]` },
    pools: { type: "array", value: `[reference(${ids.module}, '2022-09-01').outputs.ids.value]` },
    key: { type: "securestring", value: `[listKeys(${ids.account}, '${batchVersion}').primary]` },
  },
});

/** languageVersion 2.0: resources and dependencies by symbolic name. */
export const symbolic = template({
  languageVersion: "2.0",
  parameters,
  variables,
  resources: {
    stg: resources.storage,
    id: resources.identity,
    acc: { ...resources.account, dependsOn: ["id", "stg"] },
    app: { ...resources.application, dependsOn: ["acc"] },
    pools: { ...module, dependsOn: ["acc"] },
  },
  outputs: {
    endpoint: { type: "string", value: "[reference('acc').accountEndpoint]" },
    blobs: { type: "string", value: "[reference('stg').primaryEndpoints.blob]" },
    principal: { type: "string", value: "[reference('id').principalId]" },
    pools: { type: "array", value: "[reference('pools').outputs.ids.value]" },
    key: {
      type: "securestring",
      value: `[listKeys(resourceId('Microsoft.Batch/batchAccounts', variables('accountName')), '${batchVersion}').primary]`,
    },
  },
});

export const values = (of: Record<string, unknown>): Record<string, { value: unknown }> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, { value }]));
