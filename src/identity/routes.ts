// Which paths are the issuer's. There are two families: `/adfs/...`, which clients use without asking the public cloud about the host, and
// `/{tenant}/...` as in Entra, versions 1 and 2. Matched on the path alone, in any letter case: some clients append a query.

export type Endpoint = "discovery" | "token" | "authorize" | "keys" | "instance";

export type Route = {
  readonly endpoint: Endpoint;
  readonly family: "adfs" | "v1" | "v2";
  /** As the path has it, in lower case; undefined where it has none. */
  readonly tenant?: string;
};

const endpoints: Readonly<Record<string, Pick<Route, "endpoint" | "family">>> = {
  ".well-known/openid-configuration": { endpoint: "discovery", family: "v1" },
  "v2.0/.well-known/openid-configuration": { endpoint: "discovery", family: "v2" },
  "oauth2/token": { endpoint: "token", family: "v1" },
  "oauth2/v2.0/token": { endpoint: "token", family: "v2" },
  "oauth2/authorize": { endpoint: "authorize", family: "v1" },
  "oauth2/v2.0/authorize": { endpoint: "authorize", family: "v2" },
  "discovery/keys": { endpoint: "keys", family: "v1" },
  "discovery/v2.0/keys": { endpoint: "keys", family: "v2" },
};

/** How each of them ends: every request of the other planes is asked about, and one look tells. */
const lastWord = /(?:openid-configuration|token|authorize|keys|instance)\/*$/i;

/** Undefined for paths that are somebody else's. `path` is without a query. */
export const routeOf = (path: string): Route | undefined => {
  if (!lastWord.test(path)) return undefined;
  const [first = "", ...rest] = path
    .toLowerCase()
    .split("/")
    .filter((segment) => segment !== "");
  const found = endpoints[rest.join("/")];
  if (first === "adfs") {
    if (found !== undefined) return { endpoint: found.endpoint, family: "adfs" };
    const [tenant, ...further] = rest;
    const below = endpoints[further.join("/")];
    return tenant === undefined || below === undefined
      ? undefined
      : { endpoint: below.endpoint, family: "adfs", tenant: unescaped(tenant) };
  }
  if (first === "common" && rest.join("/") === "discovery/instance") return { endpoint: "instance", family: "v1" };
  return found === undefined ? undefined : { ...found, tenant: unescaped(first) };
};

const unescaped = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** Where the endpoints of a route's family are, below the address that the client called. */
export const addressesOf = (base: string, route: Route, tenantId: string): { token: string; authorize: string; keys: string } => {
  const [root, version] = route.family === "adfs" ? [`${base}/adfs`, ""] : [`${base}/${tenantId}`, route.family === "v2" ? "/v2.0" : ""];
  return {
    token: `${root}/oauth2${version}/token`,
    authorize: `${root}/oauth2${version}/authorize`,
    keys: `${root}/discovery${version}/keys`,
  };
};
