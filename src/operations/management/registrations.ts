// Whether the subscription is registered for a resource provider. It is for all from the start; who takes that back gets ARM's refusal of every
// write to the provider's resources until it is registered again.
import { ApiError } from "../../api/errors.ts";
import { microsoftResources, type Provider } from "../../api/management/providers.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import type { Reader } from "../../store/db.ts";
import { getSetting } from "../../store/settings.ts";
import type { ManagementHandler } from "./handler.ts";

export type RegistrationState = "Registered" | "NotRegistered";

export const registrationKey = ({ namespace }: Provider): string => `registration.${namespace.toLowerCase()}`;

export const registrationOf = async (read: Reader, provider: Provider): Promise<RegistrationState> =>
  (await getSetting(read, registrationKey(provider))) === "NotRegistered" ? "NotRegistered" : "Registered";

/** A handler behind that check, where its operation changes anything. */
export const whileRegistered = (
  operation: OperationDeclaration,
  handler: ManagementHandler<OperationDeclaration>,
): ManagementHandler<OperationDeclaration> => {
  const provider = operation.provider!;
  if (provider === microsoftResources || operation.method === "GET" || operation.method === "HEAD") return handler;
  return async (request, services) => {
    if ((await registrationOf(services.store, provider)) === "NotRegistered") throw notRegistered(provider);
    return handler(request, services);
  };
};

const notRegistered = ({ namespace }: Provider): ApiError => {
  const message = `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`;
  return new ApiError("MissingSubscriptionRegistration", [{ key: "MissingSubscriptionRegistration", value: message }], message);
};
