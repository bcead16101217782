// Which operation a request means: an index of the declarations by path and method. It decides by path, method and version only.
import { ApiError } from "../api/errors.ts";
import type { Method, OperationDeclaration } from "../api/operation.ts";
import { livesIn, type Version } from "../api/versions.ts";
import { decodeSegment } from "./target.ts";

export type Match = { readonly operation: OperationDeclaration; readonly params: Record<string, string> };

/** What was found for a path: the parameters of each operation there, decoded. */
export type Candidates = readonly { readonly operation: OperationDeclaration; readonly params: Record<string, string> }[];

export type Routes = {
  /**
   * The operations that the path and the method name, in any version. Throws ResourceNotFound (404) for a path that no
   * operation has, UnsupportedHttpVerb (405) where only the method is wrong.
   */
  find(method: string, rawPath: string): Candidates;
};

type Route = { operation: OperationDeclaration; names: readonly string[] };
/** Takes the rest of a path, less literal segments that may stand at its end: a scope in front of `/providers/Microsoft.Resources/tags/default`. */
type RestRoute = Route & { end: readonly string[] };
type Step = {
  /** Literal segments, compared exactly. */
  literals: Map<string, Step>;
  /** A segment of literal text around parameters, such as `certificates(thumbprint={thumbprint})`. */
  patterns: { source: string; pattern: RegExp; step: Step }[];
  parameter?: Step;
  /** Operations that end here, and those that take all the rest of the path. */
  ends: Route[];
  takesRest: RestRoute[];
};

const newStep = (): Step => ({ literals: new Map(), patterns: [], ends: [], takesRest: [] });

/**
 * `anyCase`: literal segments are compared without regard to case and empty ones are looked over, as Azure Resource Manager does: `az resource`
 * leaves one where a resource has no parent.
 */
export const routesOf = (operations: readonly OperationDeclaration[], { anyCase = false } = {}): Routes => {
  const root = newStep();
  const literal = (segment: string): string => (anyCase ? segment.toLowerCase() : segment);
  for (const operation of operations) add(root, operation, literal);
  return {
    find: (method, rawPath) => {
      const found: { route: Route; values: readonly string[] }[] = [];
      const segments = segmentsOf(rawPath);
      walk(root, anyCase ? segments.filter((segment) => segment !== "") : segments, 0, [], found, literal);
      if (found.length === 0) throw new ApiError("ResourceNotFound");
      const right = found.filter(({ route }) => route.operation.method === method);
      if (right.length === 0) throw new ApiError("UnsupportedHttpVerb");
      return right.map(({ route, values }) => ({
        operation: route.operation,
        params: Object.fromEntries(route.names.map((name, index) => [name, decodeSegment(values[index]!)])),
      }));
    },
  };
};

/** Of the candidates the one that exists in the client's version; a version that has none answers as an unknown path. */
export const inVersion = (candidates: Candidates, version: Version): Match => {
  const match = candidates.find(({ operation }) => livesIn(operation, version));
  if (match === undefined) throw new ApiError("ResourceNotFound");
  return match;
};

/** The methods that some operation uses, for callers that must tell a verb of HTTP from nonsense. */
export const isMethod = (text: string): text is Method => ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].includes(text);

/** Leading slashes collapse (some clients send two), a trailing one means nothing. */
const segmentsOf = (rawPath: string): string[] => {
  const path = rawPath.replace(/^\/+/, "");
  const segments = path.split("/");
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  return segments;
};

type Literal = (segment: string) => string;

const add = (root: Step, operation: OperationDeclaration, literal: Literal): void => {
  let step = root;
  const names: string[] = [];
  const segments = segmentsOf(operation.path);
  for (const [index, segment] of segments.entries()) {
    const inBraces = [...segment.matchAll(/\{(\+?)(\w+)\}/g)];
    names.push(...inBraces.map((brace) => brace[2]!));
    if (inBraces[0]?.[1] === "+") {
      step.takesRest.push({ operation, names, end: segments.slice(index + 1).map(literal) });
      return;
    }
    step = next(step, inBraces.length === 0 ? literal(segment) : segment, inBraces.length);
  }
  step.ends.push({ operation, names });
};

const next = (step: Step, segment: string, parameters: number): Step => {
  if (parameters === 0) {
    const known = step.literals.get(segment) ?? newStep();
    step.literals.set(segment, known);
    return known;
  }
  if (parameters === 1 && /^\{\w+\}$/.test(segment)) {
    step.parameter ??= newStep();
    return step.parameter;
  }
  const source = segment
    .split(/\{\w+\}/)
    .map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("([^/,()]+)");
  const known = step.patterns.find((pattern) => pattern.source === source);
  if (known !== undefined) return known.step;
  // The names of OData keys are written in two ways by the service itself.
  const made = { source, pattern: new RegExp(`^${source}$`, "i"), step: newStep() };
  step.patterns.push(made);
  return made.step;
};

/** Literal segments win over parameters; every operation of the place reached is found, whatever its method. */
const walk = (
  step: Step,
  segments: readonly string[],
  index: number,
  values: readonly string[],
  found: { route: Route; values: readonly string[] }[],
  asLiteral: Literal,
): void => {
  if (index === segments.length) {
    for (const route of step.ends) found.push({ route, values });
    return;
  }
  const segment = segments[index]!;
  const literal = step.literals.get(asLiteral(segment));
  if (literal !== undefined) walk(literal, segments, index + 1, values, found, asLiteral);
  const unescaped = step.patterns.length === 0 ? segment : segment.replace(/%(28|29|2c|3d)/gi, decodeURIComponent);
  for (const { pattern, step: below } of step.patterns) {
    const match = pattern.exec(unescaped);
    if (match !== null) walk(below, segments, index + 1, [...values, ...match.slice(1)], found, asLiteral);
  }
  if (step.parameter !== undefined && segment !== "") walk(step.parameter, segments, index + 1, [...values, segment], found, asLiteral);
  for (const route of step.takesRest) {
    const last = segments.length - route.end.length;
    const rest = segments.slice(index, Math.max(index, last)).join("/");
    if (rest !== "" && route.end.every((each, at) => each === asLiteral(segments[last + at]!)))
      found.push({ route, values: [...values, rest] });
  }
};
