// User accounts on nodes: their values and rules. Pure. Nobody logs in with them yet, so a password is kept only as a hash.
import { ApiError, invalidProperty, missingProperty } from "../api/errors.ts";
import type { Instant } from "../lib/clock.ts";

export type NodeUser = {
  accountId: number;
  nodeId: string;
  key: string;
  name: string;
  isAdmin: boolean;
  expiresAt: Instant;
  /** A salted hash; absent when the account has no password. */
  password?: string;
  sshPublicKey?: string;
  generation: number;
};

/** What a request says of an account; what it leaves out has its default and is not kept from before. */
export type NodeUserSettings = { password?: string; sshPublicKey?: string; expiryTime?: string };

const dayMs = 24 * 3_600_000;
const longestName = 64;
const longestKey = 16_384;

/** Names are compared without regard to case. */
export const userKey = (name: string): string => name.toLowerCase();

/** Which names the service takes is not documented; one that an operating system could not have, or could misread, is refused. */
const checkUserName = (name: string): void => {
  if (name.length > longestName || !/^[\p{L}\p{N}_][\p{L}\p{N}_.@$ -]*$/u.test(name))
    throw invalidProperty(
      "name",
      `The name must begin with a letter or digit, hold no special characters and have at most ${longestName}.`,
    );
};

/** Throws the refusal of settings that the node's operating system cannot have. A time in the past is fine: the account has expired. */
export const checkUserSettings = ({ password, sshPublicKey }: NodeUserSettings, osType: "linux" | "windows"): void => {
  if (osType === "windows") {
    if (sshPublicKey !== undefined) throw invalidProperty("sshPublicKey", "A public key can be specified only for Linux nodes.");
    if (password === undefined) throw missingProperty("password");
  }
  const key = sshPublicKey?.trim();
  if (key !== undefined && (key === "" || key.length > longestKey || /[^\x20-\x7e]/.test(key)))
    throw invalidProperty("sshPublicKey", "The public key must be one line in the encoding of OpenSSH.");
};

type Settings = { settings: NodeUserSettings; passwordHash: string | undefined; now: Instant };

const changing = ({ settings, passwordHash, now }: Settings): Pick<NodeUser, "expiresAt" | "password" | "sshPublicKey"> => ({
  expiresAt: settings.expiryTime === undefined ? now + dayMs : Date.parse(settings.expiryTime),
  password: passwordHash,
  sshPublicKey: settings.sshPublicKey?.trim(),
});

export const newUser = (node: { accountId: number; id: string }, of: { name: string; isAdmin: boolean } & Settings): NodeUser => {
  checkUserName(of.name);
  return {
    accountId: node.accountId,
    nodeId: node.id,
    key: userKey(of.name),
    name: of.name,
    isAdmin: of.isAdmin,
    ...changing(of),
    generation: 1,
  };
};

export const changedUser = (user: NodeUser | undefined, to: Settings): NodeUser => ({ ...existing(user), ...changing(to) });

export const existing = (user: NodeUser | undefined): NodeUser => {
  if (user === undefined) throw new ApiError("NodeUserNotFound");
  return user;
};
