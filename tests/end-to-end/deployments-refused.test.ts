// What a real server refuses of template deployments: to whom, and for what, before anything is made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest, managementResource, tokenFor } from "../support/arm.ts";
import { ask, at, begin, bodyOf, deploy, identity, one, storageAccount, version } from "../support/deployments.ts";
import { startQuern } from "../support/quern.ts";
import { template, values } from "../support/templates.ts";

const reader = { clientId: "11111111-2222-4333-8444-000000000001", clientSecret: "a-secret-of-a-reader" };
const owner = { clientId: "11111111-2222-4333-8444-000000000002", clientSecret: "a-secret-of-an-owner" };

test("a reader sees deployments and begins none", async (t) => {
  const clients = [owner, reader].flatMap((one) => [
    "--client",
    `${one.clientId}:${one.clientSecret}:${one === owner ? "owner" : "reader"}`,
  ]);
  const quern = await startQuern(t, { args: ["--storage", "none", ...clients] });
  const body = bodyOf({ template: template({ resources: [identity("one")] }) });
  assert.equal((await deploy(quern, at("seen"), { template: body.properties.template })).properties.provisioningState, "Succeeded");
  const token = await tokenFor(quern, managementResource, reader);
  for (const path of [at("seen"), `${at("seen")}/operations`])
    assert.equal((await armRequest(quern, { method: "GET", path, version, token })).status, 200);
  for (const [method, action] of [
    ["PUT", ""],
    ["DELETE", ""],
    ["POST", "/validate"],
    ["POST", "/whatIf"],
    ["POST", "/cancel"],
    ["POST", "/exportTemplate"],
  ] as const) {
    const refused = await armRequest(quern, { method, path: `${at("seen")}${action}`, version, body, token });
    assert.deepEqual([refused.status, refused.json.error.code], [403, "AuthorizationFailed"], action);
  }
});

test("what is wrong is refused before anything is made", async (t) => {
  const quern = await one(t);
  const send = (body: unknown, action = "/validate") =>
    armRequest(quern, { method: action === "" ? "PUT" : "POST", path: `${at("wrong")}${action}`, version, body });
  const refuses: [object, string, RegExp][] = [
    [{}, "InvalidRequestContent", /properties/],
    [{ properties: { mode: "Incremental" } }, "InvalidRequestContent", /'template'/],
    [{ properties: { template: {} } }, "InvalidRequestContent", /'mode'/],
    [{ properties: { mode: "Incremental", templateLink: { uri: "http://169.254.169.254/" } } }, "InvalidContentLink", /by link/],
    [
      bodyOf({ template: template({ resources: [identity("a", { dependsOn: ["b"] }), identity("b", { dependsOn: ["a"] })] }) }),
      "InvalidTemplate",
      /Circular dependency/,
    ],
    [
      bodyOf({ template: template({ resources: [identity("[nope()]")] }) }),
      "InvalidTemplate",
      /^Deployment template validation failed: '.*'nope' is not valid/,
    ],
    [
      bodyOf({ template: template({ resources: [identity("a", { tags: { x: "[nope()]" } })] }) }),
      "InvalidTemplate",
      /Unable to process template language expressions for resource .*tags\.x/,
    ],
    [
      bodyOf({
        template: template({ parameters: { p: { type: "secureString", maxLength: 3 } } }),
        parameters: values({ p: "hidden-value" }),
      }),
      "InvalidTemplate",
      /less than or equal to '3'/,
    ],
    [
      bodyOf({ template: template({ resources: [identity("a", { type: "Microsoft.Compute/virtualMachines" })] }) }),
      "InvalidTemplateDeployment",
      /not valid according to the validation procedure/,
    ],
    [
      bodyOf({ template: template({ resources: [{ ...storageAccount("abc"), apiVersion: "latest" }] }) }),
      "InvalidTemplateDeployment",
      /validation procedure/,
    ],
  ];
  for (const [body, code, message] of refuses)
    for (const action of ["/validate", ""]) {
      const { status, json, text } = await send(body, action);
      assert.deepEqual([status, json.error?.code], [400, code], text);
      assert.match(json.error.message, message);
      assert.ok(!text.includes("hidden-value"));
    }
  assert.equal((await ask(quern, at("wrong"))).status, 404);
  assert.equal((await begin(quern, at("x".repeat(65)), { template: template({}) })).json.error.code, "InvalidDeploymentName");
  assert.equal((await begin(quern, at("d", "nowhere"), { template: template({}) })).json.error.code, "ResourceGroupNotFound");
  const deep = `{"properties":{"mode":"Incremental","template":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}}`;
  const answer = await armRequest(quern, { method: "PUT", path: at("deep"), version, body: deep });
  assert.equal(answer.status, 400, answer.text);
});
