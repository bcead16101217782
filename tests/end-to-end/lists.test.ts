// Lists, selections and conditional requests as any client sees them: $filter, $select, pages, ETags, echoed ids.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { startQuern } from "../support/quern.ts";

test("lists and conditions", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  const started = new Date().toISOString();
  await user.pool("p1", { targetDedicatedNodes: 3, taskSlotsPerNode: 2 });
  await user.pool("p2", { targetDedicatedNodes: 0, enableInterNodeCommunication: true, vmSize: "STANDARD_D4_V3" }, null);
  await user.pool("other", { targetDedicatedNodes: 0 }, null);
  await user.job("j1", "p1", { priority: 3, metadata: [{ name: "a", value: "b" }] });
  await user.job("j2", "p2");
  await user.job("ended", "p1");
  await user.ok("POST", "/jobs/ended/terminate");
  await user.jobIs("ended", "completed");
  const ids = Array.from({ length: 25 }, (_, n) => `t${String(n).padStart(2, "0")}`);
  await user.ok("POST", "/jobs/j1/addtaskcollection", { value: ids.map((id, n) => ({ id, commandLine: sh(`exit ${n % 3}`) })) });
  for (const id of ids) await user.taskIs("j1", id);
  await user.task("j1", "waits", "/bin/true", { requiredSlots: 9 });

  const list = async (path: string, query: Record<string, string> = {}): Promise<any[]> => {
    const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return (await user.get(`${path}${text.length === 0 ? "" : `?${text.join("&")}`}`)).value;
  };
  const idsOf = (values: any[]): string[] => values.map((value) => value.id);
  /** All pages, as a client follows them: the links are absolute and used as they are. */
  const pages = async (path: string): Promise<any[][]> => {
    const found: any[][] = [];
    let answer = await user.ok("GET", path);
    for (;;) {
      found.push(answer.json.value);
      const next: string | undefined = answer.json["odata.nextLink"];
      if (next === undefined) return found;
      assert.ok(next.startsWith(`${quern.ready.batchUrl}/`), next);
      assert.match(next, /api-version=/);
      answer = await user.ok("GET", next.slice(quern.ready.batchUrl.length), undefined, { version: null });
    }
  };

  await t.test("$filter on pools", async () => {
    const filters: [filter: string, ids: string[]][] = [
      ["startswith(id,'p')", ["p1", "p2"]],
      ["id eq 'P1'", ["p1"]],
      ["id ne 'p1' and startswith(id,'p')", ["p2"]],
      ["state eq 'active' and vmSize eq 'standard_d4_v3'", ["p2"]],
      ["enableInterNodeCommunication eq true", ["p2"]],
      ["enableAutoScale eq true", []],
      ["allocationState eq 'steady' and (id eq 'p1' or id eq 'other')", ["other", "p1"]],
      [`creationTime ge DateTime'${started}'`, ["other", "p1", "p2"]],
      [`creationTime lt DateTime'${started}' or id eq 'p2'`, ["p2"]],
    ];
    for (const [filter, wanted] of filters) assert.deepEqual(idsOf(await list("/pools", { $filter: filter })), wanted, filter);
    for (const filter of ["vmSize gt 'a'", "metadata eq 'x'", "ID eq 'p1'", "id eq p1", "state eq 'active' and", "startswith(vmSize,'s')"])
      await user.refused(400, "InvalidQueryParameterValue", "GET", `/pools?$filter=${encodeURIComponent(filter)}`);
  });

  await t.test("$filter on nodes", async () => {
    assert.equal((await list("/pools/p1/nodes", { $filter: "state eq 'idle'" })).length, 3);
    assert.equal((await list("/pools/p1/nodes", { $filter: "state eq 'offline'" })).length, 0);
    assert.equal((await list("/pools/p1/nodes", { $filter: `allocationTime ge DateTime'${started}'` })).length, 3);
    const [first] = await user.nodes("p1");
    await user.ok("POST", `/pools/p1/nodes/${first.id}/disablescheduling`);
    await user.seen(`/pools/p1/nodes/${first.id}`, (view: any) => view.state === "offline");
    assert.deepEqual(idsOf(await list("/pools/p1/nodes", { $filter: "state eq 'offline'" })), [first.id]);
    assert.equal((await list("/pools/p1/nodes", { $filter: "state ne 'offline'" })).length, 2);
    await user.ok("POST", `/pools/p1/nodes/${first.id}/enablescheduling`);
  });

  await t.test("$filter on jobs", async () => {
    const filters: [filter: string, ids: string[]][] = [
      ["state eq 'completed'", ["ended"]],
      ["state ne 'completed'", ["j1", "j2"]],
      ["executionInfo/poolId eq 'p1'", ["ended", "j1"]],
      ["startswith(executionInfo/poolId,'p') and startswith(id,'j')", ["j1", "j2"]],
      [`executionInfo/endTime gt DateTime'${started}'`, ["ended"]],
      ["id ge 'j2'", ["j2"]],
    ];
    for (const [filter, wanted] of filters) assert.deepEqual(idsOf(await list("/jobs", { $filter: filter })), wanted, filter);
    await user.refused(400, "InvalidQueryParameterValue", "GET", "/jobs?$filter=priority%20eq%203");
  });

  await t.test("$filter on tasks", async () => {
    const exited = (code: number): string[] => ids.filter((_, n) => n % 3 === code);
    const filters: [filter: string, ids: string[]][] = [
      ["state eq 'active'", ["waits"]],
      ["executionInfo/exitCode eq 2", exited(2)],
      ["executionInfo/exitCode ge 1 and executionInfo/exitCode lt 2", exited(1)],
      ["executionInfo/result eq 'Success'", exited(0)],
      ["executionInfo/result eq 'failure' and id le 't04'", ["t01", "t02", "t04"]],
      [`executionInfo/startTime lt DateTime'${started}'`, []],
      ["startswith(id,'T0') and state eq 'completed'", ids.slice(0, 10)],
    ];
    for (const [filter, wanted] of filters) assert.deepEqual(idsOf(await list("/jobs/j1/tasks", { $filter: filter })), wanted, filter);
  });

  await t.test("$select gives those properties and no others; the ETag header stays", async () => {
    const pool = await user.ok("GET", "/pools/p1?$select=id,%20state");
    assert.deepEqual(pool.json, { "odata.metadata": `${quern.ready.batchUrl}/$metadata#pools/@Element`, id: "p1", state: "active" });
    assert.match(String(pool.headers.etag), /^0x8/);
    assert.deepEqual(await list("/pools", { $select: "id" }), [{ id: "other" }, { id: "p1" }, { id: "p2" }]);
    const [node] = await list("/pools/p1/nodes", { $select: "state,vmSize", maxresults: "1" });
    assert.deepEqual(Object.keys(node).sort(), ["state", "vmSize"]);
    assert.deepEqual(await list("/jobs", { $select: "priority,id", $filter: "id eq 'j1'" }), [{ id: "j1", priority: 3 }]);
    const tasks = await list("/jobs/j1/tasks", { $select: "executionInfo", $filter: "id eq 't01'" });
    assert.deepEqual([Object.keys(tasks[0]), tasks[0].executionInfo.exitCode], [["executionInfo"], 1]);
    assert.deepEqual(await list("/jobs/j1/tasks", { $select: "id,executionInfo/exitCode", maxresults: "1" }), [
      { id: "t00", executionInfo: { exitCode: 0 } },
    ]);
    for (const path of ["/pools?$select=nonsense", "/jobs/j1?$select=ID"])
      await user.refused(400, "InvalidQueryParameterValue", "GET", path);
    await user.ok("GET", "/jobs/j1?$expand=stats&$select=id,state");
    await user.refused(400, "InvalidQueryParameterValue", "GET", "/jobs/j1?$expand=everything");
  });

  await t.test("maxresults and odata.nextLink, with what was asked kept", async () => {
    const all = [...ids, "waits"];
    for (const size of [1, 7, 26, 1000]) {
      const found = await pages(`/jobs/j1/tasks?maxresults=${size}`);
      assert.deepEqual(idsOf(found.flat()), all);
      assert.ok(found.every((page) => page.length <= size));
    }
    const filtered = await pages(`/jobs/j1/tasks?maxresults=2&$select=id&$filter=${encodeURIComponent("executionInfo/exitCode eq 1")}`);
    assert.deepEqual(
      filtered.flat(),
      ids.filter((_, n) => n % 3 === 1).map((id) => ({ id })),
    );
    assert.deepEqual(idsOf((await pages("/pools?maxresults=1")).flat()), ["other", "p1", "p2"]);
    assert.deepEqual(idsOf((await pages("/jobs?maxresults=2")).flat()), ["ended", "j1", "j2"]);
    const nodes = idsOf((await pages("/pools/p1/nodes?maxresults=2")).flat());
    assert.deepEqual(nodes, [...nodes].sort());
    assert.equal(nodes.length, 3);
    assert.ok((await pages("/supportedimages?maxresults=10")).length > 1);
    assert.equal((await pages("/nodecounts?maxresults=1")).flat().length, 3);
    for (const value of ["0", "1001", "x"]) await user.refused(400, "InvalidQueryParameterValue", "GET", `/pools?maxresults=${value}`);
    await user.refused(400, "InvalidQueryParameterValue", "GET", "/pools?$skiptoken=%21");
  });

  await t.test("conditions: 304 for what has not changed, 412 for what has", async () => {
    for (const path of ["/pools/p2", "/jobs/j2", "/jobs/j1/tasks/t00"]) {
      const { etag, "last-modified": modified } = (await user.ok("GET", path)).headers as Record<string, string>;
      const status = async (method: string, headers: Record<string, string>): Promise<number> =>
        (await user.raw({ method, path, headers })).status;
      assert.equal(await status("GET", { "if-none-match": etag! }), 304, path);
      assert.equal(await status("GET", { "if-none-match": `"${etag}"` }), 304, path);
      assert.equal(await status("GET", { "if-none-match": "0x8D000000000" }), 200);
      assert.equal(await status("GET", { "if-modified-since": modified! }), 304);
      assert.equal(await status("GET", { "if-modified-since": "Fri, 20 Nov 2020 07:16:09 GMT" }), 200);
      assert.equal(await status("GET", { "if-match": etag! }), 200);
      assert.equal(await status("GET", { "if-match": "*" }), 200);
      assert.equal(await status("GET", { "if-match": "0x8D000000000" }), 412);
      assert.equal(await status("DELETE", { "if-match": "0x8D000000000" }), 412);
      assert.equal(await status("DELETE", { "if-unmodified-since": "Fri, 20 Nov 2020 07:16:09 GMT" }), 412);
      assert.equal(await status("DELETE", { "if-none-match": "*" }), 412);
    }
    const first = await user.ok("GET", "/jobs/j2");
    const condition = { headers: { "if-match": String(first.headers.etag) } };
    const patched = await user.ok("PATCH", "/jobs/j2", { priority: 1 }, condition);
    const stale = await user.raw({ method: "PATCH", path: "/jobs/j2", body: { priority: 2 }, ...condition });
    assert.deepEqual([stale.status, stale.json.code], [412, "ConditionNotMet"]);
    const now = await user.ok("GET", "/jobs/j2");
    assert.deepEqual([now.json.priority, now.headers.etag, now.json.eTag], [1, patched.headers.etag, patched.headers.etag]);
    assert.equal((await user.raw({ method: "HEAD", path: "/pools/p2" })).status, 200);
    assert.equal((await user.raw({ method: "HEAD", path: "/pools/none" })).status, 404);
  });

  await t.test("client-request-id comes back when asked for", async () => {
    const id = "9b3d8a8e-2f07-4e0c-9d0b-111111111111";
    const ask = async (headers: Record<string, string>, path = "/pools"): Promise<unknown> =>
      (await user.raw({ method: "GET", path, headers: { "client-request-id": id, ...headers } })).headers["client-request-id"];
    assert.equal(await ask({ "return-client-request-id": "true" }), id);
    assert.equal(await ask({ "return-client-request-id": "True" }, "/pools/none"), id);
    assert.equal(await ask({ "return-client-request-id": "false" }), undefined);
    assert.equal(await ask({}), undefined);
    const { headers } = await user.raw({ method: "GET", path: "/pools" });
    assert.match(String(headers["request-id"]), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(headers["strict-transport-security"], undefined);
  });
});
