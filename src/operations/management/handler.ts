// What a handler of the management plane is: as one of the data plane (operations/handler.ts), but who asks is a caller with a role, and the
// account is a resource like any other that the path names.
import type { OperationDeclaration } from "../../api/operation.ts";
import type { Caller } from "../../auth/tokens.ts";
import type { ImageWork } from "../../scheduler/image-work.ts";
import type { StorageAccounts } from "../../storage/accounts.ts";
import type { AccountRegistry } from "../account-registry.ts";
import type { Reply, Request, Services } from "../handler.ts";
import type { DeploymentWork } from "./deployments/perform.ts";

export type ManagementSettings = {
  readonly subscriptionId: string;
  readonly subscriptionName: string;
  readonly tenantId: string;
  /** Where the accounts of the command line are. */
  readonly resourceGroup: string;
  readonly region: string;
  /** What host names end in: `{account}.{region}.batch.{domain}`. */
  readonly domain: string;
  /** The account that the server's bare address belongs to. */
  readonly firstAccount: string;
};

export type ManagementServices = Services & {
  readonly settings: ManagementSettings;
  readonly accounts: AccountRegistry;
  readonly storage: StorageAccounts;
  readonly imageWork: ImageWork;
  readonly deployments: DeploymentWork;
};

export type ManagementRequest<D extends OperationDeclaration> = Omit<Request<D>, "principal"> & {
  readonly caller: Caller;
  /** Of how many deployments it is a part; absent where a client asks. */
  readonly nesting?: number;
};

export type ManagementHandler<D extends OperationDeclaration> = (
  request: ManagementRequest<D>,
  services: ManagementServices,
) => Promise<Reply>;
