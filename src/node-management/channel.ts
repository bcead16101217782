// How the control plane speaks to nodes, wherever their agents are. The hub (hub.ts) implements it over WebSockets; tests with fake nodes.
import type { Readable } from "node:stream";
import type { AgentEvent, FileAnswer, FileRequest, LogRequest, MachineUsage, TaskRef, ToAgent } from "../api/agent/messages.ts";

/** The agent that hosts the node is not connected now; the state in the store says why. */
export class NodeUnreachable extends Error {
  override readonly name = "NodeUnreachable";
}

export type HelloView = {
  agentId: string;
  launcher: "compiled" | "portable";
  nodes: { nodeId: string; boot: number; state: string }[];
  attempts: { ref: TaskRef; nodeId: string; state: "queued" | "running" }[];
};

/** What the scheduler provides to the channel. Calls come one at a time per agent; the next waits for the promise. */
export interface AgentListener {
  /** Decides what of an agent's belongings is still wanted. */
  onHello(hello: HelloView): Promise<{ unwanted: TaskRef[]; unwantedNodes: string[] }>;
  /** After the answer to hello was sent: nodes, tasks and chores can be pushed. */
  onConnected(agentId: string): void;
  /** Must be durable before it resolves: the acknowledgement follows, and the agent forgets. */
  onEvents(agentId: string, events: AgentEvent[]): Promise<void>;
  /** The answer to `sampleMachine`. */
  onMachine?(agentId: string, usage: MachineUsage): void;
  onDisconnected(agentId: string): void;
}

export interface NodeChannel {
  isConnected(agentId: string): boolean;
  /** Best effort: a message to an agent that is not connected is dropped; the reconcilers send it again when it is. */
  send(agentId: string, message: ToAgent): void;
  /** Throws NodeUnreachable; other failures are in the answer. */
  file(agentId: string, nodeId: string, request: Exclude<FileRequest, { type: "read" }>): Promise<FileAnswer>;
  /** How many logs of the node an upload would find (`logs`), or why there can be none. Throws NodeUnreachable. */
  logs(agentId: string, nodeId: string, request: LogRequest): Promise<FileAnswer>;
  /** The stream ends or fails with the transfer. `size` and `entry` are of the whole file at the moment of the request. */
  read(
    agentId: string,
    nodeId: string,
    request: Extract<FileRequest, { type: "read" }>,
  ): Promise<{ answer: FileAnswer; stream?: Readable; length?: number }>;
}
