// Private endpoint connections of Batch accounts: who asked to be connected, and what became of it. Pure. Nothing is routed by them: every
// client of this server comes over its one public port (domain/accounts.ts says who is let in).
import type { ManagementErrorCode } from "../api/management/errors.ts";
import type { Stamp } from "../lib/clock.ts";

export const connectionStatuses = ["Approved", "Pending", "Rejected", "Disconnected"] as const;
export type ConnectionStatus = (typeof connectionStatuses)[number];

/** What of an account can be connected to. */
export const connectionGroups = ["batchAccount", "nodeManagement"] as const;
export type ConnectionGroup = (typeof connectionGroups)[number];

export type PrivateEndpointConnection = {
  accountId: number;
  /** `{private endpoint}.{guid}`; compared without regard to case. */
  name: string;
  /** Resource id of the Microsoft.Network/privateEndpoints that asked. */
  privateEndpointId: string;
  groupId: ConnectionGroup;
  status: ConnectionStatus;
  description: string;
  actionsRequired: string;
  provisioningState: "Succeeded";
  tags: Readonly<Record<string, string>>;
  modified: Stamp;
  generation: number;
};

/** How many an account may have (limits-and-quotas.md). */
export const mostConnections = 100;

type Change = { status: ConnectionStatus; description?: string };

/**
 * The owner of the account says yes or no, and may change his mind (seen: approved, then rejected). Back to Pending is nobody's to say, and what
 * was disconnected from its other end can only be removed (both: unverified).
 */
export const decideConnection = (
  connection: PrivateEndpointConnection,
  { status, description = connection.description }: Change,
  modified: Stamp,
): { after: PrivateEndpointConnection } | { refused: ManagementErrorCode; because: string } => {
  if (connection.status === "Disconnected" && status !== "Disconnected")
    return { refused: "OperationNotAllowed", because: "The private endpoint connection is disconnected and can only be deleted." };
  if (status === "Pending" && connection.status !== "Pending")
    return {
      refused: "OperationNotAllowed",
      because: `A private endpoint connection that is ${connection.status} cannot become Pending again.`,
    };
  return { after: { ...connection, status, description, modified } };
};
