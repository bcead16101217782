// Keeps the embedded storage's accounts and their keys in one file of the location (mode 0600). Says nothing of who serves them.
import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomically } from "../lib/processes.ts";
import { embeddedAccount } from "./connection-string.ts";

export type KeptAccount = {
  name: string;
  /** Base64. Absent of devstoreaccount1 as long as its first key was never regenerated: which it has then depends on the address served. */
  key1?: string;
  key2: string;
  /** Set before its blobs are removed: an end that is interrupted is brought about at the next start. */
  isLeaving?: true;
};

const isKey = (value: unknown): boolean => typeof value === "string" && /^[A-Za-z0-9+/]+={0,2}$/.test(value);

const isKept = (value: unknown): value is KeptAccount => {
  const { name, key1, key2 } = (value ?? {}) as Record<string, unknown>;
  const isFirstKept = key1 === undefined ? name === embeddedAccount.name : isKey(key1);
  return typeof name === "string" && /^[a-z0-9]{3,24}$/.test(name) && isFirstKept && isKey(key2);
};

/** Undefined when there is no file yet. A file that says something else is an error: starting without it would lose the keys of all accounts. */
export const readAccounts = (file: string): KeptAccount[] | undefined => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const content = parsed(text);
  if (!Array.isArray(content) || !content.every(isKept)) {
    throw new AccountsUnreadable(
      `${file} is not a list of storage accounts. Put back a copy of it, or remove it: accounts get new keys then, and blobs stay.`,
    );
  }
  return content;
};

/** What the file says is not a list of accounts; the message says what to do. */
export class AccountsUnreadable extends Error {
  override readonly name = "AccountsUnreadable";
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const textOf = (accounts: readonly KeptAccount[]): string => `${JSON.stringify(accounts, undefined, 1)}\n`;

/** At the start, when nothing has been promised yet. */
export const writeFirstAccounts = (file: string, accounts: readonly KeptAccount[]): void => writeFileAtomically(file, textOf(accounts));

/** On the disk when it resolves, and whole at any moment. */
export const writeAccounts = async (file: string, accounts: readonly KeptAccount[]): Promise<void> => {
  const draft = `${file}.new`;
  const handle = await open(draft, "w", 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(textOf(accounts));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  const directory = await open(dirname(file), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};
