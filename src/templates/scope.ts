// What an expression can see: parameters, variables, where it is deployed, the index of its copy, and (through Runtime) what was deployed before.
import type { Budget } from "./budget.ts";
import type { Obj, Value } from "./values.ts";

/** What only a running deployment knows. Each may throw `NotYet`: then the same expression is evaluated again when it is known. */
export type Runtime = {
  /** The properties of a resource; the whole of it with `full`. `target` is an id, a name or a symbolic name of the template. */
  reference(target: string, apiVersion: string | undefined, full: boolean): Value;
  /** The answer to a POST of a `list...` action. */
  list(action: string, target: string, apiVersion: string, body: Value | undefined): Value;
};

/** Something else must happen first: a resource of the template be deployed, or its state be asked for. No error of the template. */
export class NotYet extends Error {
  override readonly name = "NotYet";
  readonly needs: Need;
  constructor(needs: Need) {
    super("not known yet");
    this.needs = needs;
  }
}

/** `key` names the need: the answer is looked for under it. */
export type Need =
  | { readonly kind: "resource"; readonly key: string; readonly id: string; readonly apiVersion: string }
  | {
      readonly kind: "list";
      readonly key: string;
      readonly id: string;
      readonly action: string;
      readonly apiVersion: string;
      readonly body?: Value;
    }
  /** The resource with this key of the template must be deployed. */
  | { readonly kind: "deployed"; readonly key: string };

/** Where a deployment is. Of a subscription's own there is no group. */
export type Place = {
  readonly subscription: Obj & { readonly subscriptionId: string };
  readonly tenant: Obj;
  readonly resourceGroup?: Obj & { readonly name: string };
  readonly deployment: Obj & { readonly name: string };
  readonly environment: Obj;
};

export type UserFunction = {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly output: Value;
};

export type Scope = {
  readonly budget: Budget;
  readonly place: Place;
  /** Each throws TemplateError for a name that is not there. */
  readonly parameters: (name: string) => Value;
  readonly variables: (name: string) => Value;
  /** By lower-case `namespace.name`. */
  readonly functions: ReadonlyMap<string, UserFunction>;
  /** Type, id and api-version of a resource by its symbolic name. */
  readonly resourceInfo: (symbol: string) => Obj;
  /** The indexes of the copies that it is in, by name; "" is the innermost of resources. */
  readonly copies: ReadonlyMap<string, number>;
  readonly lambdaVariables: ReadonlyMap<string, Value>;
  /** Absent while a template is only looked at: then reference and list throw NotYet. */
  readonly runtime?: Runtime;
  /** Only where a parameter's default value is made: the one place for what differs each time. */
  readonly fresh?: { readonly now: number; readonly newGuid: () => string };
};
