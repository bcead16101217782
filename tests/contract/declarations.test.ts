// Our declarations against the official documents: the eight whole ones, and the table of what changed between all neighbouring versions.
// Every difference that is meant is listed here with its reason; one that is not, and one that no longer is, fails.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { batchOperations } from "../../src/api/batch/index.ts";
import { addJob } from "../../src/api/batch/jobs.ts";
import { f, type Model } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, livesIn, type Version, versions } from "../../src/api/versions.ts";
import { sharedPath } from "../support/shared.ts";
import { type Change, readChanges } from "./changes.ts";
import { propertiesIn, reachableModels } from "./models.ts";
import { compareOperation, type Document, operationsOf, routeOf } from "./openapi.ts";

const older: readonly Version[] = [
  "2016-02-01.3.0",
  "2017-01-01.4.0",
  "2018-08-01.7.0",
  "2019-06-01.9.0",
  "2020-09-01.12.0",
  "2022-10-01.16.0",
  "2024-02-01.19.0",
];

const unmarked =
  "The first documents mark nothing but the ids as required; the service required these all along (they were marked in 2016-07).";
const unmapped = "'unmapped' is what a client of the time made of a value it did not know, not something to send.";
const fileName = "The parameter was called fileName before 2017; its place and meaning are the same.";
const neverActive = "A subtask begins where its task is placed; later documents say so.";
const flatCounts = "The flat counts are written by a conversion of the later model, which keeps its own name.";

/** Difference -> [versions where the documents differ from us, why that is meant]. */
const meant: Record<string, readonly [versions: string, reason: string]> = {
  "StartTask.commandLine is optional": ["2016-02", unmarked],
  "ResourceFile.blobSource is optional": ["2016-02", unmarked],
  "ResourceFile.filePath is optional": ["2016-02", unmarked],
  "EnvironmentSetting.name is optional": ["2016-02", unmarked],
  "MetadataItem.name is optional": ["2016-02", unmarked],
  "MetadataItem.value is optional": ["2016-02", unmarked],
  "JobManagerTask.id is optional": ["2016-02", unmarked],
  "JobManagerTask.commandLine is optional": ["2016-02", unmarked],
  "JobPreparationTask.commandLine is optional": ["2016-02", unmarked],
  "JobReleaseTask.commandLine is optional": ["2016-02", unmarked],
  "PoolSpecification.vmSize is optional": ["2016-02", unmarked],
  "JobSpecification.poolInfo is optional": ["2016-02", unmarked],
  "AffinityInformation.affinityId is optional": ["2016-02", unmarked],
  "TaskSchedulingPolicy.nodeFillType has values pack,spread,unmapped": ["2016-02 2017-01", unmapped],
  "CertificateReference.storeLocation has values currentuser,localmachine,unmapped": ["2016-02 2017-01", unmapped],
  "CertificateReference.visibility[] has values remoteuser,starttask,task,unmapped": ["2016-02 2017-01", unmapped],
  "TaskSchedulingError.category has values servererror,unmapped,usererror": ["2016-02 2017-01", unmapped],
  "JobSchedulingError.category has values servererror,unmapped,usererror": ["2016-02 2017-01", unmapped],
  "AutoPoolSpecification.poolLifetimeOption has values job,jobschedule,unmapped": ["2016-02 2017-01", unmapped],
  "TaskAddResult.status has values clienterror,servererror,success,unmapped": ["2016-02 2017-01", unmapped],
  "CloudPool.state has values active,deleting,upgrading": [
    "2016-02 2017-01 2018-08",
    "Only pools of Cloud Services could be upgrading; none exists here.",
  ],
  "SubtaskInformation.state has values active,completed,preparing,running": ["2016-02", neverActive],
  "SubtaskInformation.previousState has values active,completed,preparing,running": ["2016-02", neverActive],
  "TaskFailureInformation is called TaskSchedulingError": ["2016-02 2017-01", "The model has the same properties under both names."],
  "Job_Get has conditions none": ["2016-02", "Conditions that a client of the time cannot send do no harm."],
  "File_GetFromTask has path parameters fileName,jobId,taskId": ["2016-02", fileName],
  "File_GetPropertiesFromTask has path parameters fileName,jobId,taskId": ["2016-02", fileName],
  "File_DeleteFromTask has path parameters fileName,jobId,taskId": ["2016-02", fileName],
  "File_GetFromComputeNode has path parameters fileName,nodeId,poolId": ["2016-02", fileName],
  "File_GetPropertiesFromComputeNode has path parameters fileName,nodeId,poolId": ["2016-02", fileName],
  "File_DeleteFromComputeNode has path parameters fileName,nodeId,poolId": ["2016-02", fileName],
  "File_GetPropertiesFromTask is called File_GetNodeFilePropertiesFromTask": ["2016-02", "Only the name of the operation changed."],
  "File_GetPropertiesFromComputeNode is called File_GetNodeFilePropertiesFromComputeNode": [
    "2016-02",
    "Only the name of the operation changed.",
  ],
  "VirtualMachineConfiguration.imageReference is optional": ["2017-01", "The alternative, a pool of VHD blobs, cannot be had here."],
  "OSDisk.imageUris is required": ["2017-01", "Likewise: without VHD blobs an OS disk needs none."],
  "PoolUpdatePropertiesParameter.certificateReferences is required": [
    "2024-07",
    "The TypeSpec document of the same version does not require it, and its own example leaves it out.",
  ],
  "Pool_ListUsageMetrics is called Pool_ListPoolUsageMetrics": ["2016-02", "Only the name of the operation changed."],
  "Pool_GetAllLifetimeStatistics is called Pool_GetAllPoolsLifetimeStatistics": ["2016-02", "Only the name of the operation changed."],
  "Job_GetAllLifetimeStatistics is called Job_GetAllJobsLifetimeStatistics": ["2016-02", "Only the name of the operation changed."],
  "NodeAgentSku.osType has values linux,unmapped,windows": ["2016-02 2017-01", unmapped],
  "CertificateAddParameter.certificateFormat has values cer,pfx,unmapped": ["2016-02 2017-01", unmapped],
  "TaskCountsResult is called TaskCounts": ["2018-08 2019-06", flatCounts],
};

