// The request of an example of the management plane's documents, with what was prepared for it in place of what it says.
import type { ManagementExample } from "./management-documents.ts";
import { inSubscription, type Json, type Prepared } from "./management-world/world.ts";

export type ExampleRequest = {
  method: string;
  /** With the query, the api-version among it. */
  path: string;
  /** Without. */
  resource: string;
  body?: Json;
};

export const managementRequest = (
  { path, method, parameters, operation, document }: ManagementExample,
  { params, body }: Prepared,
  subscriptionId: string,
): ExampleRequest => {
  const given: Json = { ...(inSubscription(parameters, subscriptionId) as Json), subscriptionId, ...params };
  const declared = operation.parameters.map((one) => (one.$ref === undefined ? one : document.parameters[one.$ref.split("/").at(-1)!]!));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(given[name])));
  const query = declared
    .filter((one) => one.in === "query")
    .flatMap(({ name }) => Object.entries(given).filter(([key]) => key.toLowerCase() === name.toLowerCase()))
    .map(([name, value]): [string, string] => [name, String(value)]);
  const place = declared.find((one) => one.in === "body");
  const sent = place === undefined ? undefined : (given[place.name] as Json | undefined);
  const changed = sent === undefined ? undefined : (body ?? ((same) => same))(structuredClone(sent));
  return { method, path: `${filled}?${new URLSearchParams(query)}`, resource: filled, ...(changed === undefined ? {} : { body: changed }) };
};
