// What the files of the subjects share: the world that they build in, and the names that the documents' examples have in common.
import type { ArmRequest } from "../arm.ts";
import type { User } from "../batch-user.ts";
import type { ManagementExample } from "../management-documents.ts";
import type { Quern } from "../quern.ts";
import type { Answer } from "../signed.ts";

export type Json = Record<string, unknown>;

/** What the example is sent with in place of what it says. `made` is what the answer to a GET must show, as it was set before. `echo` names properties that the answer has otherwise, and why. */
export type Prepared = { params?: Record<string, string>; body?: (body: Json) => Json; made?: Json; echo?: Record<string, string> };

export type World = {
  readonly quern: Quern;
  /** A client of the data plane of `sampleacct`. */
  readonly user: User;
  /** `/subscriptions/.../resourceGroups/default-azurebatch-japaneast/providers/Microsoft.Batch/batchAccounts/sampleacct`. */
  readonly account: string;
  /** A name that no other request had. */
  fresh(what: string): string;
  arm(request: ArmRequest): Promise<Answer>;
  /** Sends it and throws unless it succeeds. */
  ok(request: ArmRequest): Promise<Answer>;
  /** Run after the example that is being sent: takes away what would add up. */
  after(undo: () => Promise<unknown>): void;
};

/** By operationId. */
export type Ways = Readonly<Record<string, (world: World, example: ManagementExample) => Promise<Prepared>>>;

export const group = "default-azurebatch-japaneast";
export const accountName = "sampleacct";
/** Of the data plane. */
export const accountKey = Buffer.from("a key for the account of the examples").toString("base64");
/** The server on which the examples' own account and group exist from the start. */
export const worldArguments = ["--account", `${accountName}:${accountKey}`, "--resource-group", group, "--region", "japaneast"];

/** Every subscription that the documents name stands for the server's own. */
export const inSubscription = (value: unknown, subscriptionId: string): unknown => {
  if (typeof value === "string") return value.replace(/^\/subscriptions\/[^/]+/i, `/subscriptions/${subscriptionId}`);
  if (Array.isArray(value)) return value.map((item) => inSubscription(item, subscriptionId));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [inSubscription(name, subscriptionId) as string, inSubscription(held, subscriptionId)]),
  );
};
