// What a handler is: a function from a validated request and the services to an answer. It never sees HTTP, a version or a signature.
import type { Readable } from "node:stream";
import type { Infer, Model } from "../api/fields.ts";
import type { OperationDeclaration } from "../api/operation.ts";
import type { Principal } from "../auth/principal.ts";
import type { FilterNode } from "../domain/filter.ts";
import type { Clock, Instant, Stamp } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { NodeChannel } from "../node-management/channel.ts";
import type { Wake } from "../scheduler/wake.ts";
import type { Store } from "../store/db.ts";

/** What the handlers are given; built once in main.ts. */
export type Services = {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  wake: Wake;
  channel: NodeChannel;
  images: import("../domain/images.ts").ImageCatalogue;
  /** This program's version, shown as that of the node agents. */
  version: string;
  /** How seldom at least a formula is evaluated, in ms; the service's five minutes where it is absent. */
  leastAutoScaleIntervalMs?: number;
  /** Of the accounts; a pool's subnet must be of the same. Any subscription is accepted where it is absent. */
  subscriptionId?: string;
  /** What each account may have; nothing is limited where it is absent. */
  quotas?: import("../domain/quotas.ts").Quotas;
};

/** The conditional headers, parsed. A handler checks them against what it loaded: `checkConditions(preconditions, modified, "write")`. */
export type Preconditions = {
  /** Bare ETags or "*". */
  ifMatch?: readonly string[];
  ifNoneMatch?: readonly string[];
  /** Whole seconds, ms since the epoch. */
  ifModifiedSince?: Instant;
  ifUnmodifiedSince?: Instant;
};

/** Where a list continues: the key after which the next page starts, opaque to clients. */
export type Page = { after?: string; limit: number };

export type Request<D extends OperationDeclaration> = {
  operation: D;
  principal: Principal;
  /** Decoded path parameters by name. */
  params: Record<PathParameters<D["path"]>, string>;
  query: Infer<D["query"]>;
  body: D["body"] extends Model ? Infer<D["body"]> : undefined;
  preconditions: Preconditions;
  /** Of lists. */
  page: Page;
  filter?: FilterNode;
  /** `https://host:port` that the client used, for absolute URLs. */
  baseUrl: string;
  /** File reads: the inclusive byte range of ocp-range or Range. */
  range?: { start: number; end?: number };
  requestId: string;
  /** As the client sent it, for URLs that it is to call. What differs between versions is in the declaration and in `traits`. */
  apiVersion: string;
  /** Which of the operation's declared traits the client's version has. */
  traits: ReadonlySet<string>;
  now: Instant;
};

export type Reply = {
  /** In the newest spelling; render.ts takes it to the client's version. Of lists: the elements. */
  body?: unknown;
  items?: readonly unknown[];
  /** Key of the last element when there is a next page. */
  next?: string;
  /** One of the answer's `statuses`, where it has several. */
  status?: number;
  /** Beyond those that the declaration promises: Location, Azure-AsyncOperation, Retry-After of long-running operations. */
  headers?: Readonly<Record<string, string>>;
  /** Gives ETag and Last-Modified. */
  modified?: Stamp;
  /** In place of the ETag that follows from `modified`, without quotes. */
  etag?: string;
  /** Id of what was created, appended to the request's URL for Location. */
  created?: string;
  /** Where that is, when it is not below the request's URL. */
  createdUrl?: string;
  file?: { stream?: Readable; length: number; headers: Record<string, string> };
};

export type Handler<D extends OperationDeclaration> = (request: Request<D>, services: Services) => Promise<Reply>;

/** The names in braces of a path. */
export type PathParameters<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `+${infer Plain}` ? Plain : Name) | PathParameters<Rest>
  : never;
