// Sends one example of the documents to a running Quern in the words of an api-version. What must be there is built first.
import type { Plain } from "../../src/api/fields.ts";
import { compareVersions, type Version } from "../../src/api/versions.ts";
import type { ExampleWorld } from "./example-world.ts";
import { type Example, respelt } from "./examples.ts";
import type { Answer } from "./signed.ts";

export type Sent = { method: string; url: string; body?: Plain; answer: Answer };

export type Request = Omit<Sent, "answer">;

/** The request of an example, with what it needs built. */
export const exampleRequest = async (world: ExampleWorld, example: Example, version: Version): Promise<Request> => {
  const { operation } = example;
  const prepared = await world.prepare(example);
  const path: Record<string, string> = { ...example.path, ...prepared.path };
  const filled = operation.path.replace(/\{\+?(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? name).replace(/%2F/g, "/"));
  const query = new URLSearchParams({ ...example.query, ...prepared.query }).toString();
  const url = query === "" ? filled : `${filled}?${query}`;
  if (example.body === undefined || operation.body === undefined) return { method: operation.method, url };
  const given = (prepared.body ?? ((body: Plain) => body))(structuredClone(example.body));
  return { method: operation.method, url, body: inVersion(respelt(operation.body, given, version), operation.id, version) };
};

export const sendExample = async (world: ExampleWorld, example: Example, version: Version): Promise<Sent> => {
  const request = await exampleRequest(world, example, version);
  const { url: path, ...rest } = request;
  return { ...request, answer: await world.user.raw({ ...rest, path, version }) };
};

/** What a version requires and the example of a later one cannot say. */
const inVersion = (body: Plain, id: string, version: Version): Plain => {
  const sayable = compareVersions(version, "2018-12-01.8.0") < 0 ? (withoutContainerFiles(body) as Plain) : body;
  // Pools of the first version are Cloud Services, whose system is named in the pool.
  return version === "2015-12-01.2.2" ? withFamily(sayable, id === "Pool_Add") : sayable;
};

/** Resource files out of containers came with 2018-12; until then each names a blob. */
const withoutContainerFiles = (json: unknown): unknown => {
  if (Array.isArray(json)) return json.map(withoutContainerFiles);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key,
      key === "resourceFiles" ? (value as Plain[]).filter((file) => file.blobSource !== undefined) : withoutContainerFiles(value),
    ]),
  );
};

const withFamily = (body: Plain, isPool: boolean): Plain => {
  if (isPool) body.osFamily ??= "4";
  const specification = (body.jobSpecification ?? body) as { poolInfo?: { autoPoolSpecification?: { pool?: Plain } } };
  const pool = specification.poolInfo?.autoPoolSpecification?.pool;
  if (pool !== undefined) pool.osFamily ??= "4";
  return body;
};
