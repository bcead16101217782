// `quern env`: how to point each client at the server of a location, ready to paste. Reads the file that a running server keeps in its location;
// it starts nothing and asks nobody.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ReadyFile, shellExports, shellQuoted } from "./ready.ts";
import { UserError } from "./usage-error.ts";

export const environmentKinds = ["shell", "az", "python", "javascript", "dotnet", "terraform"] as const;
export type EnvironmentKind = (typeof environmentKinds)[number];

/** Kept in the location while its server runs. */
export const readyFileName = "ready.json";

/** Throws UserError where no server runs on the location. */
export const readReady = (location: string): ReadyFile => {
  const file = join(resolve(location), readyFileName);
  if (!existsSync(file)) {
    throw new UserError(`No server runs on ${resolve(location)}. Start one with "quern start", or name its location with --location.`);
  }
  return JSON.parse(readFileSync(file, "utf8"));
};

export const environmentText = (ready: ReadyFile, kinds: readonly EnvironmentKind[]): string =>
  kinds.map((kind) => (kind === "shell" ? "" : withoutClient(ready, kind)) + texts[kind](ready)).join("\n");

/** Where all clients are at an external issuer: az and the credentials of the SDKs know how to ask Entra, AD FS and ours, and no other. */
const withoutClient = ({ clientId, authorityUrl }: ReadyFile, kind: EnvironmentKind): string => {
  if (clientId !== null) return "";
  const mark = kind === "dotnet" ? "//" : "#";
  return `${mark} Tokens for this server come from ${authorityUrl}, and it has no client of its own: what follows signs in once the
${mark} server is started with --client too. The account key needs no token.
`;
};

const clientOf = ({ clientId, clientSecret }: ReadyFile): { clientId: string; clientSecret: string } => ({
  clientId: clientId ?? "(the id of --client)",
  clientSecret: clientSecret ?? "(its secret)",
});

/** What az wants to know of a cloud. Its storage suffix carries the port, because az appends it to an account's name. */
export const azCloud = ({ armUrl, storageSuffix }: ReadyFile): object => ({
  endpoints: {
    resourceManager: armUrl,
    management: armUrl,
    activeDirectory: `${armUrl}/adfs`,
    activeDirectoryResourceId: "https://management.core.windows.net/",
    activeDirectoryGraphResourceId: armUrl,
    batchResourceId: "https://batch.core.windows.net/",
  },
  suffixes: { storageEndpoint: storageSuffix },
});

const trustFor = ({ caFile }: ReadyFile, name: string): string => (caFile === null ? "" : `export ${name}=${shellQuoted(caFile)}\n`);

const az = (ready: ReadyFile): string => {
  const { clientId, clientSecret } = clientOf(ready);
  return `# Azure CLI
${trustFor(ready, "REQUESTS_CA_BUNDLE")}az cloud register -n Quern --cloud-config ${shellQuoted(JSON.stringify(azCloud(ready)))}
az cloud set -n Quern
az login --service-principal -u ${shellQuoted(clientId)} -p ${shellQuoted(clientSecret)} --tenant ${ready.tenantId} -o none
az batch account login -g ${shellQuoted(ready.resourceGroup)} -n ${ready.account}
`;
};

/** The tenant is called adfs: azure-identity asks the public cloud about any other. */
const python = (ready: ReadyFile): string => {
  const { clientId, clientSecret } = clientOf(ready);
  return `# Python: azure-batch with the account key, azure-mgmt-batch with a token
${trustFor(ready, "REQUESTS_CA_BUNDLE")}python3 - <<'END'
from azure.batch import BatchServiceClient
from azure.batch.batch_auth import SharedKeyCredentials
batch = BatchServiceClient(SharedKeyCredentials(${JSON.stringify(ready.account)}, ${JSON.stringify(ready.key)}), batch_url=${JSON.stringify(ready.batchUrl)})
print([pool.id for pool in batch.pool.list()])

from azure.identity import ClientSecretCredential
from azure.mgmt.batch import BatchManagementClient
credential = ClientSecretCredential("adfs", ${JSON.stringify(clientId)}, ${JSON.stringify(clientSecret)}, authority=${JSON.stringify(ready.armUrl)})
management = BatchManagementClient(credential, ${JSON.stringify(ready.subscriptionId)}, base_url=${JSON.stringify(ready.armUrl)},
                                   credential_scopes=["https://management.core.windows.net/.default"])
print([account.name for account in management.batch_account.list()])
END
`;
};

const javascript = (ready: ReadyFile): string => {
  const { clientId, clientSecret } = clientOf(ready);
  return `# JavaScript: @azure/batch with the account key, @azure/arm-batch with a token (as a module: example.mjs)
${trustFor(ready, "NODE_EXTRA_CA_CERTS")}node --input-type=module - <<'END'
import { BatchServiceClient, BatchSharedKeyCredentials } from "@azure/batch";
const batch = new BatchServiceClient(new BatchSharedKeyCredentials(${JSON.stringify(ready.account)}, ${JSON.stringify(ready.key)}), ${JSON.stringify(ready.batchUrl)});
console.log((await batch.pool.list()).map((pool) => pool.id));

import { BatchManagementClient } from "@azure/arm-batch";
import { ClientSecretCredential } from "@azure/identity";
const credential = new ClientSecretCredential(${JSON.stringify(ready.tenantId)}, ${JSON.stringify(clientId)}, ${JSON.stringify(clientSecret)},
  { authorityHost: ${JSON.stringify(ready.armUrl)}, disableInstanceDiscovery: true });
const management = new BatchManagementClient(credential, ${JSON.stringify(ready.subscriptionId)}, { endpoint: ${JSON.stringify(ready.armUrl)} });
for await (const account of management.batchAccountOperations.list()) console.log(account.name);
END
`;
};

const dotnet = (ready: ReadyFile): string => {
  const { clientId, clientSecret } = clientOf(ready);
  return `// .NET: Microsoft.Azure.Batch with the account key, Azure.ResourceManager.Batch with a token. The machine must trust the CA
// (${ready.caFile ?? "the certificate's own"}); SSL_CERT_FILE names it on Linux.
using var batch = BatchClient.Open(new BatchSharedKeyCredentials("${ready.batchUrl}", "${ready.account}", "${ready.key}"));

var credential = new ClientSecretCredential("${ready.tenantId}", "${clientId}", "${clientSecret}",
    new ClientSecretCredentialOptions { AuthorityHost = new Uri("${ready.armUrl}"), DisableInstanceDiscovery = true });
var arm = new ArmClient(credential, "${ready.subscriptionId}", new ArmClientOptions {
    Environment = new ArmEnvironment(new Uri("${ready.armUrl}"), "https://management.core.windows.net/") });
`;
};

const terraform = (ready: ReadyFile): string => {
  const { clientId, clientSecret } = clientOf(ready);
  return `# Terraform. SSL_CERT_FILE=${shellQuoted(ready.caFile ?? "")} must be in its environment.
provider "azurerm" {
  features {}
  metadata_host                   = "${new URL(ready.armUrl).host}"
  tenant_id                       = "${ready.tenantId}"
  subscription_id                 = "${ready.subscriptionId}"
  client_id                       = "${clientId}"
  client_secret                   = "${clientSecret}"
  resource_provider_registrations = "none"
}
`;
};

const shell = (ready: ReadyFile): string => `# The environment of az batch and of shells\n${shellExports(ready)}`;

const texts: Record<EnvironmentKind, (ready: ReadyFile) => string> = { shell, az, python, javascript, dotnet, terraform };
