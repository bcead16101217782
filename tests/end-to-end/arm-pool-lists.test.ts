// Lists of pools in ARM ($filter, $select, pages), what is refused and in which words, older api-versions, and certificates through ARM.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { armPoll, armRequest } from "../support/arm.ts";
import { accountAsker } from "../support/arm-asking.ts";
import { batchUser, hostImage, type User } from "../support/batch-user.ts";
import { newCertificate } from "../support/example-world.ts";
import { type Quern, startQuern, until } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

let quern: Quern;
let user: User;
let account: string;
before(async () => {
  quern = await startQuern(undefined, { args: ["--storage", "none"] });
  user = batchUser(quern);
  account = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
});
after(async () => {
  await quern.stop();
  await rm(quern.location, { recursive: true, force: true });
});

const { arm, ok } = accountAsker(() => quern);
const refused = ({ status, json }: Answer): string => `${status} ${json?.error?.code}`;
const detailsOf = ({ json }: Answer): [string, string][] =>
  (json.error.details ?? []).map((one: { code: string; message: string }) => [one.code, one.message]);

const machine = { virtualMachineConfiguration: { imageReference: hostImage.imageReference, nodeAgentSkuId: hostImage.nodeAgentSKUId } };
const settings = { vmSize: "Standard_D2_v3", deploymentConfiguration: machine };
const autoScale = { autoScale: { formula: "$TargetDedicatedNodes=0" } };

const names = async (filter: string): Promise<string[]> =>
  (await ok("GET", `/pools?$filter=${encodeURIComponent(filter)}`)).value.map((pool: { name: string }) => pool.name);

