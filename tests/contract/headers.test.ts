// The status and headers of every operation's success, as recorded from the real service (reference: real-behaviours.md sections 1 and 2).
// The table is written from the recordings, not from our declarations.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { otherIds, validRequests } from "./exact-requests.ts";
import { anExactWorld, type ExactWorld, operationIds } from "./exact-world.ts";

/** Status, then what is there of: ETag with Last-Modified, DataServiceId, Location, a body; `file` has headers of its own. */
const expected: Readonly<Record<string, string>> = {
  "200 body": `Account_ListSupportedImages Account_ListPoolNodeCounts Account_ListNodeAgentSkus Application_List Pool_ListUsageMetrics
    Pool_GetAllLifetimeStatistics Job_GetAllLifetimeStatistics Pool_List Job_List JobSchedule_List Job_ListFromJobSchedule Task_List
    Task_ListSubtasks Task_AddCollection Job_GetTaskCounts Job_ListPreparationAndReleaseTaskStatus ComputeNode_List ComputeNode_Get
    ComputeNodeExtension_List ComputeNodeExtension_Get File_ListFromTask File_ListFromComputeNode Certificate_List Certificate_Get`,
  "200 etag body": "Pool_Get Job_Get JobSchedule_Get Task_Get",
  "200 etag": "Pool_Exists JobSchedule_Exists",
  "200 etag id":
    "Pool_Patch Job_Patch Job_Update JobSchedule_Patch JobSchedule_Update Task_Update Pool_EnableAutoScale Pool_DisableAutoScale",
  "200 id body": "Pool_EvaluateAutoScale ComputeNode_UploadBatchServiceLogs ComputeNode_GetRemoteLoginSettings",
  "200 id": "ComputeNode_UpdateUser ComputeNode_DisableScheduling ComputeNode_EnableScheduling",
  "200": "Task_Delete File_DeleteFromTask File_DeleteFromComputeNode ComputeNode_DeleteUser",
  "200 file": "File_GetFromTask File_GetFromComputeNode File_GetPropertiesFromTask File_GetPropertiesFromComputeNode",
  "201 etag id location": "Pool_Add Job_Add JobSchedule_Add Task_Add",
  "201 id location": "ComputeNode_AddUser Certificate_Add",
  "202": "Pool_Delete Job_Delete JobSchedule_Delete Certificate_Delete",
  "202 etag id": "Pool_Resize Pool_StopResize Pool_RemoveNodes Job_Disable Job_Enable Job_Terminate JobSchedule_Terminate",
  "202 id": "ComputeNode_Reboot ComputeNode_Reimage ComputeNode_Deallocate ComputeNode_Start",
  "204 etag id": "Pool_UpdateProperties JobSchedule_Disable JobSchedule_Enable Task_Terminate",
  "204 etag": "Task_Reactivate",
  "204 id": "Certificate_CancelDeletion",
};

/** Never a success here: what they need cannot be had. The error is the whole answer. */
const refusals: Readonly<Partial<Record<OperationId, string>>> = {
  Application_Get: "404 ApplicationNotFound",
  Pool_UpgradeOS: "409 OperationNotValidOnPool",
  ComputeNode_GetRemoteDesktop: "409 OperationNotValidOnNode",
};

const expectedOf = new Map(
  Object.entries(expected).flatMap(([what, ids]) =>
    ids
      .trim()
      .split(/\s+/)
      .map((id): [string, string] => [id, what]),
  ),
);

/** What must be so before the operation succeeds. */
const before: Readonly<Partial<Record<OperationId, (world: ExactWorld) => Promise<unknown>>>> = {
  Task_Terminate: (world) => world.setTask("running"),
  Task_Update: (world) => world.setTask("active"),
  Task_Reactivate: (world) => world.setTask("failed"),
  Job_Enable: (world) => world.setJob("disabled"),
  JobSchedule_Enable: (world) => world.setSchedule("disabled"),
  ComputeNode_EnableScheduling: (world) => world.setNode({ schedulingState: "disabled" }),
  ComputeNode_Start: (world) => world.setNode({ state: "deallocated" }),
  ComputeNode_UpdateUser: (world) => world.ask("ComputeNode_AddUser"),
  ComputeNode_DeleteUser: (world) => world.ask("ComputeNode_AddUser"),
  Pool_EvaluateAutoScale: (world) => world.ask("Pool_EnableAutoScale"),
  Certificate_CancelDeletion: (world) => world.setCertificate("deletefailed"),
};

