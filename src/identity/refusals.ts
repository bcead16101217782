// The errors of the token endpoints, in the shape and mostly in the words of Microsoft Entra, whose clients look for the AADSTS numbers
// (reference page "Microsoft Entra authentication and authorization error codes").
import type { Instant } from "../lib/clock.ts";

type Problem = { readonly code: number; readonly status: number; readonly error: string; readonly text: string };

/** `{name}` is filled in from the values. */
const problems = {
  malformed: problem(9002313, 400, "invalid_request", "Invalid request. Request is malformed or invalid. {reason}"),
  notFound: problem(9002313, 404, "invalid_request", "Invalid request. There is no such endpoint."),
  tooLarge: problem(9002313, 413, "invalid_request", "Invalid request. The body is larger than {limit} bytes."),
  onlyPost: problem(900561, 405, "invalid_request", "The endpoint only accepts POST requests. Received a {method} request."),
  onlyGet: problem(900561, 405, "invalid_request", "The endpoint only accepts GET requests. Received a {method} request."),
  duplicate: problem(9000411, 400, "invalid_request", "The request is not properly formatted. The parameter '{name}' is duplicated."),
  missing: problem(900144, 400, "invalid_request", "The request body must contain the following parameter: '{name}'."),
  unknownTenant: problem(
    90002,
    400,
    "invalid_request",
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  ),
  /** What discovery says of the same. */
  invalidTenant: problem(
    90002,
    400,
    "invalid_tenant",
    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  ),
  unknownClient: problem(
    700016,
    400,
    "unauthorized_client",
    "Application with identifier '{client}' was not found in the directory '{tenant}'. Clients are named where Quern is started (--client).",
  ),
  noSecret: problem(7000218, 401, "invalid_client", "The request body must contain the following parameter: 'client_secret'."),
  noAssertions: problem(
    7000218,
    401,
    "invalid_client",
    "Certificates and federated credentials (client_assertion) are not accepted here. The request body must contain the following parameter: 'client_secret'.",
  ),
  wrongSecret: problem(
    7000215,
    401,
    "invalid_client",
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, for app '{client}'.",
  ),
  /** Entra's number for an account locked after too many wrong passwords; that it comes as 429 is ours. */
  tooManyFailures: problem(
    50053,
    429,
    "invalid_client",
    "There were too many attempts with a wrong secret for app '{client}' from this address. Try again in {seconds} seconds.",
  ),
  unsupportedGrant: problem(70003, 400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
  noInteractive: problem(
    700054,
    400,
    "unsupported_response_type",
    "Nobody can sign in here interactively. Use a client id and secret (grant type client_credentials), or an external issuer (--oidc-issuer).",
  ),
  badScope: problem(
    1002012,
    400,
    "invalid_scope",
    "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
  ),
  severalResources: problem(
    28000,
    400,
    "invalid_scope",
    "The provided value for scope {scope} is not valid because it contains more than one resource.",
  ),
  unknownResource: problem(
    500011,
    400,
    "invalid_resource",
    "The resource principal named {resource} was not found in the tenant named {tenant}. Tokens are given for {known}.",
  ),
  badRefreshToken: problem(70000, 400, "invalid_grant", "Provided grant is invalid or malformed."),
  expiredRefreshToken: problem(700082, 400, "invalid_grant", "The refresh token has expired."),
} as const satisfies Record<string, Problem>;

function problem(code: number, status: number, error: string, text: string): Problem {
  return { code, status, error, text };
}

/** A refusal of an endpoint of the issuer. The values are shown to the client: no secrets. */
export class OAuthRefusal extends Error {
  override readonly name = "OAuthRefusal";
  readonly status: number;
  readonly #problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: keyof typeof problems, values: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}) {
    const found = problems[kind];
    super(found.text.replace(/\{(\w+)\}/g, (_, name: string) => (values[name] ?? "").slice(0, 256)).trim());
    this.#problem = found;
    this.status = found.status;
    this.headers = headers;
  }

  /** The answer, as Entra writes it. */
  body(of: { traceId: string; correlationId: string; now: Instant }): object {
    const { code, error } = this.#problem;
    const timestamp = `${new Date(of.now).toISOString().slice(0, 19).replace("T", " ")}Z`;
    return {
      error,
      error_description: `AADSTS${code}: ${this.message} Trace ID: ${of.traceId} Correlation ID: ${of.correlationId} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: of.traceId,
      correlation_id: of.correlationId,
    };
  }
}
