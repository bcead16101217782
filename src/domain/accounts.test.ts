// Who may use an account's endpoint from where.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AccountSettings, admitsAddress, defaultSettings, isIpRule, nameBefore, nameOfRemains } from "./accounts.ts";

const withRules = (
  defaultAction: "Allow" | "Deny",
  values: string[],
  access: AccountSettings["publicNetworkAccess"] = "Enabled",
): AccountSettings => ({
  ...defaultSettings,
  publicNetworkAccess: access,
  networkProfile: { accountAccess: { defaultAction, ipRules: values.map((value) => ({ action: "Allow", value })) } },
});

const rows: [what: string, settings: AccountSettings, address: string | undefined, admitted: boolean][] = [
  ["no rules", defaultSettings, "203.0.113.7", true],
  ["rules that allow by default", withRules("Allow", []), "203.0.113.7", true],
  ["no rule for it", withRules("Deny", ["10.0.0.1"]), "10.0.0.2", false],
  ["its own address", withRules("Deny", ["10.0.0.1"]), "10.0.0.1", true],
  ["its range", withRules("Deny", ["10.0.0.1", "192.168.4.0/22"]), "192.168.7.255", true],
  ["just outside its range", withRules("Deny", ["192.168.4.0/22"]), "192.168.8.0", false],
  ["an IPv4 address as a listener on both writes it", withRules("Deny", ["10.0.0.0/8"]), "::ffff:10.1.2.3", true],
  ["the same in capitals", withRules("Deny", ["10.0.0.0/8"]), "::FFFF:10.1.2.3", true],
  ["an IPv6 address, for which there are no rules", withRules("Deny", ["0.0.0.0/0"]), "2001:db8::1", false],
  ["no address", withRules("Deny", ["0.0.0.0/0"]), undefined, false],
  ["a range of bits that its base has set", withRules("Deny", ["10.1.2.3/8"]), "10.9.9.9", true],
  ["disabled, whatever the rules", withRules("Allow", ["10.0.0.1"], "Disabled"), "10.0.0.1", false],
  ["a perimeter with a rule", withRules("Allow", ["10.0.0.1"], "SecuredByPerimeter"), "10.0.0.1", true],
  ["a perimeter without one", withRules("Allow", ["10.0.0.1"], "SecuredByPerimeter"), "10.0.0.2", false],
  ["a perimeter and no profile", { ...defaultSettings, publicNetworkAccess: "SecuredByPerimeter" }, "10.0.0.2", false],
];

for (const [what, settings, address, admitted] of rows)
  test(`${what}: ${admitted ? "comes in" : "stays out"}`, () => assert.equal(admitsAddress(settings, address), admitted));

test("a rule is an IPv4 address or a range of them", () => {
  for (const value of ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32"]) assert.equal(isIpRule(value), true, value);
  for (const value of ["", "10.0.0", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/8/8", "10.0.0.1/-1", "::1", "::1/64", "localhost", "10.0.0.1 "])
    assert.equal(isIpRule(value), false, value);
});

test("remains have a name that no request can name", () => {
  const name = nameOfRemains({ name: "abc", id: 7 });
  assert.equal(/^[a-z0-9]+$/.test(name), false);
  assert.equal(nameBefore(name), "abc");
});
