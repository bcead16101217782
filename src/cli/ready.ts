// What a started server tells people and programs: the ready file, the shell exports, and the lines on the terminal.
import { rmSync } from "node:fs";
import { writeFileAtomically } from "../lib/processes.ts";

/** Everything a client needs. A part that this server does not have is null, so that programs can rely on the names. */
export type ReadyFile = {
  batchUrl: string;
  batchUrlHttps: string;
  /** Azure Resource Manager, and where its tokens come from. */
  armUrl: string;
  authorityUrl: string;
  account: string;
  key: string;
  subscriptionId: string;
  resourceGroup: string;
  location: string;
  tenantId: string;
  /** Null where every client is at an external issuer. */
  clientId: string | null;
  clientSecret: string | null;
  /** Null with the operator's own certificate. */
  caFile: string | null;
  storage: { connectionString: string; blobEndpoint: string } | null;
  /** What follows a storage account's name in the addresses of its services: `ACCOUNT.blob.` and this. */
  storageSuffix: string;
  metricsUrl: string;
  pid: number;
};

/** By rename, so that whoever waits for the file reads it whole; mode 0600, because it holds the account key. */
export const writeReadyFile = (path: string, ready: ReadyFile): void =>
  writeFileAtomically(path, `${JSON.stringify(ready, undefined, 2)}\n`);

export const removeReadyFile = (path: string): void => rmSync(path, { force: true });

export const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** For `eval` in a POSIX shell. The CA variables replace the public lists of az and Python: for shells that talk to Quern. */
export const shellExports = (ready: ReadyFile): string => {
  const ca =
    ready.caFile === null ? {} : { REQUESTS_CA_BUNDLE: ready.caFile, NODE_EXTRA_CA_CERTS: ready.caFile, SSL_CERT_FILE: ready.caFile };
  const variables = { AZURE_BATCH_ACCOUNT: ready.account, AZURE_BATCH_ACCESS_KEY: ready.key, AZURE_BATCH_ENDPOINT: ready.batchUrl, ...ca };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`)
    .join("");
};

export const banner = (ready: ReadyFile, wellKnown: boolean): string =>
  [
    `Quern is ready at ${ready.batchUrl} and ${ready.batchUrlHttps}`,
    `  account   ${ready.account}`,
    // A key of the operator's own is not written on a terminal that may be logged.
    wellKnown ? `  key       ${ready.key} (published: for this machine only)` : "  key       as given with --account",
    ...(ready.storage === null ? [] : [`  blobs     ${ready.storage.blobEndpoint}`]),
    ...(ready.caFile === null ? [] : [`  CA        ${ready.caFile}`]),
    `  location  ${ready.location}`,
    `How az login, Python, JavaScript, .NET and Terraform reach it: quern env --location ${shellQuoted(ready.location)}`,
    "Stop it with Ctrl-C.",
    "",
  ].join("\n");
