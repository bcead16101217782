// The brake on guessing: per client and address, for a minute, with bounded memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedFailures, createGuessingBrake, windowMs } from "./guessing.ts";

const at = 1_000_000;
const failOften = (brake: ReturnType<typeof createGuessingBrake>, client: string, address: string, now = at): void => {
  for (let n = 0; n < allowedFailures; n++) brake.failed(client, address, now);
};

test("the wait is what is left of the minute, for this client from this address", () => {
  const brake = createGuessingBrake();
  for (let n = 1; n < allowedFailures; n++) brake.failed("app", "10.0.0.1", at);
  assert.equal(brake.waitMs("app", "10.0.0.1", at), 0);
  brake.failed("APP", "10.0.0.1", at + 10_000);
  assert.equal(brake.waitMs("app", "10.0.0.1", at + 10_000), windowMs - 10_000);
  assert.equal(brake.waitMs("app", "10.0.0.2", at + 10_000), 0);
  assert.equal(brake.waitMs("other", "10.0.0.1", at + 10_000), 0);
  assert.equal(brake.waitMs("app", "10.0.0.1", at + windowMs), 0);
});

test("a clock that is set back locks nobody out", () => {
  const brake = createGuessingBrake();
  failOften(brake, "app", "10.0.0.1");
  assert.equal(brake.waitMs("app", "10.0.0.1", at - 1), 0);
});

test("addresses of one IPv6 network count together, an IPv4 address is one in either spelling", () => {
  const brake = createGuessingBrake();
  failOften(brake, "app", "2001:db8:1:2:aaaa::1");
  for (const same of ["2001:db8:1:2:ffff:1:2:3", "2001:db8:1:2::7", "2001:db8:1:2::"]) assert.ok(brake.waitMs("app", same, at) > 0, same);
  assert.equal(brake.waitMs("app", "2001:db8:1:3::1", at), 0);
  failOften(brake, "app", "::ffff:10.0.0.1");
  assert.ok(brake.waitMs("app", "10.0.0.1", at) > 0);
  failOften(brake, "app", "::1");
  assert.ok(brake.waitMs("app", "::1", at) > 0);
  assert.equal(brake.waitMs("app", "fe80::1%eth0", at), 0);
});

test("what is remembered is bounded", () => {
  const brake = createGuessingBrake();
  failOften(brake, "app", "10.0.0.1");
  for (let n = 0; n < 10_000; n++) brake.failed("app", `host${n}`, at);
  assert.equal(brake.waitMs("app", "10.0.0.1", at), 0, "the oldest is forgotten");
  failOften(brake, "app", "10.0.0.3");
  assert.ok(brake.waitMs("app", "10.0.0.3", at) > 0);
});
