// The recorded exchanges of the real service (../shared/recordings), in order: those of the data plane whole, of the management plane which
// operations were called.
import { readdirSync, readFileSync } from "node:fs";
import type { Version } from "../../src/api/versions.ts";
import { sharedPath } from "./shared.ts";

export type Recorded = {
  /** `scenario#exchange` */
  label: string;
  operation: string;
  version: Version;
  status: number;
  request?: unknown;
  /** Undefined where the answer had no body. */
  answer?: unknown;
};

type Exchange = {
  n: number;
  plane: string;
  op: string;
  query: Record<string, string>;
  status: number;
  requestBody?: unknown;
  responseBody?: unknown;
};

const scenarios = (): { file: string; exchanges: Exchange[] }[] =>
  readdirSync(sharedPath("recordings", "scenarios")).map((file) => {
    const { exchanges } = JSON.parse(readFileSync(sharedPath("recordings", "scenarios", file), "utf8")) as { exchanges: Exchange[] };
    return { file, exchanges };
  });

/** As the servers' logs name them: `Pool_Get` of the data plane, `Microsoft.Batch/Pool_Get` of the management plane. */
export const recordedOperations = (): string[] =>
  scenarios().flatMap(({ exchanges }) =>
    exchanges.flatMap(({ plane, op }) => {
      const id = /^(\w+)(?:\(arm\))?$/.exec(op)?.[1];
      if (id === undefined || plane === "blob") return [];
      return [plane === "arm" ? `Microsoft.Batch/${id}` : id];
    }),
  );

export const readRecordings = (): Recorded[] =>
  scenarios().flatMap(({ file, exchanges }) =>
    exchanges
      .filter(({ plane }) => plane === "batch")
      .map(({ n, op, query, status, requestBody, responseBody }): Recorded => {
        const request = requestBody === undefined || requestBody === null || requestBody === "" ? {} : { request: requestBody };
        const answer = responseBody === undefined || responseBody === null || responseBody === "" ? {} : { answer: responseBody };
        return {
          label: `${file.replace(".json", "")}#${n}`,
          operation: op,
          version: query["api-version"] as Version,
          status,
          ...request,
          ...answer,
        };
      }),
  );
