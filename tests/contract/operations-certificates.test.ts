// Certificates through their handlers: what is refused, what is shown, and what a deletion meets.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { certificateStates, deletionTakesMs } from "../../src/domain/certificates.ts";
import { parseFilter } from "../../src/http/odata/filter.ts";
import { filterables } from "../../src/operations/batch/index.ts";
import { certificateGuards } from "../../src/scheduler/certificate-references.ts";
import type { CertificateKey, Context } from "../../src/scheduler/context.ts";
import { reconcileCertificate } from "../../src/scheduler/reconcilers/certificates.ts";
import { getCertificate, removeCertificate, saveCertificate } from "../../src/store/certificates.ts";
import { Conflict } from "../../src/store/db.ts";
import { missing, openssl } from "../support/require.ts";
import { sharedPath } from "../support/shared.ts";
import { aPoolBody, aService, type Service } from "./operations-fixtures.ts";
import { temporaryFolder } from "./store-fixtures.ts";

type Recording = { exchanges: { op: string; requestBody: { thumbprint: string; data: string } }[] };
const recorded = (JSON.parse(readFileSync(sharedPath("recordings/scenarios/cli-2021-certificate.json"), "utf8")) as Recording).exchanges;
const { thumbprint, data } = recorded.find(({ op }) => op === "Certificate_Add")!.requestBody;

const aCertificate = (changes: Record<string, unknown> = {}) => ({
  ...{ thumbprint, thumbprintAlgorithm: "sha1", data, certificateFormat: "cer" },
  ...changes,
});
const params = { thumbprintAlgorithm: "sha1", thumbprint };
const named = { thumbprint: thumbprint.toUpperCase(), thumbprintAlgorithm: "SHA1" };
/** The outer form of a pfx: a sequence of version 3 and nothing. */
const pfx = Buffer.from([0x30, 0x03, 0x02, 0x01, 0x03]).toString("base64");

/** What the scheduler does when it is rung for a certificate; says when it would look again. */
const reconcile = async ({ store, services }: Service): Promise<number | undefined> => {
  let again: number | undefined;
  const bells = {
    certificateAfter: (_key: CertificateKey, delayMs: number) => {
      again = delayMs;
    },
  };
  const context = { store, clock: services.clock, bells } as unknown as Context;
  await reconcileCertificate(context, { accountId: 1, certificateKey: `sha1-${thumbprint}` });
  return again;
};

test("a certificate is shown as it was seen, without what is secret", async (t) => {
  const service = await aService(t);
  const { reply } = await service.call("Certificate_Add", { body: aCertificate() });
  assert.match(reply.createdUrl!, new RegExp(`/certificates\\(ThumbprintAlgorithm=sha1,Thumbprint=${thumbprint}\\)$`));
  const { body } = await service.call("Certificate_Get", { params: { thumbprintAlgorithm: "SHA1", thumbprint: thumbprint.toUpperCase() } });
  assert.deepEqual(body, {
    thumbprint,
    thumbprintAlgorithm: "sha1",
    url: `${new URL(reply.createdUrl!).origin}/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`,
    state: "active",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    publicData: data,
  });
  assert.equal((await service.refusal("Certificate_Add", { body: aCertificate() })).code, "CertificateExists");
  assert.equal((await service.refusal("Certificate_Get", { params: { ...params, thumbprint: "00" } })).code, "CertificateNotFound");
  assert.equal((await service.refusal("Certificate_Get", { accountId: 2, params })).code, "CertificateNotFound");
});