const readDocument = (version: Version): Document => {
  const parts = version === baseline ? ["batch-data-plane"] : ["batch-data-plane-older", version];
  return JSON.parse(readFileSync(sharedPath("specs", ...parts, "BatchService.json"), "utf8")) as Document;
};

const differencesIn = (version: Version, declarations: readonly OperationDeclaration[]): string[] => {
  const document = readDocument(version);
  const documented = operationsOf(document);
  const differences = declarations.flatMap((declared) => {
    const theirs = documented.get(routeOf(declared.method, declared.path));
    const lives = livesIn(declared, version);
    if (theirs === undefined) return lives ? [`${declared.id} is not there`] : [];
    return lives ? compareOperation(declared, document, theirs, version) : [`${declared.id} is there`];
  });
  return [...new Set(differences)];
};

const short = (version: Version): string => version.slice(0, 7);
const ours = Object.values(batchOperations) as readonly OperationDeclaration[];

for (const version of [...older, baseline]) {
  test(`operations and models are those of the document of ${version}`, () => {
    const expected = Object.entries(meant).flatMap(([difference, [where]]) =>
      where.split(" ").includes(short(version)) ? [difference] : [],
    );
    assert.deepEqual(differencesIn(version, ours).sort(), expected.sort());
  });
}

test("the comparison notices a missing property, an extra one, a wrong kind and a wrong enum", () => {
  const { priority: _, ...fewer } = addJob.body.fields;
  const fields = { ...fewer, extra: f.string(), displayName: f.int32(), onTaskFailure: f.enum(["noaction"]) };
  const spoilt = { ...addJob, body: { ...addJob.body, fields } } as unknown as OperationDeclaration;
  const found = differencesIn(baseline, [spoilt]).sort();
  assert.deepEqual(found, [
    "JobAddParameter.displayName is string",
    "JobAddParameter.extra is not there",
    "JobAddParameter.onTaskFailure has values noaction,performexitoptionsjobaction",
    "JobAddParameter.priority is there",
  ]);
});

/** 2016-07 only marked what the service had always required; an OS disk came, went and came back; images see `meant`. */
const tellsNothing = (change: Change, to: Version): boolean =>
  change.kind === "~req" && (to === "2016-07-01.3.1" || change.model === "OSDisk" || change.model === "VirtualMachineConfiguration");

type Turn = { kind: string; appears: boolean; isThere: (version: Version) => boolean };

