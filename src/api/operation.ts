// What one operation promises: the data from which routing, validation, answers, docs and coverage come.

import type { BatchErrorCode, ErrorCode } from "./errors.ts";
import type { Life, Model } from "./fields.ts";
import type { Provider } from "./management/providers.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Which conditional headers an operation honours: all four, the two dates only (files), or none. */
export type Conditions = "all" | "dates" | "none";

export type OperationDeclaration<
  Id extends string = string,
  Body extends Model | undefined = Model | undefined,
  Query extends Model = Model,
  Path extends string = string,
> = Life & {
  readonly id: Id;
  readonly method: Method;
  /** Path relative to the account, parameters in braces; `{+filePath}` takes the rest of the path, or all in front of the literals behind it. */
  readonly path: Path;
  /** One sentence of our own, for the documentation. */
  readonly summary: string;
  /** Beyond `api-version` and `timeout`, which every operation has. Names are matched without regard to case. */
  readonly query: Query;
  readonly body: Body;
  /** True when a request without a body is fine. */
  readonly bodyOptional: boolean;
  readonly conditions: Conditions;
  readonly answer: Answer;
  /** Codes beyond those of the pipeline (authentication, validation, conditions) that it can answer. */
  readonly errors: readonly ErrorCode[];
  /** Of the management plane: whose operation it is, and by that which api-versions there are. */
  readonly provider?: Provider;
  /** Its $filter is in a language of its own, which the handler reads (`request.query.$filter`). */
  readonly ownFilter?: true;
  /** Its body may be written more loosely than JSON is: with comments, and names without quotes. */
  readonly laxBody?: true;
  /** What it does in some versions only, by a name for it: a handler finds the names that hold for its client in `request.traits`. */
  readonly traits?: Readonly<Record<string, Life>>;
  /** The operation that took its place, where later versions have none. */
  readonly supersededBy?: string;
  /** What it does not do behind its answer, and why: a sentence for the compatibility table of the manual. */
  readonly recorded?: string;
  /** The answer to every request that finds its resource, where the operation cannot be done here. Shown in the compatibility table. */
  readonly refused?: BatchErrorCode;
};

export type Answer = {
  readonly status: 200 | 201 | 202 | 204;
  /** Others that a reply may choose (`Reply.status`); 202 and 204 have no body even where one is declared, unless the reply brings it. */
  readonly statuses?: readonly (200 | 201 | 202 | 204)[];
  /** The shape of the body; none when absent. A list's element is `item`. */
  readonly body?: Model;
  readonly item?: Model;
  /** What follows `$metadata#` in `odata.metadata`, e.g. `jobs` (lists) or `jobs/@Element`. */
  readonly metadata?: string;
  /** The answer is a file's bytes with its own headers (bodies of any type, streamed). */
  readonly file?: true;
  /** ETag and Last-Modified are sent; the management plane quotes its ETags, those of child resources as weak ones. */
  readonly etag?: true | "strong" | "weak";
  /** DataServiceId: the request's own URL without the query. */
  readonly dataServiceId?: true;
  /** Location of what was created: the request's URL and this id. */
  readonly location?: true;
};

export const noQuery: Model<Record<never, never>> = { name: "NoQuery", fields: {} };

export type Spec<Body extends Model | undefined, Query extends Model, Path extends string> = Omit<
  OperationDeclaration<string, Body, Query, Path>,
  "id" | "body" | "bodyOptional"
> & { readonly body?: Body; readonly bodyOptional?: true };

/** Declares an operation. Its types follow: a handler knows the names in the path, the query's and the body's properties. */
export const operation = <
  const Id extends string,
  const Path extends string,
  Query extends Model,
  Body extends Model | undefined = undefined,
>(
  id: Id,
  spec: Spec<Body, Query, Path>,
): OperationDeclaration<Id, Body, Query, Path> => ({ bodyOptional: false, ...spec, id, body: spec.body as Body });
