// Where everything of a node lies on the disk. Names that come from outside are checked here once more, whatever the control plane did.
import { join } from "node:path";

/** The part of the tree that tasks and the file API see; the order is that of the service's own listing. */
export const nodeDirectories = ["applications", "fsmounts", "shared", "startup", "volatile", "workitems"];

export class UnsafeName extends Error {
  override readonly name = "UnsafeName";
}

/** One path part that can only name something directly below its parent. */
const part = (name: string): string => {
  if (name === "" || name === "." || name === ".." || name.length > 255 || /[/\0]/.test(name)) {
    throw new UnsafeName(`${JSON.stringify(name)} cannot name a directory`);
  }
  return name;
};

export type AgentLayout = { directory: string; nodes: string; state: string; trash: string; idFile: string };

export const agentLayout = (directory: string): AgentLayout => ({
  directory,
  nodes: join(directory, "nodes"),
  state: join(directory, "state"),
  trash: join(directory, "trash"),
  idFile: join(directory, "agent-id"),
});

export type NodeLayout = {
  /** AZ_BATCH_NODE_ROOT_DIR: what the file API serves. */
  root: string;
  /** The agent's own records about the node, outside the root. */
  state: string;
  launcher: string;
  /** TMPDIR of the node's tasks; outside the root, so that file listings show what the service's show. */
  temporary: string;
};

export const nodeLayout = (agent: AgentLayout, nodeId: string): NodeLayout => {
  const state = join(agent.state, part(nodeId));
  return { root: join(agent.nodes, nodeId), state, launcher: join(state, "launcher"), temporary: join(state, "tmp") };
};

/** `workitems/{job}/job-1/{task}`; a schedule's job `{schedule}:{job-n}` has `workitems/{schedule}/{job-n}/{task}`. */
export const taskDirectory = (jobId: string, taskId: string): string => {
  const colon = jobId.indexOf(":");
  const [workItem, run] = colon < 0 ? [jobId, "job-1"] : [jobId.slice(0, colon), jobId.slice(colon + 1)];
  return `workitems/${part(workItem)}/${part(run)}/${part(taskId)}`;
};

/** `applications/{name}`, of a package. */
export const packageDirectory = (name: string): string => `applications/${part(name)}`;

/** A relative path as the control plane names directories (chores): its parts, each safe, at least one. */
export const relativeParts = (path: string): string[] => path.split("/").map(part);
