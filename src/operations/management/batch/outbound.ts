// What nodes of an account must be able to reach: this server, and where the account's auto storage is. Nothing else is needed here.
import type * as api from "../../../api/management/batch/diagnostics.ts";
import { parseResourceId } from "../../../domain/resource-ids.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { accountView } from "./account-view.ts";
import { loadAccount } from "./load.ts";

type Endpoint = { domainName: string; description: string; endpointDetails: { port: number }[] };

/** The categories are the service's. */
export const listOutboundEndpoints: ManagementHandler<typeof api.listOutboundEndpoints> = async ({ params, baseUrl }, services) => {
  const account = await loadAccount(services.store, params);
  const { properties } = await accountView(account, baseUrl, services);
  const scheme = baseUrl.slice(0, baseUrl.indexOf("//"));
  const batch = [
    endpointOf(`${scheme}//${properties!.accountEndpoint}`, "The account: agents and tasks call it."),
    endpointOf(baseUrl, "The server, by the address that this request came to."),
  ];
  const storage = storageEndpoint(account.settings.autoStorage?.storageAccountId, baseUrl, services.storage);
  return {
    items: [
      { category: "Azure Batch", endpoints: unique(batch) },
      ...(storage === undefined ? [] : [{ category: "Azure Storage", endpoints: [storage] }]),
    ],
  };
};

const endpointOf = (url: string, description: string): Endpoint => {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" ? 443 : 80;
  return { domainName: hostname, description, endpointDetails: [{ port: port === "" ? usual : Number(port) }] };
};

const unique = (endpoints: readonly Endpoint[]): Endpoint[] =>
  endpoints.filter(({ domainName }, index) => endpoints.findIndex((other) => other.domainName === domainName) === index);

/** None where the storage account is not there any more. */
const storageEndpoint = (id: string | undefined, baseUrl: string, storage: ManagementServices["storage"]): Endpoint | undefined => {
  const name = id === undefined ? undefined : parseResourceId(id)?.names[0];
  if (name === undefined || storage.find(name) === undefined) return undefined;
  return endpointOf(storage.blobEndpoint(name, baseUrl), "The auto storage account: packages and files of tasks.");
};