/** What must have begun or ended to be so with a change, as far as we declare what it is about. */
const turnsOf = (change: Change, models: ReadonlyMap<string, Model>): Turn[] => {
  if ("path" in change) {
    const declared = ours.find(({ method, path }) => routeOf(method, path) === routeOf(change.method, change.path));
    // The parameter of the file operations was renamed, which the table counts as going and coming.
    const life =
      "name" in change ? declared?.query.fields[change.name]?.options : /fileName|filePath/.test(change.path) ? undefined : declared;
    if (life === undefined) return [];
    return [{ kind: change.kind.slice(1), appears: change.kind.startsWith("+"), isThere: (version) => livesIn(life, version) }];
  }
  const model = models.get(change.model);
  if (model === undefined || model.name === "OSDisk") return [];
  if (change.kind === "~req") {
    const turn = (appears: boolean) => (property: string) => ({
      kind: "req",
      appears,
      isThere: (version: Version) => propertiesIn(model, version).get(property) === true,
    });
    return [...change.required.map(turn(true)), ...change.optional.map(turn(false))];
  }
  if (!("property" in change)) return [];
  return [{ kind: "prop", appears: change.kind === "+prop", isThere: (version) => propertiesIn(model, version).has(change.property) }];
};

test("what came and went with each version did so with ours", () => {
  const models = reachableModels();
  // The flat counts, of which only the flag of the oldest ever changed.
  models.set("TaskCounts", models.get("TaskCountsResult")!);
  const checked: Record<string, number> = {};
  for (const { to, from, changes } of readChanges()) {
    for (const change of changes.filter((one) => !tellsNothing(one, to))) {
      for (const { kind, appears, isThere } of turnsOf(change, models)) {
        assert.deepEqual([isThere(from), isThere(to)], [!appears, appears], `${to} ${JSON.stringify(change)}`);
        checked[kind] = (checked[kind] ?? 0) + 1;
      }
    }
  }
  // So that a table that cannot be read any more does not pass for one without changes.
  for (const [kind, least] of Object.entries({ prop: 150, op: 5, param: 2, req: 10 })) {
    assert.ok((checked[kind] ?? 0) >= least, `${kind}: ${checked[kind]}`);
  }
});

test("nothing else came or went with ours", () => {
  const steps = readChanges();
  for (const model of reachableModels().values()) {
    for (const { from, to, changes } of steps) {
      const told = new Set(changes.flatMap((change) => ("property" in change && change.model === model.name ? [change.property] : [])));
      const whole = changes.some((change) => (change.kind === "+def" || change.kind === "-def") && change.model === model.name);
      if (whole || model.name === "OSDisk" || model.name === "TaskCountsResult") continue;
      const [before, after] = [propertiesIn(model, from), propertiesIn(model, to)];
      const moved = [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.has(name) !== after.has(name));
      const untold = moved.filter((name) => !told.has(name));
      assert.deepEqual(untold, [], `${model.name} at ${to}`);
    }
  }
});

test("2025-06-01 has what its change log names and lacks what it took away", () => {
  const models = reachableModels();
  const changes = new Map<string, string[]>();
  for (const model of models.values()) {
    const [before, after] = [propertiesIn(model, baseline), propertiesIn(model, "2025-06-01")];
    const lines = [
      ...[...after.keys()].filter((name) => !before.has(name)).map((name) => `+${name}`),
      ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `-${name}`),
    ];
    if (lines.length > 0) changes.set(model.name, lines.sort());
  }
  const poolLoses = ["-certificateReferences", "-resourceTags", "-targetNodeCommunicationMode"];
  assert.deepEqual(Object.fromEntries([...changes].sort(([a], [b]) => a.localeCompare(b))), {
    CloudPool: ["-certificateReferences", "-currentNodeCommunicationMode", "-resourceTags", "-targetNodeCommunicationMode"],
    ComputeNode: ["+ipv6Address", "-certificateReferences"],
    ComputeNodeGetRemoteLoginSettingsResult: ["+ipv6RemoteLoginIPAddress", "+ipv6RemoteLoginPort"],
    DataDisk: ["+managedDisk"],
    DiskEncryptionConfiguration: ["+customerManagedKey"],
    ManagedDisk: ["+diskEncryptionSet"],
    PoolAddParameter: poolLoses,
    PoolPatchParameter: poolLoses,
    PoolSpecification: poolLoses,
    PoolUpdatePropertiesParameter: ["-certificateReferences", "-targetNodeCommunicationMode"],
    PublicIPAddressConfiguration: ["+ipFamilies", "+ipTags"],
    SecurityProfile: ["+proxyAgentSettings"],
    TaskSchedulingPolicy: ["+jobDefaultOrder"],
  });
});

test("a property is never both declared twice under one name and alive in the same version", () => {
  for (const model of reachableModels().values()) {
    for (const version of versions) {
      const alive = Object.values(model.fields).filter((field) => livesIn(field.options, version)).length;
      assert.equal(propertiesIn(model, version).size, alive, `${model.name} in ${version}`);
    }
  }
});
