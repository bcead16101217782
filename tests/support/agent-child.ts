// An agent as a process of its own, so that a test can kill it: node agent-child.ts OPTIONS-AS-JSON. Prints "ready" when it runs.
import { type AgentOptions, runAgent } from "../../src/agent/agent.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";

const agent = await runAgent(JSON.parse(process.argv[2]!) as AgentOptions, { clock: systemClock(), ids: systemIds(), log: silentLog });
console.log("ready");
await agent.ended;
