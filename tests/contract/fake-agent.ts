// A program that speaks to the control plane as an agent does and hosts nodes that do nothing: for tests of what starts and watches agents.
// Arguments: its directory, the control file. It notes its environment in `seen-environment`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WebSocket } from "ws";
import { type AgentEvent, protocolVersion, type ToAgent } from "../../src/api/agent/messages.ts";
import { systemClock } from "../../src/lib/clock.ts";

const [directory, controlFile, ...manner] = process.argv.slice(2) as [string, string, ...string[]];
const clock = systemClock();
const nodes = new Map<string, number>();
let reports = 0;

writeFileSync(join(directory, "seen-environment"), JSON.stringify(process.env));
if (manner.includes("deaf")) process.on("SIGTERM", () => {});
setInterval(() => {}, 60_000);

const connect = (): void => {
  const { url, token } = JSON.parse(readFileSync(controlFile, "utf8")) as { url: string; token: string };
  const socket = new WebSocket(`${url.replace("http", "ws")}/_quern/agent`, { headers: { authorization: `Bearer ${token}` } });
  const say = (message: object): void => socket.send(JSON.stringify(message));
  const report = (event: AgentEvent): void => say({ type: "report", n: ++reports, events: [event] });
  socket.on("open", () =>
    say({
      type: "hello",
      protocol: protocolVersion,
      agentId: readFileSync(join(directory, "agent-id"), "utf8").trim(),
      pid: process.pid,
      version: "fake",
      launcher: "portable",
      nodes: [...nodes].map(([nodeId, boot]) => ({ nodeId, boot, state: "idle" })),
      attempts: [],
    }),
  );
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as ToAgent;
    if (message.type === "shutdown" && !manner.includes("deaf")) process.exit(0);
    if (message.type === "startNode") {
      nodes.set(message.node.nodeId, message.node.boot);
      report({ type: "node", nodeId: message.node.nodeId, boot: message.node.boot, state: "idle", bootedAt: 1 });
    }
    if (message.type === "removeNode") {
      nodes.delete(message.nodeId);
      report({ type: "nodeRemoved", nodeId: message.nodeId });
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => clock.after(20, connect));
};
if (!manner.includes("mute")) connect();
