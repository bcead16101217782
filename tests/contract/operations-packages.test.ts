// References of pools and tasks to application packages: what is refused, what is kept, and what happens when a package goes at the same moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { activatePackage, newApplication, newPackage } from "../../src/domain/applications.ts";
import { packageGuards } from "../../src/scheduler/package-references.ts";
import { getAccount } from "../../src/store/accounts.ts";
import {
  deletePackage,
  getApplication,
  getPackage,
  insertApplication,
  insertPackage,
  saveApplication,
  savePackage,
} from "../../src/store/applications.ts";
import { Conflict } from "../../src/store/db.ts";
import { aPoolBody, aService, type Service } from "./operations-fixtures.ts";

/** Blender with 4.1 active, 4.2 activated when asked for, and no default version. */
const withPackages = async (service: Service): Promise<string> => {
  const accountName = (await getAccount(service.store, 1))!.name;
  const blender = newApplication("Blender", { accountId: 1, stamp: 0 });
  const made = (version: string) => newPackage(blender, version, { accountName, storageAccount: "store", guid: version, stamp: 0 });
  await service.store.commit([
    ...insertApplication(blender),
    ...insertPackage(activatePackage(made("4.1B"), { format: "zip", etag: "0x1", now: 0, stamp: 0 })),
    ...insertPackage(made("4.2")),
  ]);
  return `/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/${accountName}/applications/Blender`;
};

const setDefault = async (service: Service, defaultVersion: string): Promise<void> =>
  service.store.commit(saveApplication({ ...(await getApplication(service.store, 1, "blender"))!, defaultVersion }));
const blender = { accountId: 1, applicationKey: "blender" };

test("pools name packages that are there and active, by id or resource id, by version or the default one", async (t) => {
  const service = await aService(t);
  const resourceId = await withPackages(service);
  await service.call("Pool_Add", { body: aPoolBody() });
  const params = { poolId: "pool1" };
  const everywhere = (references: object[]) => [
    () => service.refusal("Pool_Add", { body: aPoolBody({ id: "other", applicationPackageReferences: references }) }),
    () => service.refusal("Pool_Patch", { params, body: { applicationPackageReferences: references } }),
    () =>
      service.refusal("Pool_UpdateProperties", {
        params,
        body: { applicationPackageReferences: references, certificateReferences: [], metadata: [] },
      }),
  ];
  const missing = "The specified application package does not exist.";
  for (const [reference, reason] of [
    [{ applicationId: "does-not-exist" }, missing],
    [{ applicationId: "blender", version: "9" }, missing],
    [{ applicationId: resourceId.replace(/batchAccounts\/[^/]+/, "batchAccounts/other"), version: "4.1B" }, missing],
    [{ applicationId: "blender", version: "4.2" }, "The specified application package is not active."],
    [{ applicationId: "blender" }, "The specified application has no default version."],
  ] as const) {
    for (const refused of everywhere([{ applicationId: "blender", version: "4.1b" }, reference])) {
      const { code, status, values } = await refused();
      assert.deepEqual([status, code], [409, "InvalidApplicationPackageReferences"]);
      assert.deepEqual(values, [{ key: reference.applicationId, value: reason }]);
    }
  }
  await setDefault(service, "4.1B");
  const references = [{ applicationId: "BLENDER" }, { applicationId: resourceId, version: "4.1b" }];
  await service.call("Pool_Patch", { params, body: { applicationPackageReferences: references } });
  assert.deepEqual((await service.call("Pool_Get", { params })).body.applicationPackageReferences, references);
  await service.call("Pool_Add", { body: aPoolBody({ id: "other", applicationPackageReferences: references }) });
  const eleven = Array.from({ length: 11 }, () => ({ applicationId: "blender" }));
  for (const refused of everywhere(eleven)) assert.equal((await refused()).code, "InvalidPropertyValue");
  await service.call("Pool_Patch", { params, body: { applicationPackageReferences: [] } });
  assert.equal((await service.call("Pool_Get", { params })).body.applicationPackageReferences, undefined);
});