test("lists: filters by paths, selections, pages", async () => {
  await ok("PUT", "/pools/Alpha", { properties: settings });
  await ok("PUT", "/pools/beta", { properties: { ...settings, interNodeCommunication: "Enabled", vmSize: "standard_d4_v3" } });
  await ok("PUT", "/pools/gamma", { properties: { ...settings, scaleSettings: autoScale } });
  for (const [filter, expected] of [
    ["name eq 'ALPHA'", ["Alpha"]],
    ["startswith(name,'a') or startswith(name,'g')", ["Alpha", "gamma"]],
    ["not (name eq 'beta')", ["Alpha", "gamma"]],
    ["properties/allocationState eq 'Steady' and properties/provisioningState eq 'Succeeded'", ["Alpha", "beta", "gamma"]],
    ["properties/provisioningState eq 'Deleting'", []],
    ["properties/provisioningState ne 'Deleting'", ["Alpha", "beta", "gamma"]],
    ["properties/interNodeCommunication eq 'Enabled'", ["beta"]],
    ["properties/interNodeCommunication ne 'Enabled'", ["Alpha", "gamma"]],
    ["properties/vmSize eq 'STANDARD_D4_V3'", ["beta"]],
    ["properties/scaleSettings/autoScale ne null", ["gamma"]],
    ["properties/scaleSettings/fixedScale ne null", ["Alpha", "beta"]],
    ["properties/scaleSettings/fixedScale eq null", ["gamma"]],
    ["not (properties/scaleSettings/autoScale eq null)", ["gamma"]],
    ["properties/creationTime gt datetime'2020-01-01'", ["Alpha", "beta", "gamma"]],
    ["properties/creationTime gt '2020-01-01' and properties/lastModified lt '2020-01-01T00:00:00Z'", []],
    ["properties/allocationStateTransitionTime ge datetime'2099-01-01'", []],
    ["properties/provisioningStateTransitionTime lt datetime'2099-01-01'", ["Alpha", "beta", "gamma"]],
  ] as const) {
    assert.deepEqual(await names(filter), expected, filter);
  }
  for (const filter of [
    "id eq 'alpha'",
    "allocationState eq 'steady'",
    "properties/vmSize gt 'a'",
    "properties/scaleSettings/autoScale eq 'x'",
  ]) {
    assert.equal(refused(await arm("GET", `/pools?$filter=${encodeURIComponent(filter)}`)), "400 InvalidQueryParameterValue", filter);
  }

  const { value } = await ok(
    "GET",
    "/pools?$select=properties/allocationState,properties/scaleSettings/autoScale&$filter=name eq 'gamma'".replaceAll(" ", "%20"),
  );
  const { id, etag, ...rest } = value[0];
  assert.match(id, /\/pools\/gamma$/);
  assert.match(etag, /^W\//);
  assert.deepEqual(rest, {
    name: "gamma",
    type: "Microsoft.Batch/batchAccounts/pools",
    properties: {
      allocationState: "Steady",
      scaleSettings: { autoScale: { formula: "$TargetDedicatedNodes=0", evaluationInterval: "PT15M" } },
    },
  });
  assert.equal(refused(await arm("GET", "/pools?$select=properties/colour")), "400 InvalidQueryParameterValue");

  const first = await ok("GET", "/pools?maxresults=2");
  assert.deepEqual(
    first.value.map((pool: { name: string }) => pool.name),
    ["Alpha", "beta"],
  );
  const second = await armRequest(quern, { method: "GET", path: first.nextLink });
  assert.deepEqual([second.json.value.map((pool: { name: string }) => pool.name), second.json.nextLink], [["gamma"], undefined]);
  assert.equal(refused(await arm("GET", "/pools?maxresults=0")), "400 InvalidQueryParameterValue");
});

test("what is wrong with a pool is said with where it is", async () => {
  const put = (properties: object, more: object = {}): Promise<Answer> =>
    arm("PUT", "/pools/bad", { properties: { ...settings, ...properties }, ...more });
  const subnet = await put({ networkConfiguration: { subnetId: "/subscriptions/other" } });
  assert.equal(refused(subnet), "400 InvalidPropertyValue");
  assert.equal(subnet.json.error.target, "BatchAccount");
  assert.match(subnet.json.error.message, /\nRequestId:[0-9a-f-]{36}\nTime:/);
  assert.deepEqual(detailsOf(subnet).slice(0, 3), [
    ["PropertyName", "subnetId"],
    ["PropertyPath", "properties.networkConfiguration.subnetId"],
    ["PropertyValue", "/subscriptions/other"],
  ]);
  for (const [properties, name, path] of [
    [{ vmSize: "huge" }, "vmSize", "properties.vmSize"],
    [{ taskSlotsPerNode: 0 }, "taskSlotsPerNode", "properties.taskSlotsPerNode"],
    [
      { scaleSettings: { fixedScale: { targetDedicatedNodes: -1 } } },
      "targetDedicatedNodes",
      "properties.scaleSettings.fixedScale.targetDedicatedNodes",
    ],
    [{ scaleSettings: { fixedScale: { resizeTimeout: "PT1M" } } }, "resizeTimeout", "properties.scaleSettings.fixedScale.resizeTimeout"],
    [
      { scaleSettings: { autoScale: { formula: "1", evaluationInterval: "PT1M" } } },
      "evaluationInterval",
      "properties.scaleSettings.autoScale.evaluationInterval",
    ],
    [{ scaleSettings: { ...autoScale, fixedScale: {} } }, "autoScale", "properties.scaleSettings.autoScale"],
    [{ certificates: [{ id: "nonsense" }] }, "id", "properties.certificates.id"],
    [
      {
        deploymentConfiguration: {
          virtualMachineConfiguration: { imageReference: { id: "nonsense" }, nodeAgentSkuId: "batch.node.ubuntu 22.04" },
        },
      },
      "id",
      "properties.deploymentConfiguration.virtualMachineConfiguration.imageReference.id",
    ],
    [{ startTask: { waitForSuccess: true, maxTaskRetryCount: 1 } }, "commandLine", "properties.startTask.commandLine"],
  ] as const) {
    const answer = await put(properties);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(
      detailsOf(answer).slice(0, 2),
      [
        ["PropertyName", name],
        ["PropertyPath", path],
      ],
      answer.text,
    );
  }
  const { vmSize: _, ...sizeless } = settings;
  const missing = await arm("PUT", "/pools/bad", { properties: sizeless });
  assert.deepEqual([refused(missing), detailsOf(missing)[1]], ["400 MissingRequiredProperty", ["PropertyPath", "properties.vmSize"]]);
  assert.equal(refused(await put({ scaleSettings: { autoScale: { formula: "$$$" } } })), "400 AutoScalingFormulaSyntaxError");
  assert.equal(refused(await put({ colour: "red" })), "400 InvalidRequestBody");
  assert.equal(refused(await put({ interNodeCommunication: "Maybe" })), "400 InvalidPropertyValue");
  assert.equal(refused(await put({}, { identity: { type: "SystemAssigned" } })), "400 InvalidPropertyValue");
  assert.equal(refused(await arm("PUT", "/pools/bad.name", { properties: settings })), "400 InvalidPropertyValue");
  assert.equal(refused(await arm("PUT", "/pools/bad", [])), "400 InvalidRequestBody");
  const unknown = { certificates: [{ id: `${account}/certificates/sha1-0123456789` }] };
  assert.equal(refused(await put(unknown)), "400 InvalidCertificateReferences");
  const packages = { applicationPackages: [{ id: `${account}/applications/none` }] };
  assert.equal(refused(await put(packages)), "409 InvalidApplicationPackageReferences");
  assert.equal(refused(await arm("GET", "/pools/bad")), "404 PoolNotFound");
  assert.equal(refused(await arm("PATCH", "/pools/bad", { properties: {} })), "404 PoolNotFound");
  assert.equal(refused(await arm("POST", "/pools/bad/stopResize")), "404 PoolNotFound");
  const elsewhere = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/nobody/pools`;
  for (const [method, path] of [
    ["GET", elsewhere],
    ["GET", `${elsewhere}/p`],
    ["DELETE", `${elsewhere}/p`],
    ["PUT", `${elsewhere}/p`],
  ] as const) {
    const answer = await armRequest(quern, { method, path, ...(method === "PUT" ? { body: { properties: settings } } : {}) });
    assert.equal(refused(answer), "404 ResourceNotFound", `${method} ${path}`);
  }
});

test("identities are shown on both planes", async () => {
  const id = `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1`;
  const made = await armRequest(quern, { method: "PUT", path: id, version: "2023-01-31", body: { location: "eastus" } });
  const { principalId, clientId } = made.json.properties;
  const body = { identity: { type: "UserAssigned", userAssignedIdentities: { [id]: {} } }, properties: settings };
  const pool = await ok("PUT", "/pools/with-identity", body);
  assert.deepEqual(pool.identity, { type: "UserAssigned", userAssignedIdentities: { [id]: { principalId, clientId } } });
  assert.deepEqual((await user.get("/pools/with-identity")).identity, {
    type: "UserAssigned",
    userAssignedIdentities: [{ resourceId: id, clientId, principalId }],
  });
  const none = await ok("PATCH", "/pools/with-identity", { identity: { type: "None" } });
  assert.deepEqual(none.identity, { type: "None" });
});

test("older versions have pools in their own shapes", async () => {
  const { virtualMachineConfiguration } = machine;
  const in2017 = {
    vmSize: "Standard_D2_v3",
    maxTasksPerNode: 3,
    deploymentConfiguration: { virtualMachineConfiguration: { ...virtualMachineConfiguration, osDisk: { caching: "ReadOnly" } } },
    startTask: { commandLine: "/bin/true", resourceFiles: [{ blobSource: "http://host/file", filePath: "file" }] },
  };
  const old = (await ok("PUT", "/pools/old", { properties: in2017 }, { version: "2017-09-01" })).properties;
  assert.deepEqual([old.maxTasksPerNode, old.taskSlotsPerNode], [3, undefined]);
  assert.deepEqual(old.startTask.resourceFiles, [{ blobSource: "http://host/file", filePath: "file" }]);
  assert.equal(old.startTask.waitForSuccess, false, "the default until 2019");
  assert.deepEqual(old.deploymentConfiguration.virtualMachineConfiguration.osDisk, { caching: "ReadOnly" });
  assert.equal("networkConfiguration" in old, false);
  const today = (await ok("GET", "/pools/old")).properties;
  assert.deepEqual([today.taskSlotsPerNode, today.startTask.resourceFiles[0].httpUrl], [3, "http://host/file"]);
  assert.equal(refused(await arm("PUT", "/pools/old2", { properties: in2017 })), "400 InvalidRequestBody");

  const cloud = { vmSize: "Small", deploymentConfiguration: { cloudServiceConfiguration: { osFamily: "5" } } };
  const service = (await ok("PUT", "/pools/cloud", { properties: cloud }, { version: "2020-09-01" })).properties;
  assert.deepEqual(
    [service.vmSize, service.deploymentConfiguration],
    ["Small", { cloudServiceConfiguration: { osFamily: "5", osVersion: "*" } }],
  );
  assert.deepEqual((await ok("GET", "/pools/cloud")).properties.deploymentConfiguration, {});
  const named = { networkConfiguration: { dynamicVNetAssignmentScope: "none" } };
  const in2022 = await ok("PUT", "/pools/net", { properties: { ...settings, ...named } }, { version: "2022-01-01" });
  assert.equal(in2022.properties.networkConfiguration.dynamicVNetAssignmentScope, "none");
  assert.equal(
    (await ok("GET", "/pools/net", undefined, { version: "2022-10-01" })).properties.networkConfiguration.dynamicVnetAssignmentScope,
    "none",
  );
  assert.equal(
    (await arm("GET", "/pools/net", undefined, { version: "2017-05-01" })).status,
    404,
    "there were no pools in ARM before 2017-09",
  );
});

test("certificates: the same as the data plane's", { timeout: 60_000 }, async () => {
  const { thumbprint, data } = await newCertificate("arm");
  const name = `sha1-${thumbprint}`;
  const made = await arm("PUT", `/certificates/${name}`, { properties: { data, format: "Cer" } });
  assert.equal(made.status, 200, made.text);
  assert.match(String(made.headers.etag), /^W\/"0x8D[0-9A-F]+"$/i);
  assert.equal(made.json.etag, made.headers.etag);
  const { provisioningStateTransitionTime: _, ...properties } = made.json.properties;
  assert.deepEqual(properties, {
    thumbprint,
    thumbprintAlgorithm: "sha1",
    format: "Cer",
    provisioningState: "Succeeded",
    publicData: data,
  });
  const url = `/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`;
  assert.deepEqual((await user.get(url)).state, "active");
  assert.equal((await ok("PUT", `/certificates/${name}`, { properties: { data } })).etag, made.json.etag, "nothing is different");
  assert.equal((await ok("PATCH", `/certificates/${name.toUpperCase()}`, { properties: { data } })).name, name);
  for (const [path, body, expected] of [
    [`/certificates/${name}`, { properties: { data, thumbprint: "00" } }, "400 InvalidPropertyValue"],
    [`/certificates/sha1-${"0".repeat(40)}`, { properties: { data } }, "400 InvalidPropertyValue"],
    ["/certificates/nonsense", { properties: { data } }, "400 InvalidPropertyValue"],
    [`/certificates/md5-${thumbprint}`, { properties: { data } }, "400 InvalidPropertyValue"],
    [`/certificates/${name}`, { properties: { data: "%" } }, "400 InvalidPropertyValue"],
    [`/certificates/${name}`, { properties: {} }, "400 MissingRequiredProperty"],
  ] as const) {
    assert.equal(refused(await arm("PUT", path, body)), expected, path);
  }
  assert.equal(
    refused(await arm("PUT", `/certificates/${name}`, { properties: { data } }, { headers: { "if-none-match": "*" } })),
    "412 ConditionNotMet",
  );
  assert.equal(refused(await arm("GET", "/certificates/sha1-00")), "404 CertificateNotFound");

  // Named by a pool, on whichever plane, it stays.
  const id = `${account.replace("{sub}", quern.ready.subscriptionId).replace("{rg}", quern.ready.resourceGroup)}/certificates/${name}`;
  const pool = await ok("PUT", "/pools/certified", { properties: { ...settings, certificates: [{ id, visibility: ["StartTask"] }] } });
  assert.deepEqual(pool.properties.certificates, [{ id, visibility: ["StartTask"] }]);
  assert.deepEqual((await user.get("/pools/certified")).certificateReferences, [
    { thumbprint, thumbprintAlgorithm: "sha1", visibility: ["starttask"] },
  ]);
  const going = await arm("DELETE", `/certificates/${name}`);
  assert.deepEqual([going.status, going.headers["retry-after"]], [202, "1"]);
  const failed = await armPoll(quern, String(going.headers.location));
  assert.equal(refused(failed), "409 PoolsReferencingCertificate");
  const { properties: shown } = await ok("GET", `/certificates/${name}`);
  assert.deepEqual([shown.provisioningState, shown.previousProvisioningState], ["Failed", "Deleting"]);
  assert.deepEqual(shown.deleteCertificateError.details, [{ code: "Pools", message: "certified" }]);
  const list = await ok(
    "GET",
    `/certificates?$filter=${encodeURIComponent("properties/provisioningState eq 'Failed'")}&$select=properties/format`,
  );
  assert.deepEqual(
    list.value.map((one: any) => [one.name, one.properties]),
    [[name, { format: "Cer" }]],
  );
  assert.equal((await ok("POST", `/certificates/${name}/cancelDelete`)).properties.provisioningState, "Succeeded");
  assert.equal(refused(await arm("POST", `/certificates/${name}/cancelDelete`)), "409 CertificateStateActive");

  await ok("PATCH", "/pools/certified", { properties: { certificates: [] } });
  const again = await arm("DELETE", `/certificates/${name}`);
  assert.equal((await armPoll(quern, String(again.headers.location))).status, 200);
  assert.equal((await arm("DELETE", `/certificates/${name}`)).status, 204);
  assert.equal(refused(await arm("GET", `/certificates/${name}`, undefined, { version: "2025-06-01" })), "404 InvalidResourceType");
  await until(
    () => user.raw({ method: "GET", path: url }),
    ({ status }) => status === 404,
  );
});
