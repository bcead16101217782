// Connection strings of storage accounts, in the form that Azure's tools print and take. Parsing never puts a secret into a message.

/** The account that Azurite serves, and its published key (Azurite's documentation): both are the same everywhere and no secret. */
export const embeddedAccount = {
  name: "devstoreaccount1",
  key: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
};

export type ConnectionSettings = {
  accountName: string;
  /** Base64; absent when the string has a shared access signature instead. */
  accountKey?: string;
  /** Without a leading question mark. */
  sharedAccessSignature?: string;
  /** Absolute, without a slash at the end. */
  blobEndpoint: string;
};

export class ConnectionStringError extends Error {
  override readonly name = "ConnectionStringError";
}

const refuse = (reason: string): never => {
  throw new ConnectionStringError(`the storage connection string ${reason}`);
};

const settingsOf = (text: string): Map<string, string> => {
  const parts = text
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return new Map(
    parts.map((part) => {
      const at = part.indexOf("=");
      if (at <= 0) refuse("has a part that is not NAME=VALUE");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()];
    }),
  );
};

const checkedEndpoint = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "") {
    return refuse("has a BlobEndpoint that is not an http or https URL");
  }
  return text.replace(/\/+$/, "");
};

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);

/** The account's name in an endpoint: the first label of a host name, or the first path part of an address (as Azurite has it). */
const accountNameOf = (endpoint: string): string => {
  const { hostname, pathname } = new URL(endpoint);
  return pathname.length > 1 ? pathname.slice(1).split("/")[0]! : hostname.split(".")[0]!;
};

/** Throws ConnectionStringError. `UseDevelopmentStorage=true` is Azurite or the old emulator on its usual port of this machine. */
export const parseConnectionString = (text: string): ConnectionSettings => {
  const settings = settingsOf(text);
  if (settings.get("usedevelopmentstorage")?.toLowerCase() === "true") {
    return {
      accountName: embeddedAccount.name,
      accountKey: embeddedAccount.key,
      blobEndpoint: `http://127.0.0.1:10000/${embeddedAccount.name}`,
    };
  }
  const given = settings.get("blobendpoint");
  const name = settings.get("accountname");
  if (given === undefined && name === undefined) refuse("names neither AccountName nor BlobEndpoint");
  const protocol = settings.get("defaultendpointsprotocol")?.toLowerCase() ?? "https";
  if (protocol !== "http" && protocol !== "https") refuse("has a DefaultEndpointsProtocol that is neither http nor https");
  const blobEndpoint = checkedEndpoint(given ?? `${protocol}://${name}.blob.${settings.get("endpointsuffix") ?? "core.windows.net"}`);
  const accountName = name ?? accountNameOf(blobEndpoint);
  if (!/^[a-z0-9]{3,24}$/.test(accountName)) refuse("has an account name that is not 3 to 24 lower-case letters and digits");
  const accountKey = settings.get("accountkey");
  if (accountKey !== undefined && !isBase64(accountKey)) refuse("has an AccountKey that is not Base64");
  const sharedAccessSignature = settings.get("sharedaccesssignature")?.replace(/^\?/, "");
  if (accountKey === undefined && sharedAccessSignature === undefined) refuse("has neither AccountKey nor SharedAccessSignature");
  return {
    accountName,
    ...(accountKey === undefined ? {} : { accountKey }),
    ...(sharedAccessSignature === undefined ? {} : { sharedAccessSignature }),
    blobEndpoint,
  };
};
