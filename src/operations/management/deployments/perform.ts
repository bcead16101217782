// How a deployment does what its template says: by the same operations that clients call, with the rights of who began it. Here is only what such a call
// and its answer are, and how to go on with an answer that is not the end; the calls themselves are made where requests are (http/in-process.ts).
import type { Caller } from "../../../auth/tokens.ts";
import type { DeploymentError, DeploymentKey, DeploymentStepDetail } from "../../../store/deployments.ts";

export type Call = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Path and query, escaped. */
  readonly target: string;
  readonly body?: unknown;
  readonly caller: Caller;
  readonly baseUrl: string;
  /** Of how many deployments this is a part. */
  readonly nesting: number;
  /** When the whole of which this is a part must be done, by the clock's elapsed time. */
  readonly until?: number;
};

/** `body` of an error is that of the answer: `{ error: { code, message } }`. */
export type Answered = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown };

export type Perform = {
  /** Rejects only where the store cannot be reached: then it can be tried again. */
  call(call: Call): Promise<Answered>;
  /** Throws the ApiError for a path or version that no operation has. */
  check(method: Call["method"], target: string): void;
};

/** Of the deployments under way; what handlers see of it. */
export type DeploymentWork = {
  /** Looks after the deployment: it is new, or something has happened to it. */
  ring(key: DeploymentKey): void;
  readonly perform: Perform;
};

export const targetOf = (id: string, apiVersion: string): string =>
  `${id.split("/").map(encodeURIComponent).join("/")}?api-version=${encodeURIComponent(apiVersion)}`;

type Follow = NonNullable<DeploymentStepDetail["follow"]>;

/** Where the rest of an answer is asked for: undefined where it is all. */
export const followOf = ({ status, headers, body }: Answered, target: string): Follow | undefined => {
  const within = (url: string): string => url.replace(/^https?:\/\/[^/]+/i, "");
  const polled = headers["azure-asyncoperation"];
  if (polled !== undefined) return { target: within(polled), by: "status" };
  if (status === 202 && headers.location !== undefined) return { target: within(headers.location), by: "location" };
  return isEnded(stateOf(body)) ? undefined : { target, by: "resource" };
};

export type Outcome = { readonly state: "Running" | "Succeeded" | "Failed"; readonly status: number; readonly error?: DeploymentError };

/** What the answer to such a question means. */
export const outcomeOf = ({ by }: Follow, answered: Answered): Outcome => {
  const { status, body } = answered;
  if (status >= 400) return { state: "Failed", status, error: errorOf(answered) };
  if (by === "location") return { state: status === 202 ? "Running" : "Succeeded", status };
  const state = by === "status" ? (body as { status?: string } | undefined)?.status : stateOf(body);
  if (!isEnded(state)) return { state: "Running", status };
  if (state === undefined || state.toLowerCase() === "succeeded") return { state: "Succeeded", status };
  const error = (body as { error?: DeploymentError } | undefined)?.error;
  return { state: "Failed", status, error: error ?? failedState(state) };
};

/** Of an answer that is all: the resource may say that it failed. */
export const endOf = (answered: Answered): Outcome => outcomeOf({ target: "", by: "resource" }, answered);

const failedState = (state: string): DeploymentError => ({
  code: "ResourceDeploymentFailure",
  message: `The resource write operation failed to complete successfully, because it reached terminal provisioning state '${state}'.`,
});

const stateOf = (body: unknown): string | undefined => {
  const properties = (body as { properties?: { provisioningState?: unknown } } | undefined)?.properties;
  return typeof properties?.provisioningState === "string" ? properties.provisioningState : undefined;
};

const isEnded = (state: string | undefined): boolean => state === undefined || /^(succeeded|failed|cancell?ed)$/i.test(state);

export const errorOf = ({ status, body }: Answered): DeploymentError => {
  const error = (body as { error?: DeploymentError } | undefined)?.error;
  return error ?? { code: "Unknown", message: `The request was answered with status ${status}.` };
};
