// Do the host names of accounts lead to the server? Below `localhost` few systems resolve names by themselves; then a line in /etc/hosts does.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { ReadyFile } from "../ready.ts";
import { type Answer, ask } from "./ask.ts";
import { type Finding, failed, note, ok, reasonOf } from "./findings.ts";

export type Resolver = (name: string) => Promise<string[]>;

const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address);

/** Where the server is, as an entry of /etc/hosts needs it: a server that listens on every address is on this machine. */
const addressOf = ({ batchUrl }: ReadyFile): string => {
  const host = new URL(batchUrl).hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "0.0.0.0" || host === "::" || isIP(host) === 0 ? "127.0.0.1" : host;
};

const suffixOf = ({ storageSuffix }: ReadyFile): string => storageSuffix.replace(/:\d+$/, "");

/** Of the embedded storage's accounts; the file is the server's own and is read for their names alone. */
const storageNames = (ready: ReadyFile): string[] => {
  if (ready.storage?.blobEndpoint.startsWith(`${ready.batchUrl}/`) !== true) return [];
  try {
    const accounts: { name: string }[] = JSON.parse(readFileSync(join(ready.location, "azurite", "accounts.json"), "utf8"));
    return accounts.map(({ name }) => `${name}.blob.${suffixOf(ready)}`);
  } catch {
    // On another machine than the server's; its first account is the one in the connection string.
    return [`${new URL(ready.storage.blobEndpoint).pathname.slice(1)}.blob.${suffixOf(ready)}`];
  }
};

const json = <T>({ status, body }: Answer): T => {
  if (status !== 200) throw new Error(`it answered ${status}`);
  return JSON.parse(body);
};

type AccountList = { value: { properties: { accountEndpoint: string } }[] };

/** The host names of Batch accounts, as the management plane tells them; the bare address of the first account is not a name. */
const batchNames = async (ready: ReadyFile): Promise<string[]> => {
  const { authorityUrl, armUrl, clientId, clientSecret, caFile } = ready;
  if (clientId === null || clientSecret === null) return [];
  const ca = caFile === null ? undefined : readFileSync(caFile, "utf8");
  const { token_endpoint } = json<{ token_endpoint: string }>(await ask(`${authorityUrl}/.well-known/openid-configuration`, { ca }));
  const grant = { grant_type: "client_credentials", scope: "https://management.core.windows.net/.default" };
  const form = new URLSearchParams({ ...grant, client_id: clientId, client_secret: clientSecret });
  const asForm = { "content-type": "application/x-www-form-urlencoded" };
  const { access_token } = json<{ access_token: string }>(
    await ask(token_endpoint, { method: "POST", body: form.toString(), headers: asForm, ca }),
  );
  const path = `/subscriptions/${ready.subscriptionId}/providers/Microsoft.Batch/batchAccounts?api-version=2024-07-01`;
  const { value } = json<AccountList>(await ask(`${armUrl}${path}`, { headers: { authorization: `Bearer ${access_token}` }, ca }));
  const hosts = value.map(({ properties }) => properties.accountEndpoint.replace(/:\d+$/, ""));
  return hosts.filter((host) => isIP(host.replace(/^\[(.*)\]$/, "$1")) === 0 && host !== "localhost" && host.includes("."));
};

export const examineNames = async (ready: ReadyFile, addressesOf: Resolver): Promise<Finding[]> => {
  const findings: Finding[] = [];
  const names = storageNames(ready);
  try {
    names.push(...(await batchNames(ready)));
  } catch (error) {
    findings.push(note("names", `Which Batch accounts there are could not be asked for (${reasonOf(error)}).`));
  }
  const server = addressOf(ready);
  const missing: string[] = [];
  for (const name of names) {
    const addresses = await addressesOf(name).catch((): string[] => []);
    const leadsThere = addresses.some((address) => address === server || (isLoopback(server) && isLoopback(address)));
    if (leadsThere) findings.push(ok("names", `${name} leads to the server.`));
    else missing.push(addresses.length === 0 ? name : `${name} (now ${addresses[0]})`);
  }
  if (missing.length === 0) return findings;
  const line = `${server} ${missing.map((name) => name.split(" ")[0]).join(" ")}`;
  const text = `Not leading to the server: ${missing.join(", ")}.`;
  const remedy = [`echo '${line}' | sudo tee -a /etc/hosts`];
  // Whoever chose a domain said that its names lead here, and addresses with them are given out.
  if (suffixOf(ready) !== "localhost")
    return [...findings, failed("names", `${text} Add them to the DNS of ${suffixOf(ready)}, or on each client:`, remedy)];
  return [...findings, note("names", `${text} az batch application package create and further Batch accounts need them:`, remedy)];
};
