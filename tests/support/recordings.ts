// The recorded exchanges of the real data plane (../shared/recordings), in order.
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

export const readRecordings = (): Recorded[] =>
  readdirSync(sharedPath("recordings", "scenarios")).flatMap((file) => {
    const { exchanges } = JSON.parse(readFileSync(sharedPath("recordings", "scenarios", file), "utf8")) as { exchanges: Exchange[] };
    return exchanges
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
      });
  });