/** Of what is created, DataServiceId and Location name the new resource. */
const created: Readonly<Partial<Record<OperationId, string>>> = {
  Pool_Add: "/pools/x",
  Job_Add: "/jobs/x",
  JobSchedule_Add: "/jobschedules/x",
  Task_Add: "/jobs/j/tasks/x",
  ComputeNode_AddUser: "/pools/p/nodes/n/users/u",
  // The names with capitals were recorded.
  Certificate_Add: "/certificates(ThumbprintAlgorithm=sha1,Thumbprint=cd)",
};

test("there is a request and an expectation for every operation", () => {
  const known = [...expectedOf.keys(), ...Object.keys(refusals)].sort();
  assert.deepEqual(known, [...operationIds].sort());
  assert.deepEqual(Object.keys(validRequests).sort(), [...operationIds].sort());
});

const bareEtag = /^0x8[0-9A-F]{14}$/;

for (const id of operationIds) {
  test(id, async (t) => {
    const world = await anExactWorld(t);
    await before[id]?.(world);
    const request = validRequests[id]!;
    const { status, headers, text, json } = await world.ask(id, {
      ...(request.body === undefined ? {} : { body: { ...request.body, ...otherIds[id] } }),
    });
    assert.match(String(headers["request-id"]), /^[0-9a-f-]{36}$/);
    assert.equal(headers.dataserviceversion, "3.0");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.ok(!Number.isNaN(Date.parse(String(headers.date))));
    for (const name of ["server", "strict-transport-security", "client-request-id", "x-powered-by"]) assert.equal(headers[name], undefined);
    if (refusals[id] !== undefined) {
      assert.equal(`${status} ${json.code}`, refusals[id]);
      assert.deepEqual([headers.etag, headers.dataserviceid, headers.location], [undefined, undefined, undefined]);
      return;
    }
    const isFile = headers["ocp-batch-file-url"] !== undefined;
    const seen = [
      status,
      ...(headers.etag === undefined ? [] : ["etag"]),
      ...(headers.dataserviceid === undefined ? [] : ["id"]),
      ...(headers.location === undefined ? [] : ["location"]),
      ...(isFile ? ["file"] : text === "" ? [] : ["body"]),
    ].join(" ");
    assert.equal(seen, expectedOf.get(id), text);
    if (headers.etag !== undefined) {
      assert.match(String(headers.etag), bareEtag);
      assert.match(String(headers.etag), new RegExp(`^${etagOf(world.clock.now() * 1000).slice(0, 8)}`));
      if (json !== undefined) assert.equal(json.eTag, headers.etag);
    }
    assert.equal(headers["last-modified"] !== undefined, headers.etag !== undefined || isFile);
    if (json !== undefined && !isFile) assert.equal(headers["content-type"], "application/json;odata=minimalmetadata");
    if (text === "" && !isFile && headers["content-length"] !== undefined) assert.equal(headers["content-length"], "0");
    if (status === 204) assert.equal(headers["content-length"], "0");
    if (isFile) {
      assert.equal(headers["content-type"], "text/plain");
      assert.equal(headers["ocp-batch-file-isdirectory"], "False");
      assert.equal(headers["ocp-batch-file-mode"], "0o100644");
    }
    if (headers.dataserviceid !== undefined) {
      assert.equal(headers.dataserviceid, `${world.batchUrl}${created[id] ?? request.path}`);
      if (headers.location !== undefined) assert.equal(headers.location, headers.dataserviceid);
    }
  });
}
