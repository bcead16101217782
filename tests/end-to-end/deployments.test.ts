// Templates deployed on a real server, from outside: what Bicep compiles to, in both versions of the language, and what goes wrong.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { ask, at, begin, bodyOf, deploy, ended, identity, one, version } from "../support/deployments.ts";
import { newCertificate } from "../support/example-world.ts";
import { startQuern, until } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import { listed, symbolic, template, values } from "../support/templates.ts";

for (const [name, of] of [
  ["listed", listed],
  ["symbolic", symbolic],
] as const) {
  test(`an account with all that is around it: resources ${name}`, async (t) => {
    const quern = await startQuern(t);
    const sent = { template: of, parameters: values({ prefix: "bicep", note: "a secret note" }) };
    const begun = await begin(quern, at("Main"), sent);
    assert.equal(begun.status, 201, begun.text);
    assert.equal(begun.json.properties.provisioningState, "Accepted");
    assert.match(
      String(begun.headers["azure-asyncoperation"]),
      /\/deployments\/Main\/operationStatuses\/[0-9a-f-]{36}\?api-version=2022-09-01$/,
    );
    const { properties } = await ended(quern, at("main"));
    assert.equal(properties.provisioningState, "Succeeded", JSON.stringify(properties.error));
    assert.deepEqual(properties.parameters, {
      location: { type: "String", value: "eastus" },
      prefix: { type: "String", value: "bicep" },
      nodes: { type: "Int", value: 0 },
      note: { type: "SecureString" },
    });
    const account = await armRequest(quern, {
      method: "GET",
      path: "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/bicepbatch",
    });
    const { endpoint, blobs, principal, pools, key } = properties.outputs;
    assert.deepEqual(endpoint, { type: "String", value: account.json.properties.accountEndpoint });
    assert.match(blobs.value, /^https?:\/\//);
    assert.match(principal.value, /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      pools.value.map((id: string) => id.split("/").at(-1)),
      ["small", "large"],
    );
    assert.deepEqual(key, { type: "SecureString" });
    assert.match(account.json.properties.autoStorage.storageAccountId, /\/storageAccounts\/bicep[a-z2-7]{5}$/);
    assert.equal(Object.keys(account.json.identity.userAssignedIdentities)[0]?.split("/").at(-1), "bicep-id");
    for (const id of pools.value)
      assert.equal((await armRequest(quern, { method: "GET", path: id })).json.properties.provisioningState, "Succeeded");
    assert.equal(
      (await armRequest(quern, { method: "GET", path: `${account.json.id}/applications/tool` })).json.properties.displayName,
      "Tool",
    );

    const status = await armRequest(quern, { method: "GET", path: String(begun.headers["azure-asyncoperation"]) });
    assert.deepEqual(status.json, { status: "Succeeded" });
    const steps = (await ask(quern, `${at("main")}/operations`)).json.value;
    assert.deepEqual(
      steps.map(({ properties: of }: any) => [of.provisioningOperation, of.provisioningState, of.targetResource.resourceType]).sort(),
      [
        ["Create", "Succeeded", "Microsoft.Batch/batchAccounts"],
        ["Create", "Succeeded", "Microsoft.Batch/batchAccounts/applications"],
        ["Create", "Succeeded", "Microsoft.ManagedIdentity/userAssignedIdentities"],
        ["Create", "Succeeded", "Microsoft.Resources/deployments"],
        ["Create", "Succeeded", "Microsoft.Storage/storageAccounts"],
      ],
    );
    assert.equal((await ask(quern, `${at("main")}/operations/${steps[0].operationId}`)).json.id, steps[0].id);
    // Where the documents have a group's: without a provider.
    const plain = at("main").replace("/providers/Microsoft.Resources", "");
    assert.deepEqual((await ask(quern, `${plain}/operations?$top=2`)).json.value, steps.slice(0, 2));
    assert.deepEqual((await ask(quern, `${plain}/operations/${steps[0].operationId}`)).json, steps[0]);
    const all = await ask(quern, at("").replace(/\/$/, ""));
    assert.deepEqual(
      all.json.value.map((one: any) => one.name),
      ["Main", "pools"],
    );
    assert.equal(
      (await ask(quern, `${at("").replace(/\/$/, "")}?$filter=provisioningState eq 'Failed'`.replaceAll(" ", "%20"))).json.value.length,
      0,
    );
    assert.deepEqual((await ask(quern, `${at("main")}/exportTemplate`, "POST")).json.template, of);
    assert.equal((await ask(quern, at("main"), "HEAD")).status, 204);
    for (const path of [at("main"), `${at("main")}/operations`]) assert.ok(!(await ask(quern, path)).text.includes("a secret note"));

    // Once more it changes nothing.
    const again = await begin(quern, at("main"), sent);
    assert.equal(again.status, 200, again.text);
    assert.equal((await ended(quern, at("main"))).properties.provisioningState, "Succeeded");
    const whatIf = await armRequest(quern, { method: "POST", path: `${at("main")}/whatIf`, version, body: bodyOf(sent) });
    const changes = whatIf.json.properties.changes.map(({ resourceId, changeType }: any) => [
      resourceId
        .split("/")
        .at(-1)
        .replace(/^bicep.{5}$/, "s"),
      changeType,
    ]);
    assert.deepEqual(
      changes.filter(([, change]: string[]) => change !== "Ignore"),
      ["s", "bicep-id", "s", "tool", "small", "large"].map((one) => [one, "NoChange"]),
      whatIf.text,
    );
    assert.equal((await ask(quern, at("main"), "DELETE")).status, 202);
    assert.equal((await ask(quern, at("main"), "DELETE")).status, 204);
    const gone = await ask(quern, at("main"));
    assert.deepEqual(
      [gone.status, gone.json.error],
      [404, { code: "DeploymentNotFound", message: "Deployment 'main' could not be found." }],
    );
    assert.equal((await ask(quern, at("main"), "HEAD")).status, 404);
  });
}

test("the other types: images in a container, an endpoint, a certificate, a package, and what exists elsewhere", {
  timeout: 120_000,
}, async (t) => {
  const directory = newDirectory(t);
  const image = packRootfs(directory, { name: "small.tar.gz", randomBytes: 100_000 });
  const quern = await startQuern(t, { args: ["--allow-image-path", directory] });
  const { thumbprint, data } = await newCertificate("template");
  const arm = "Microsoft.Batch/batchAccounts";
  const of = template({
    languageVersion: "2.0",
    parameters: { account: { type: "string" }, cer: { type: "secureString" } },
    resources: {
      first: { existing: true, type: arm, apiVersion: "2024-07-01", name: "[parameters('account')]" },
      box: {
        type: "Microsoft.AzureStackHCI/storageContainers",
        apiVersion: "2024-01-01",
        name: "box",
        location: "eastus",
        properties: { path: join(directory, "box") },
      },
      img: {
        type: "Microsoft.AzureStackHCI/galleryImages",
        apiVersion: "2024-01-01",
        name: "img",
        location: "eastus",
        properties: {
          imagePath: image.file,
          osType: "Linux",
          containerId: "[resourceId('Microsoft.AzureStackHCI/storageContainers', 'box')]",
        },
        dependsOn: ["box"],
      },
      endpoint: {
        type: "Microsoft.Network/privateEndpoints",
        apiVersion: "2023-09-01",
        name: "ep",
        location: "eastus",
        properties: {
          subnet: { id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s" },
          privateLinkServiceConnections: [
            { name: "c", properties: { privateLinkServiceId: "[resourceInfo('first').id]", groupIds: ["batchAccount"] } },
          ],
        },
      },
      cert: {
        type: `${arm}/certificates`,
        apiVersion: "2024-07-01",
        name: `[format('{0}/sha1-{1}', parameters('account'), '${thumbprint}')]`,
        properties: { format: "Cer", data: "[parameters('cer')]", thumbprint, thumbprintAlgorithm: "sha1" },
      },
      app: {
        type: `${arm}/applications`,
        apiVersion: "2024-07-01",
        name: "[format('{0}/tools', parameters('account'))]",
        resources: { v1: { type: "versions", apiVersion: "2024-07-01", name: "1.0" } },
      },
    },
    outputs: {
      megabytes: { type: "int", value: "[reference('img').status.downloadStatus.downloadSizeInMB]" },
      where: { type: "string", value: "[reference('first', '2024-07-01', 'full').location]" },
      state: {
        type: "string",
        value: "[reference('endpoint').privateLinkServiceConnections[0].properties.privateLinkServiceConnectionState.status]",
      },
    },
  });
  const sent = { template: of, parameters: values({ account: quern.ready.account, cer: data }) };
  const { properties } = await deploy(quern, at("others"), sent);
  assert.equal(properties.provisioningState, "Succeeded", JSON.stringify(properties.error));
  assert.deepEqual(
    [properties.outputs.where.value, properties.outputs.state.value, typeof properties.outputs.megabytes.value],
    ["eastus", "Approved", "number"],
  );
  const steps = (await ask(quern, `${at("others")}/operations`)).json.value;
  assert.equal(steps.length, 6);
  const again = await deploy(quern, at("others"), sent);
  assert.deepEqual([again.properties.provisioningState, again.properties.error], ["Succeeded", undefined]);
  assert.deepEqual(again.properties.outputs, properties.outputs);
  assert.equal(
    (
      await armRequest(quern, {
        method: "GET",
        path: `/subscriptions/{sub}/resourceGroups/{rg}/providers/${arm}/${quern.ready.account}/applications/tools/versions/1.0`,
      })
    ).json.properties.state,
    "Pending",
  );
});

test("a resource that fails, what depends on it, and the others", async (t) => {
  const quern = await one(t);
  const of = template({
    resources: [
      identity("good"),
      identity("bad", { location: "no such place" }),
      identity("after", { dependsOn: ["bad"] }),
      identity("left", { condition: "[equals(parameters('make'), 'yes')]" }),
      identity("[format('copy{0}', copyIndex(1))]", { copy: { name: "copies", count: 3, mode: "serial" } }),
    ],
    parameters: { make: { type: "string", allowedValues: ["yes", "no"] } },
  });
  const { id, properties } = await deploy(quern, at("fails"), { template: of, parameters: values({ make: "no" }) });
  assert.equal(properties.provisioningState, "Failed");
  assert.deepEqual(
    [properties.error.code, properties.error.target, properties.error.details.map(({ code }: any) => code)],
    ["DeploymentFailed", id, ["LocationNotAvailableForResourceType"]],
  );
  assert.match(properties.error.message, /^At least one resource deployment operation failed/);
  const steps = (await ask(quern, `${at("fails")}/operations`)).json.value.map(({ properties: one }: any) => [
    one.targetResource.resourceName,
    one.provisioningState,
    one.statusCode,
  ]);
  assert.deepEqual(steps, [
    ["bad", "Failed", "BadRequest"],
    ["copy1", "Succeeded", "Created"],
    ["copy2", "Succeeded", "Created"],
    ["copy3", "Succeeded", "Created"],
    ["good", "Succeeded", "Created"],
  ]);
});

test("what refers to another waits for it, also where it does not say so", async (t) => {
  const quern = await one(t);
  const tags = (of: string) => ({ tags: { of: `[reference('${of}').principalId]` } });
  const good = template({
    resources: [identity("id-b", tags("id-a")), identity("id-a")],
    outputs: {
      of: { type: "string", value: "[reference('id-b', '2023-01-31', 'full').tags.of]" },
      a: { type: "string", value: "[reference('id-a').principalId]" },
    },
  });
  const done = (await deploy(quern, at("good"), { template: good })).properties;
  assert.equal(done.provisioningState, "Succeeded", JSON.stringify(done.error));
  assert.equal(done.outputs.of.value, done.outputs.a.value);
  const circle = template({ resources: [identity("id-c", tags("id-d")), identity("id-d", tags("id-c"))] });
  const { properties } = await deploy(quern, at("circle"), { template: circle });
  assert.deepEqual([properties.provisioningState, properties.error.code], ["Failed", "InvalidTemplate"]);
  assert.match(properties.error.message, /Circular dependency/);
  const output = template({ resources: [identity("id-e")], outputs: { x: { type: "string", value: "[reference('id-e').nothing]" } } });
  const failed = (await deploy(quern, at("output"), { template: output })).properties.error;
  assert.deepEqual([failed.code, failed.details[0].code], ["DeploymentOutputEvaluationFailed", "InvalidTemplate"]);
});

test("mode Complete deletes what the template does not have", async (t) => {
  const quern = await one(t);
  assert.equal(
    (await armRequest(quern, { method: "PUT", path: "/subscriptions/{sub}/resourceGroups/own", version, body: { location: "eastus" } }))
      .status,
    201,
  );
  await deploy(quern, at("d", "own"), { template: template({ resources: [identity("one"), identity("two")] }) });
  const body = bodyOf({ template: template({ resources: [identity("two"), identity("three")] }), mode: "Complete" });
  const asked = await armRequest(quern, { method: "POST", path: `${at("d", "own")}/whatIf`, version, body });
  assert.deepEqual(
    asked.json.properties.changes.map((change: any) => [change.resourceId.split("/").at(-1), change.changeType]),
    [
      ["two", "NoChange"],
      ["three", "Create"],
      ["one", "Delete"],
    ],
  );
  const done = await deploy(quern, at("d", "own"), { template: body.properties.template, mode: "Complete" });
  assert.equal(done.properties.provisioningState, "Succeeded");
  // What a module makes is of the template, too.
  const inner = {
    mode: "Incremental",
    expressionEvaluationOptions: { scope: "inner" },
    template: template({ resources: [identity("three")] }),
  };
  const module = { type: "Microsoft.Resources/deployments", apiVersion: version, name: "module", properties: inner };
  const modular = template({ resources: [identity("two"), module] });
  assert.equal((await deploy(quern, at("d", "own"), { template: modular, mode: "Complete" })).properties.provisioningState, "Succeeded");
  const left = await armRequest(quern, { method: "GET", path: "/subscriptions/{sub}/resourceGroups/own/resources", version });
  assert.deepEqual(left.json.value.map(({ name }: any) => name).sort(), ["three", "two"]);
  // The group goes with its deployments.
  await armRequest(quern, { method: "DELETE", path: "/subscriptions/{sub}/resourceGroups/own", version });
  await until(
    () => armRequest(quern, { method: "GET", path: "/subscriptions/{sub}/resourceGroups/own", version }),
    ({ status }) => status === 404,
  );
  assert.equal((await ask(quern, at("d", "own"))).json.error.code, "ResourceGroupNotFound");
});

test("a subscription's deployment: a group and what is in it", async (t) => {
  const quern = await one(t);
  const path = "/subscriptions/{sub}/providers/Microsoft.Resources/deployments/whole";
  const inner = template({
    parameters: { name: { type: "string" } },
    resources: [identity("[parameters('name')]")],
    outputs: { id: { type: "string", value: "[reference(parameters('name'), '2023-01-31', 'Full').id]" } },
  });
  const of = {
    $schema: "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    resources: [
      { type: "Microsoft.Resources/resourceGroups", apiVersion: "2022-09-01", name: "made", location: "[deployment().location]" },
      {
        type: "Microsoft.Resources/deployments",
        apiVersion: "2022-09-01",
        name: "inside",
        resourceGroup: "made",
        dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
        properties: {
          expressionEvaluationOptions: { scope: "inner" },
          mode: "Incremental",
          parameters: values({ name: "in-made" }),
          template: inner,
        },
      },
    ],
    outputs: {
      id: {
        type: "string",
        value:
          "[reference(extensionResourceId(format('/subscriptions/{0}/resourceGroups/{1}', subscription().subscriptionId, 'made'), 'Microsoft.Resources/deployments', 'inside'), '2022-09-01').outputs.id.value]",
      },
    },
  };
  const send = (method: string, action = "", body: object = { ...bodyOf({ template: of }), location: "eastus" }) =>
    armRequest(quern, {
      method,
      path: `${path}${action}`,
      version,
      ...(method === "GET" || method === "HEAD" || method === "DELETE" ? {} : { body }),
    });
  const refused = await send("PUT", "", bodyOf({ template: of }));
  assert.deepEqual([refused.status, refused.json.error.code], [400, "LocationRequired"]);
  const valid = await send("POST", "/validate");
  assert.equal(valid.json.properties?.provisioningState, "Succeeded", valid.text);
  assert.deepEqual(
    (await send("POST", "/whatIf")).json.properties.changes.map((one: any) => one.changeType),
    ["Create", "Unsupported"],
  );
  const begun = await send("PUT");
  assert.equal(begun.status, 201, begun.text);
  const { properties } = await ended(quern, path);
  assert.equal(properties.provisioningState, "Succeeded", JSON.stringify(properties.error));
  assert.match(
    properties.outputs.id.value,
    /\/resourceGroups\/made\/providers\/Microsoft.ManagedIdentity\/userAssignedIdentities\/in-made$/,
  );
  assert.deepEqual((await armRequest(quern, { method: "GET", path: String(begun.headers["azure-asyncoperation"]) })).json, {
    status: "Succeeded",
  });
  assert.equal((await send("HEAD")).status, 204);
  assert.deepEqual(
    (await armRequest(quern, { method: "GET", path: path.replace("/whole", ""), version })).json.value.map(({ name }: any) => name),
    ["whole"],
  );
  const steps = (await send("GET", "/operations")).json.value;
  assert.equal(steps.length, 2);
  assert.equal((await send("GET", `/operations/${steps[0].operationId}`)).status, 200);
  assert.deepEqual((await send("POST", "/exportTemplate")).json.template, of);
  assert.deepEqual((await send("POST", "/cancel")).json.error.code, "DeploymentCannotBeCancelled");
  assert.equal((await send("DELETE")).status, 202);
});
