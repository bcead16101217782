// Certificates from outside, by an unmodified client and by the forms of their address that clients have sent over the years.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { batchUser } from "../support/batch-user.ts";
import { newLocation, startQuern, until } from "../support/quern.ts";

test("certificates", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  // The server's own certificate authority is a certificate like any other.
  const certificate = new X509Certificate(readFileSync(join(quern.location, "tls/ca.pem")));
  const thumbprint = certificate.fingerprint.replaceAll(":", "").toLowerCase();
  const path = `/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`;
  const body = { thumbprint, thumbprintAlgorithm: "sha1", data: certificate.raw.toString("base64"), certificateFormat: "cer" };

  await t.test("an unmodified client adds, lists, reads and deletes one", async () => {
    const { certificate: client } = quern.client();
    const added = await client.add(body as Parameters<typeof client.add>[0]);
    assert.match(added.dataServiceId ?? "", new RegExp(`/certificates\\(ThumbprintAlgorithm=sha1,Thumbprint=${thumbprint}\\)$`));
    assert.deepEqual(
      (await client.list()).map((one) => one.thumbprint),
      [thumbprint],
    );
    const seen = await client.get("sha1", thumbprint);
    assert.deepEqual([seen.state, seen.url?.endsWith(path), seen.publicData], ["active", true, body.data]);
    await assert.rejects(client.cancelDeletion("sha1", thumbprint), { code: "CertificateStateActive" });
    await assert.rejects(client.add(body as Parameters<typeof client.add>[0]), { code: "CertificateExists" });
    await client.deleteMethod("sha1", thumbprint);
    assert.equal((await client.get("sha1", thumbprint)).state, "deleting");
    await assert.rejects(client.cancelDeletion("sha1", thumbprint), { code: "CertificateBeingDeleted" });
    await until(
      () => user.raw({ method: "GET", path }),
      ({ status, json }) => status === 404 && json.code === "CertificateNotFound",
    );
  });

  await t.test("its address may be escaped, in upper case, and as Location writes it", async () => {
    const { headers } = await user.ok("POST", "/certificates", body);
    const location = new URL(String(headers.location)).pathname;
    for (const form of [
      path,
      location,
      `/certificates(thumbprintAlgorithm=SHA1,thumbprint=${thumbprint.toUpperCase()})`,
      `/certificates%28thumbprintAlgorithm%3Dsha1%2Cthumbprint%3D${thumbprint}%29`,
      `/certificates(thumbprintAlgorithm=sha1%2cthumbprint=${thumbprint})`,
    ]) {
      assert.equal((await user.get(form)).thumbprint, thumbprint, form);
    }
    assert.deepEqual(Object.keys(await user.get(`${path}?$select=state`)), ["odata.metadata", "state"]);
    await user.refused(404, "ResourceNotFound", "GET", `/certificates(thumbprint=${thumbprint})`);
    assert.equal((await user.raw({ method: "GET", path, version: "2025-06-01" })).status, 404);
  });

  await t.test("a pool that names it keeps it", async () => {
    const reference = { thumbprint, thumbprintAlgorithm: "sha1", storeLocation: "currentuser", visibility: ["task"] };
    const unknown = { ...reference, thumbprint: "00".repeat(20) };
    const refused = (certificateReferences: unknown[]) =>
      user.refused(400, "InvalidCertificateReferences", "PATCH", "/pools/p", { certificateReferences });
    await user.pool("p", { targetDedicatedNodes: 0 }, null);
    await refused([unknown]);
    await user.ok("PATCH", "/pools/p", { certificateReferences: [reference] });
    assert.equal((await user.get("/pools/p")).certificateReferences[0].thumbprint, thumbprint);
    assert.equal((await user.ok("DELETE", path)).status, 202);
    const failed = await user.seen(path, (view: any) => view.state === "deletefailed");
    assert.deepEqual(failed.deleteCertificateError.values, [{ name: "Pools", value: "p" }]);
    assert.equal((await user.get("/certificates?$filter=state%20eq%20'deletefailed'")).value.length, 1);
    assert.equal((await user.ok("POST", `${path}/canceldelete`)).status, 204);
    await user.ok("DELETE", "/pools/p");
    await user.gone("/pools/p");
    await user.ok("DELETE", path);
    await user.gone(path);
  });
});

test("a deletion that was begun ends after the server was killed", { timeout: 60_000 }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { args: ["--storage", "none"], location });
  const user = batchUser(quern);
  const certificate = new X509Certificate(readFileSync(join(location, "tls/ca.pem")));
  const thumbprint = certificate.fingerprint.replaceAll(":", "").toLowerCase();
  const path = `/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`;
  await user.ok("POST", "/certificates", { thumbprint, thumbprintAlgorithm: "sha1", data: certificate.raw.toString("base64") });
  await user.ok("DELETE", path);
  await quern.kill();
  const again = await startQuern(t, { args: ["--storage", "none"], location });
  await batchUser(again).gone(path);
});
