// Which address clients are told, with a resolver and a machine that are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { createEndpoints, type EndpointOptions } from "./endpoints.ts";

const make = (overrides: Partial<EndpointOptions> = {}) =>
  createEndpoints({
    domain: "localhost",
    isDomainGiven: false,
    clock: new ManualClock(),
    addressesOf: async () => ["127.0.0.1"],
    ownAddresses: () => ["192.0.2.7", "fe80::1"],
    ...overrides,
  });

const base = "http://127.0.0.1:10020";

test("by host where the name leads to this machine, with the port that the client called", async () => {
  for (const addresses of [["127.0.0.1"], ["::1", "127.0.0.1"], ["192.0.2.7"], ["127.0.1.1"]]) {
    const endpoints = make({ addressesOf: async () => addresses });
    await endpoints.check(["acc1"]);
    assert.equal(endpoints.clientEndpoint("acc1", base), "https://acc1.blob.localhost:10020", String(addresses));
  }
  const endpoints = make();
  await endpoints.check(["acc1"]);
  assert.equal(endpoints.clientEndpoint("acc1", "https://quern.example.org"), "https://acc1.blob.localhost");
});

test("by path where it leads nowhere, or to somebody else", async () => {
  const nowhere = async (): Promise<string[]> => Promise.reject(new Error("ENOTFOUND"));
  for (const addressesOf of [nowhere, async () => [], async () => ["203.0.113.9"], async () => ["127.0.0.1", "203.0.113.9"]]) {
    const endpoints = make({ addressesOf });
    await endpoints.check(["acc1"]);
    assert.equal(endpoints.clientEndpoint("acc1", base), `${base}/acc1`);
    assert.equal(endpoints.clientEndpoint("acc1", `${base}/`), `${base}/acc1`);
  }
});

test("by host without looking when the operator named the domain", async () => {
  const asked: string[] = [];
  const endpoints = make({
    ...{ domain: "quern.example.org", isDomainGiven: true },
    addressesOf: async (name) => {
      asked.push(name);
      return [];
    },
  });
  await endpoints.check(["acc1"]);
  assert.equal(endpoints.clientEndpoint("acc1", base), "https://acc1.blob.quern.example.org:10020");
  assert.deepEqual(asked, []);
});

test("a name that was added meanwhile is found for the next one who asks", async () => {
  let known = false;
  const looked: Promise<unknown>[] = [];
  const endpoints = make({
    addressesOf: (name) => {
      assert.equal(name, "acc1.blob.localhost");
      const answer = known ? Promise.resolve(["127.0.0.1"]) : Promise.reject(new Error("ENOTFOUND"));
      looked.push(answer.catch(() => {}));
      return answer;
    },
  });
  await endpoints.check(["acc1"]);
  known = true;
  assert.equal(endpoints.clientEndpoint("acc1", base), `${base}/acc1`);
  await looked.at(-1);
  await new Promise((turn) => setImmediate(turn));
  assert.equal(endpoints.clientEndpoint("acc1", base), "https://acc1.blob.localhost:10020");
});

test("a resolver that hangs holds a start up once, and is not asked again while it hangs", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const endpoints = make({
    clock,
    addressesOf: () => {
      asked++;
      return new Promise(() => {});
    },
  });
  const checked = endpoints.check(["acc1", "acc2", "acc3"]);
  clock.advance(500);
  await checked;
  assert.equal(endpoints.clientEndpoint("acc2", base), `${base}/acc2`);
  assert.equal(asked, 1);
});
