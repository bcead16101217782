// The connections of private endpoints to a Batch account: what one is and how one begins. That traffic really takes such a way is nothing this
// server could see: a connection is a record with a state. Pure.
import type { Stamp } from "../lib/clock.ts";

export const connectionStatuses = ["Approved", "Pending", "Rejected", "Disconnected"] as const;
export type ConnectionStatus = (typeof connectionStatuses)[number];

/** The two endpoints of an account that private ones lead to. */
export const connectionGroups = ["batchAccount", "nodeManagement"] as const;
export type ConnectionGroup = (typeof connectionGroups)[number];

/** Of one account. */
export const mostConnections = 100;

export type PrivateEndpointConnection = {
  accountId: number;
  /** The name in lower case. */
  key: string;
  /** `{private endpoint}.{guid}` */
  name: string;
  /** Resource id of the Microsoft.Network/privateEndpoints. */
  privateEndpointId: string;
  groupId: ConnectionGroup;
  status: ConnectionStatus;
  description: string;
  actionsRequired: string;
  provisioningState: "Creating" | "Updating" | "Deleting" | "Succeeded" | "Failed" | "Cancelled";
  tags: Readonly<Record<string, string>>;
  modified: Stamp;
  generation: number;
};

/** A group in any case, as the service writes it. */
export const connectionGroupOf = (text: string): ConnectionGroup | undefined =>
  connectionGroups.find((group) => group.toLowerCase() === text.toLowerCase());

/** What the endpoint's owner asked for is granted at once, where somebody else must decide it waits (both texts of waiting: seen in 2021). */
export const newConnection = (of: {
  accountId: number;
  endpointName: string;
  guid: string;
  privateEndpointId: string;
  groupId: ConnectionGroup;
  isManual: boolean;
  requestMessage?: string;
  modified: Stamp;
}): PrivateEndpointConnection => ({
  accountId: of.accountId,
  key: `${of.endpointName}.${of.guid}`.toLowerCase(),
  name: `${of.endpointName}.${of.guid}`,
  privateEndpointId: of.privateEndpointId,
  groupId: of.groupId,
  status: of.isManual ? "Pending" : "Approved",
  description: of.requestMessage ?? (of.isManual ? "Manual approval still required" : "Auto-Approved"),
  actionsRequired: of.isManual ? "Manual approval request" : "None",
  provisioningState: "Succeeded",
  tags: {},
  modified: of.modified,
  generation: 0,
});

type Decision = { status: ConnectionStatus; description?: string };

/**
 * The owner of the account says yes or no, and may change his mind (seen: approved, then rejected). Back to Pending is nobody's to say, and what
 * was disconnected from its other end can only be removed (both: unverified).
 */
export const decideConnection = (
  connection: PrivateEndpointConnection,
  { status, description = connection.description }: Decision,
  modified: Stamp,
): { after: PrivateEndpointConnection } | { refused: "OperationNotAllowed"; because: string } => {
  if (connection.status === "Disconnected" && status !== "Disconnected")
    return { refused: "OperationNotAllowed", because: "The private endpoint connection is disconnected and can only be deleted." };
  if (status === "Pending" && connection.status !== "Pending")
    return {
      refused: "OperationNotAllowed",
      because: `A private endpoint connection that is ${connection.status} cannot become Pending again.`,
    };
  return { after: { ...connection, status, description, modified } };
};
