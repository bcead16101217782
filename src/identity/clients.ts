// The clients (service principals) of our own issuer: who they are and whether a secret is theirs. They come from the command line; beyond
// loopback, where nobody named one, from a file that is made once per location.
import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Caller, Role } from "../auth/tokens.ts";
import type { Ids } from "../lib/ids.ts";
import { writeFileAtomically } from "../lib/processes.ts";
import { IdentityUnreadable } from "./signing-key.ts";

export type ClientSettings = { readonly clientId: string; readonly secret: string; readonly role: Role; readonly name?: string };

export interface ClientDirectory {
  /** By client id in any letter case. */
  find(clientId: string): Caller | undefined;
  /** Takes the same time whatever is wrong with the secret. */
  isSecretOf(clientId: string, secret: string): boolean;
}

export const createClients = (settings: readonly ClientSettings[], tenantId: string): ClientDirectory => {
  const byId = new Map(
    settings.map(({ clientId: given, secret, role, name }) => {
      const clientId = given.toLowerCase();
      const caller: Caller = { objectId: objectIdOf(tenantId, clientId), clientId, tenantId, role, name: name ?? `client ${clientId}` };
      return [clientId, { caller, digest: digestOf(secret) }];
    }),
  );
  return {
    find: (clientId) => byId.get(clientId.toLowerCase())?.caller,
    isSecretOf: (clientId, secret) => {
      const client = byId.get(clientId.toLowerCase());
      return timingSafeEqual(digestOf(secret), client?.digest ?? nothing) && client !== undefined;
    },
  };
};

const digestOf = (secret: string): Buffer => createHash("sha256").update(secret, "utf8").digest();
const nothing = Buffer.alloc(32);

/** A service principal's object id: the same at every start, so that whoever stores it finds it again. A name-based UUID (RFC 9562, version 5). */
const objectIdOf = (tenantId: string, clientId: string): string => {
  const bytes = createHash("sha1").update(`quern service principal ${tenantId.toLowerCase()} ${clientId}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
};

/** The client of this location, an owner, made with a secret of its own the first time. Throws IdentityUnreadable. */
export const keptClient = (directory: string, ids: Ids): ClientSettings => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "client.json");
  const kept = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (kept.trim() !== "") return understood(kept, file);
  const made = { clientId: ids.guid(), secret: ids.hex(32) };
  writeFileAtomically(file, `${JSON.stringify(made, undefined, 2)}\n`);
  return ownerOf(made);
};

const ownerOf = ({ clientId, secret }: { clientId: string; secret: string }): ClientSettings => ({
  clientId,
  secret,
  role: "owner",
  name: "the client of this location",
});

const understood = (text: string, file: string): ClientSettings => {
  try {
    const { clientId, secret } = JSON.parse(text) as Partial<ClientSettings>;
    if (typeof clientId === "string" && typeof secret === "string" && clientId !== "" && secret.length >= 16)
      return ownerOf({ clientId, secret });
  } catch {
    // Said below, without the parser's words: they may quote the secret.
  }
  throw new IdentityUnreadable(
    `${file} does not hold a clientId and a secret. Remove it to have a client made anew, or name one with --client.`,
  );
};