test("a pool keeps the packages that it named though they are gone", async (t) => {
  const service = await aService(t);
  await withPackages(service);
  const applicationPackageReferences = [{ applicationId: "blender", version: "4.1B" }];
  await service.call("Pool_Add", { body: aPoolBody({ applicationPackageReferences }) });
  await service.store.commit(deletePackage((await getPackage(service.store, { ...blender, key: "4.1b" }))!));
  const params = { poolId: "pool1" };
  await service.call("Pool_Patch", { params, body: { metadata: [{ name: "a", value: "b" }] } });
  assert.deepEqual((await service.call("Pool_Get", { params })).body.applicationPackageReferences, applicationPackageReferences);
  const again = await service.refusal("Pool_Patch", { params, body: { applicationPackageReferences } });
  assert.equal(again.code, "InvalidApplicationPackageReferences");
});

test("of a pool and the end of its package that come at once, only one is committed", async (t) => {
  const service = await aService(t);
  await withPackages(service);
  await setDefault(service, "4.1B");
  const guardsOf = (version?: string) => packageGuards(service.store, 1, [{ applicationId: "blender", ...(version && { version }) }]);
  const [named, byDefault] = [await guardsOf("4.1B"), await guardsOf()];
  await service.store.commit([...named, ...byDefault]);
  const package42 = (await getPackage(service.store, { ...blender, key: "4.2" }))!;
  await service.store.commit(savePackage(activatePackage(package42, { format: "zip", etag: "0x2", now: 0, stamp: 1 })));
  await setDefault(service, "4.2");
  await assert.rejects(service.store.commit(byDefault), Conflict);
  await service.store.commit(named);
  const package41 = (await getPackage(service.store, { ...blender, key: "4.1b" }))!;
  await service.store.commit(savePackage({ ...package41, state: "pending" }));
  await assert.rejects(service.store.commit(named), Conflict);
});

test("a job whose automatic pool names a package that is not there ends as it begins, also one of a schedule", async (t) => {
  const service = await aService(t);
  await withPackages(service);
  const poolInfo = (version: string) => {
    const pool = { ...aPoolBody({ applicationPackageReferences: [{ applicationId: "blender", version }] }), id: undefined };
    return { autoPoolSpecification: { poolLifetimeOption: "job", pool } };
  };
  await service.call("Job_Add", { body: { id: "early", poolInfo: poolInfo("4.2") } });
  const { state, executionInfo } = (await service.call("Job_Get", { params: { jobId: "early" } })).body;
  assert.deepEqual([state, executionInfo.schedulingError.code], ["completed", "InvalidApplicationPackageReferencesInAutoPool"]);
  assert.deepEqual(executionInfo.schedulingError.details, [{ name: "blender", value: "The specified application package is not active." }]);
  await service.call("JobSchedule_Add", { body: { id: "s", schedule: {}, jobSpecification: { poolInfo: poolInfo("9") } } });
  const made = (await service.call("Job_Get", { params: { jobId: "s:job-1" } })).body;
  assert.equal(made.executionInfo.schedulingError.code, "InvalidApplicationPackageReferencesInAutoPool");
  assert.deepEqual((await service.call("Pool_List")).items, []);
  await service.call("Job_Add", { body: { id: "late", poolInfo: poolInfo("4.1B") } });
  assert.equal((await service.call("Job_Get", { params: { jobId: "late" } })).body.state, "active");
  assert.equal((await service.call("Pool_List")).items.length, 1);
});

test("tasks are taken whatever they name: one whose package cannot be had fails when it is to run", async (t) => {
  const service = await aService(t);
  await service.call("Job_Add", { body: { id: "j", poolInfo: { poolId: "p" } } });
  const applicationPackageReferences = [{ applicationId: "does-not-exist" }, { applicationId: "blender", version: "9" }];
  const body = { id: "t", commandLine: "x", applicationPackageReferences };
  await service.call("Task_Add", { params: { jobId: "j" }, body });
  const task = (await service.call("Task_Get", { params: { jobId: "j", taskId: "t" } })).body;
  assert.deepEqual([task.state, task.applicationPackageReferences], ["active", applicationPackageReferences]);
});
