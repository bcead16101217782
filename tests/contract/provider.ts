// What every node provider promises, whatever kind of machine its nodes are on. Each provider's test makes one and runs this.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AgentEvent, NodeOrder } from "../../src/api/agent/messages.ts";
import type { NodeProvider } from "../../src/providers/provider.ts";

/** `next` gives the events that agents report, in order. The agents are connected when `make` resolves. */
export type ProviderUnderTest = { provider: NodeProvider; next(): Promise<AgentEvent> };

export const aNodeOrder = (nodeId: string, boot = 1): NodeOrder => ({
  accountId: 1,
  accountName: "account",
  accountUrl: "http://127.0.0.1:1",
  poolId: "pool",
  nodeId,
  boot,
  slots: 1,
  isDedicated: true,
});

export const providerContract = (name: string, make: (t: TestContext) => Promise<ProviderUnderTest>): void => {
  const idle = async (next: () => Promise<AgentEvent>): Promise<string> => {
    for (;;) {
      const event = await next();
      if (event.type === "node" && event.state === "idle") return `${event.nodeId}/${event.boot}`;
    }
  };
  const removal = async (next: () => Promise<AgentEvent>): Promise<string> => {
    for (;;) {
      const event = await next();
      if (event.type === "nodeRemoved") return event.nodeId;
    }
  };

  test(`${name}: nodes that are created are reported through their agent, and hosted`, { timeout: 30_000 }, async (t) => {
    const { provider, next } = await make(t);
    await provider.create([aNodeOrder("n1"), aNodeOrder("n2")]);
    assert.deepEqual([await idle(next), await idle(next)].sort(), ["n1/1", "n2/1"]);
    const statuses = await provider.statuses(["n1", "n2"]);
    assert.deepEqual([...statuses].map(([id, { status }]) => [id, status]), [["n1", "hosted"], ["n2", "hosted"]]); // biome-ignore format: a table
  });

  test(`${name}: creating one that exists is fine, and a higher boot boots it again`, { timeout: 30_000 }, async (t) => {
    const { provider, next } = await make(t);
    await provider.create([aNodeOrder("n1")]);
    await idle(next);
    await provider.create([aNodeOrder("n1")]);
    await provider.create([aNodeOrder("n1", 2)]);
    for (let reported = ""; reported !== "n1/2"; ) reported = await idle(next);
    assert.equal((await provider.statuses(["n1"])).get("n1")?.status, "hosted");
  });

  test(`${name}: removed nodes are gone, removing them again is fine, and they can be made anew`, { timeout: 30_000 }, async (t) => {
    const { provider, next } = await make(t);
    await provider.create([aNodeOrder("n1"), aNodeOrder("n2")]);
    await idle(next);
    await idle(next);
    await provider.remove(["n1"]);
    assert.equal(await removal(next), "n1");
    const statuses = await provider.statuses(["n1", "n2"]);
    assert.deepEqual([statuses.get("n1")?.status, statuses.get("n2")?.status], ["gone", "hosted"]);
    await provider.remove(["n1"]);
    await provider.create([aNodeOrder("n1")]);
    for (let reported = ""; reported !== "n1/1"; ) reported = await idle(next);
    assert.equal((await provider.statuses(["n1"])).get("n1")?.status, "hosted");
  });

  test(`${name}: nothing asked for is nothing done`, { timeout: 30_000 }, async (t) => {
    const { provider } = await make(t);
    await provider.create([]);
    await provider.remove([]);
    assert.equal((await provider.statuses([])).size, 0);
  });
};
