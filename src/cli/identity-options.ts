// The flags that say who may come in with a token: clients of Quern's own issuer, and an external one. Checked here, after the parser, whose
// messages repeat what was given: a client's secret must not be printed.
import { type Command, Option } from "commander";
import { UserError } from "./usage-error.ts";

export type RoleName = "owner" | "contributor" | "reader";
export type ClientOption = { clientId: string; secret: string; role: RoleName; name?: string };
export type ExternalIssuerOption = {
  issuer: string;
  audiences: string[];
  jwksUrl?: string;
  roleClaim: string;
  /** Which role a value of the claim gives. */
  roles: ReadonlyMap<string, RoleName>;
};

export type IdentityOptions = {
  /** "kept": nobody named one, and the published one would open the door to others, so the location has its own. */
  clients: ClientOption[] | "kept";
  externalIssuer?: ExternalIssuerOption;
};

/** Published on purpose, like the well-known account's key: it protects nothing, so it is for loopback only. */
export const wellKnownClient = {
  clientId: "51756572-6e00-4000-8000-000000000003",
  secret: "quern-published-secret-for-local-development",
  role: "owner",
  name: "the well-known client",
} as const satisfies ClientOption;

export type RawIdentity = {
  client?: string[];
  oidcIssuer?: string;
  oidcAudience?: string[];
  oidcJwks?: string;
  oidcRoleClaim?: string;
  oidcRole?: string[];
};

const roleNames = ["owner", "contributor", "reader"] as const;
const isRole = (text: string): text is RoleName => (roleNames as readonly string[]).includes(text);

const collect = (text: string, earlier: string[] = []): string[] => [...earlier, ...text.split(",").map((part) => part.trim())];
const option = (flags: string, description: string, name: string): Option => new Option(flags, description).env(`QUERN_${name}`);

export const addIdentityOptions = (command: Command): Command =>
  command
    .addOption(
      option(
        "--client <id:secret[:role]>",
        "a client (service principal) that gets tokens here: a GUID, a secret of 16 characters or more, and owner, contributor (default) or " +
          "reader (repeatable; default a published one with the published account key, else one of this location's own)",
        "CLIENT",
      ).argParser(collect),
    )
    .addOption(option("--oidc-issuer <url>", "take tokens of this OpenID Connect issuer", "OIDC_ISSUER"))
    .addOption(
      option("--oidc-audience <text>", "what its tokens for this server name as their audience (repeatable)", "OIDC_AUDIENCE").argParser(
        collect,
      ),
    )
    .addOption(option("--oidc-jwks <url>", "where its keys are (default as its discovery document says)", "OIDC_JWKS"))
    .addOption(option("--oidc-role-claim <name>", "the claim that tells what its holder may do (default roles)", "OIDC_ROLE_CLAIM"))
    .addOption(
      option(
        "--oidc-role <role=value>",
        "a value of that claim that makes its holder owner, contributor or reader (repeatable; default each role's own name)",
        "OIDC_ROLE",
      ).argParser(collect),
    );

/**
 * The published client may be used where the published account key may (on loopback, or because the operator insists), and is there by default
 * where that key is: who has a key of his own, on a machine with other users perhaps, must not be open to them by another door. Throws UserError.
 */
export const identityOptions = (raw: RawIdentity, published: { allowed: boolean; inUse: boolean }): IdentityOptions => {
  const externalIssuer = externalIssuerOption(raw);
  const clients = raw.client?.map(clientOption);
  if (clients === undefined) {
    // Who has an issuer has its clients there.
    if (externalIssuer !== undefined) return { clients: [], externalIssuer };
    return { clients: published.allowed && published.inUse ? [wellKnownClient] : "kept" };
  }
  if (!published.allowed && clients.some(({ secret }) => secret === wellKnownClient.secret))
    throw new UserError("The secret of a --client is the published one, so anyone could get tokens here. Choose another.", 2);
  const twice = clients.find(({ clientId }, index) => clients.findIndex((other) => other.clientId === clientId) !== index);
  if (twice !== undefined) throw new UserError(`The client ${twice.clientId} is given twice.`, 2);
  return { clients, ...(externalIssuer === undefined ? {} : { externalIssuer }) };
};

const clientOption = (text: string): ClientOption => {
  const [clientId = "", secret = "", role = "contributor", ...more] = text.split(":");
  const isGuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(clientId);
  if (!isGuid || !/^[\x21-\x7e]{16,256}$/.test(secret) || !isRole(role) || more.length > 0) {
    throw new UserError(
      "--client takes ID:SECRET or ID:SECRET:ROLE, with a GUID, a secret of 16 to 256 visible ASCII characters without colon and comma, and " +
        "owner, contributor or reader.",
      2,
    );
  }
  return { clientId: clientId.toLowerCase(), secret, role };
};

const externalIssuerOption = (raw: RawIdentity): ExternalIssuerOption | undefined => {
  const { oidcIssuer, oidcAudience, oidcJwks, oidcRoleClaim = "roles", oidcRole } = raw;
  if (oidcIssuer === undefined) {
    if ((oidcAudience ?? oidcJwks ?? raw.oidcRoleClaim ?? oidcRole) === undefined) return undefined;
    throw new UserError("--oidc-audience, --oidc-jwks, --oidc-role-claim and --oidc-role need --oidc-issuer.", 2);
  }
  checkUrl("--oidc-issuer", oidcIssuer);
  if (oidcJwks !== undefined) checkUrl("--oidc-jwks", oidcJwks);
  const audiences = (oidcAudience ?? []).filter((text) => text !== "");
  if (audiences.length === 0)
    throw new UserError("--oidc-issuer needs --oidc-audience: without it a token for any other service would be good here.", 2);
  if (oidcRoleClaim === "") throw new UserError("--oidc-role-claim must not be empty.", 2);
  const roles = new Map((oidcRole ?? roleNames.map((role) => `${role}=${role}`)).map(roleOption));
  return { issuer: oidcIssuer, audiences, ...(oidcJwks === undefined ? {} : { jwksUrl: oidcJwks }), roleClaim: oidcRoleClaim, roles };
};

/** Keys that came over plain http could be anybody's; on this machine there is nobody between. */
const checkUrl = (flag: string, text: string): void => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url !== undefined && (url.protocol === "https:" || (url.protocol === "http:" && isLocal)) && url.username + url.password === "")
    return;
  throw new UserError(`${flag} takes an https URL without a user name (http only for this machine).`, 2);
};

const roleOption = (text: string): [string, RoleName] => {
  const split = text.indexOf("=");
  const [role, value] = [text.slice(0, split), text.slice(split + 1)];
  if (split <= 0 || !isRole(role) || value === "")
    throw new UserError(`--oidc-role takes ROLE=VALUE with owner, contributor or reader, and not ${text}.`, 2);
  return [value, role];
};
