// Declares operations of the management plane: as `operation` of api/operation.ts does, with the provider whose api-versions count.
import type { Model } from "../fields.ts";
import { type OperationDeclaration, operation, type Spec } from "../operation.ts";
import type { Provider } from "./providers.ts";

type Declared = { readonly provider: Provider };

/** Conditions are none unless said otherwise: most resources of ARM take no conditional headers. */
export const managementOperation = <
  const Id extends string,
  const Path extends string,
  Query extends Model,
  Body extends Model | undefined = undefined,
>(
  id: Id,
  spec: Omit<Spec<Body, Query, Path>, "conditions" | "provider"> & Partial<Pick<Spec<Body, Query, Path>, "conditions">> & Declared,
): OperationDeclaration<Id, Body, Query, Path> & Declared =>
  ({ ...operation<Id, Path, Query, Body>(id, { conditions: "none", ...spec } as Spec<Body, Query, Path>) }) as OperationDeclaration<
    Id,
    Body,
    Query,
    Path
  > &
    Declared;