test("blanks in a thumbprint mean nothing, PEM is a form of cer, and the format may be left out", async (t) => {
  const service = await aService(t);
  const pem = `-----BEGIN CERTIFICATE-----\n${data.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
  const body = { thumbprint: `\u200e${thumbprint.toUpperCase().replace(/../g, "$& ")}`, thumbprintAlgorithm: "sha1" };
  await service.call("Certificate_Add", { body: { ...body, data: Buffer.from(pem).toString("base64") } });
  const shown = (await service.call("Certificate_Get", { params })).body;
  assert.deepEqual([shown.thumbprint, shown.publicData], [thumbprint.toUpperCase(), data]);
});

test("a pfx is kept with its password and neither is shown", { skip: missing(openssl) }, async (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string): string => join(folder, name);
  const run = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file("k"), "-out", file("c"), "-subj", "/CN=x", "-days", "2");
  run("pkcs12", "-export", "-inkey", file("k"), "-in", file("c"), "-out", file("p"), "-passout", "pass:Secret");
  const service = await aService(t);
  const body = aCertificate({ data: readFileSync(file("p")).toString("base64"), certificateFormat: "pfx", password: "Secret" });
  await service.call("Certificate_Add", { body });
  const shown = JSON.stringify((await service.call("Certificate_List")).items);
  assert.ok(!shown.includes("Secret") && !shown.includes(body.data as string), shown);
  const kept = await getCertificate(service.store, 1, `sha1-${thumbprint}`);
  assert.deepEqual([kept?.password, kept?.data, kept?.format], ["Secret", body.data, "pfx"]);
});

const wrong: readonly [what: string, changes: Record<string, unknown>, code: string, property: string][] = [
  ["no thumbprint", { thumbprint: undefined }, "MissingRequiredProperty", "thumbprint"],
  ["no data", { data: undefined }, "MissingRequiredProperty", "data"],
  ["no algorithm", { thumbprintAlgorithm: undefined }, "MissingRequiredProperty", "thumbprintAlgorithm"],
  ["another algorithm", { thumbprintAlgorithm: "sha256" }, "InvalidPropertyValue", "thumbprintAlgorithm"],
  ["a thumbprint that is none", { thumbprint: "xyz" }, "InvalidPropertyValue", "thumbprint"],
  ["a thumbprint that is too long", { thumbprint: `${thumbprint}0` }, "InvalidPropertyValue", "thumbprint"],
  ["the thumbprint of another", { thumbprint: "00".repeat(20) }, "InvalidPropertyValue", "thumbprint"],
  ["data that is not base64", { data: "#####..." }, "InvalidPropertyValue", "data"],
  ["data that is no certificate", { data: "AAAA" }, "InvalidPropertyValue", "data"],
  ["data that is too large", { data: Buffer.alloc(10_241).toString("base64") }, "InvalidPropertyValue", "data"],
  ["a cer that is called a pfx", { certificateFormat: "pfx" }, "InvalidPropertyValue", "data"],
  ["a pfx that is called a cer", { data: pfx }, "InvalidPropertyValue", "data"],
  ["another format", { certificateFormat: "p7b" }, "InvalidPropertyValue", "certificateFormat"],
];
for (const [what, changes, code, property] of wrong) {
  test(`refused: ${what}`, async (t) => {
    const service = await aService(t);
    const error = await service.refusal("Certificate_Add", { body: aCertificate(changes) });
    assert.deepEqual([error.code, error.values[0]], [code, { key: "PropertyName", value: property }]);
    assert.ok(!JSON.stringify(error.values).includes(data.slice(0, 40)), "the data is secret");
  });
}

test("a cer has no password", async (t) => {
  const service = await aService(t);
  const error = await service.refusal("Certificate_Add", { body: aCertificate({ password: "Secret" }) });
  assert.equal(error.status, 400);
  assert.ok(!JSON.stringify(error.values).includes("Secret"));
});

test("a deletion takes its time, and then the certificate is gone", async (t) => {
  const service = await aService(t);
  await service.call("Certificate_Add", { body: aCertificate() });
  service.clock.advance(1_000);
  await service.call("Certificate_Delete", { params });
  assert.deepEqual(service.rung, [`certificate sha1-${thumbprint}`]);
  assert.equal(await reconcile(service), deletionTakesMs);
  const shown = (await service.call("Certificate_Get", { params })).body;
  assert.deepEqual([shown.state, shown.previousState], ["deleting", "active"]);
  assert.deepEqual([shown.stateTransitionTime, shown.previousStateTransitionTime], ["2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"]);
  for (const id of ["Certificate_Delete", "Certificate_CancelDeletion"] as const)
    assert.equal((await service.refusal(id, { params })).code, "CertificateBeingDeleted");
  assert.equal((await service.refusal("Certificate_Add", { body: aCertificate() })).code, "CertificateBeingDeleted");
  service.clock.advance(deletionTakesMs);
  assert.equal(await reconcile(service), undefined);
  assert.equal((await service.refusal("Certificate_Get", { params })).code, "CertificateNotFound");
  for (const id of ["Certificate_Delete", "Certificate_CancelDeletion"] as const)
    assert.equal((await service.refusal(id, { params })).code, "CertificateNotFound");
  await service.call("Certificate_Add", { body: aCertificate() });
});

test("a deletion fails while a pool names the certificate, and can be taken back or repeated", async (t) => {
  const service = await aService(t);
  const later = (): void => service.clock.advance(deletionTakesMs);
  await service.call("Certificate_Add", { body: aCertificate() });
  assert.equal((await service.refusal("Certificate_CancelDeletion", { params })).code, "CertificateStateActive");
  await service.call("Pool_Add", { body: aPoolBody({ certificateReferences: [named] }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "Pool2", certificateReferences: [named] }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "Pool3" }) });
  await service.call("Certificate_Delete", { params });
  later();
  await reconcile(service);
  const shown = (await service.call("Certificate_Get", { params })).body;
  assert.deepEqual([shown.state, shown.previousState], ["deletefailed", "deleting"]);
  assert.deepEqual(shown.deleteCertificateError, {
    code: "PoolsReferencingCertificate",
    message: "The specified certificate is being used by the below mentioned pool(s)",
    values: [{ name: "Pools", value: "Pool1,Pool2" }],
  });
  await service.call("Certificate_CancelDeletion", { params });
  const active = (await service.call("Certificate_Get", { params })).body;
  assert.deepEqual([active.state, active.previousState, active.deleteCertificateError], ["active", "deletefailed", undefined]);
  for (const poolId of ["pool1", "pool2"]) await service.call("Pool_Delete", { params: { poolId } });
  await service.call("Certificate_Delete", { params });
  later();
  await reconcile(service);
  assert.equal((await service.refusal("Certificate_Get", { params })).code, "CertificateNotFound");
});

test("pools name certificates that are there and active", async (t) => {
  const service = await aService(t);
  const references = (poolId: string) => [
    () => service.refusal("Pool_Patch", { params: { poolId }, body: { certificateReferences: [named] } }),
    () =>
      service.refusal("Pool_UpdateProperties", {
        params: { poolId },
        body: { certificateReferences: [named], applicationPackageReferences: [], metadata: [] },
      }),
    () => service.refusal("Pool_Add", { body: aPoolBody({ id: "other", certificateReferences: [named] }) }),
  ];
  await service.call("Pool_Add", { body: aPoolBody() });
  for (const refused of references("pool1")) {
    const error = await refused();
    assert.deepEqual(
      [error.code, error.values],
      ["InvalidCertificateReferences", [{ key: named.thumbprint, value: "The specified certificate does not exist." }]],
    );
  }
  await service.call("Certificate_Add", { body: aCertificate() });
  await service.call("Certificate_Delete", { params });
  for (const refused of references("pool1")) assert.equal((await refused()).code, "InvalidCertificateReferences");
});

test("a job whose automatic pool names a certificate that is not there ends as it begins, also one of a schedule", async (t) => {
  const service = await aService(t);
  const pool = { ...aPoolBody({ certificateReferences: [named] }), id: undefined };
  const poolInfo = { autoPoolSpecification: { poolLifetimeOption: "job", pool } };
  await service.call("Job_Add", { body: { id: "early", poolInfo } });
  const { state, executionInfo } = (await service.call("Job_Get", { params: { jobId: "early" } })).body;
  assert.deepEqual([state, executionInfo.schedulingError.code], ["completed", "InvalidCertificatesInAutoPool"]);
  await service.call("JobSchedule_Add", { body: { id: "s", schedule: {}, jobSpecification: { poolInfo } } });
  const made = (await service.call("Job_Get", { params: { jobId: "s:job-1" } })).body;
  assert.equal(made.executionInfo.schedulingError.code, "InvalidCertificatesInAutoPool");
  assert.deepEqual((await service.call("Pool_List")).items, []);

  await service.call("Certificate_Add", { body: aCertificate() });
  await service.call("Job_Add", { body: { id: "late", poolInfo } });
  assert.equal((await service.call("Job_Get", { params: { jobId: "late" } })).body.state, "active");
  assert.equal((await service.call("Pool_List")).items.length, 1);
});

test("of a deletion and a pool that come at once, only one is committed", async (t) => {
  const service = await aService(t);
  await service.call("Certificate_Add", { body: aCertificate() });
  const guards = await certificateGuards(service.store, 1, [named]);
  const certificate = (await getCertificate(service.store, 1, `sha1-${thumbprint}`))!;
  await service.call("Certificate_Delete", { params });
  await assert.rejects(service.store.commit(guards), Conflict);
  const deleting = (await getCertificate(service.store, 1, certificate.key))!;
  await service.store.commit(saveCertificate({ ...deleting, state: "active" }));
  await service.call("Pool_Add", { body: aPoolBody({ certificateReferences: [named] }) });
  const before = (await getCertificate(service.store, 1, certificate.key))!;
  await assert.rejects(service.store.commit(removeCertificate(before)), Conflict);
});

test("lists: a hundred a page at most, by state and time", async (t) => {
  const service = await aService(t);
  const thumbprints = Array.from({ length: 102 }, (_, index) => index.toString(16).padStart(40, "0"));
  for (const one of thumbprints) {
    await service.call("Certificate_Add", { body: { thumbprint: one, thumbprintAlgorithm: "sha1", data: pfx, password: "p" } });
  }
  const first = await service.call("Certificate_List");
  assert.equal(first.items.length, 100);
  const rest = await service.call("Certificate_List", { page: { after: first.reply.next, limit: 1000 } });
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ thumbprint: one }) => one),
    thumbprints,
  );
  assert.equal(rest.reply.next, undefined);
  await service.call("Certificate_Delete", { params: { thumbprintAlgorithm: "sha1", thumbprint: thumbprints[7]! } });
  const listed = async (filter: string): Promise<string[]> =>
    (await service.call("Certificate_List", { filter: parseFilter(filter, filterables.Certificate_List!) })).items.map(
      (one) => one.thumbprint,
    );
  assert.deepEqual(await listed("state eq 'deleting'"), [thumbprints[7]]);
  assert.equal((await listed("state ne 'deleting' and stateTransitionTime lt DateTime'2027-01-01T00:00:00Z'")).length, 100);
  assert.throws(() => parseFilter("thumbprint eq 'a'", filterables.Certificate_List!));
});

test("every state answers every request", () => {
  const table = certificateStates.states.map((state) =>
    (["delete", "cancel"] as const).map((event) => {
      const { to, refused } = certificateStates.next(state, event);
      return to ?? refused;
    }),
  );
  assert.deepEqual(table, [
    ["deleting", "CertificateStateActive"],
    ["CertificateBeingDeleted", "CertificateBeingDeleted"],
    ["deleting", "active"],
  ]);
});
