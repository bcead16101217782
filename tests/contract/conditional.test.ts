// Conditional requests on every operation that takes them, in every form of the headers, and which operations change an ETag
// (errors-and-http.md section 5, real-behaviours.md sections 1 and 3).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import type { Answer } from "../support/signed.ts";
import { otherIds, validRequests } from "./exact-requests.ts";
import { anExactWorld, declarationOf, type ExactWorld, operationIds } from "./exact-world.ts";

const taking = (conditions: string): OperationId[] => operationIds.filter((id) => declarationOf(id).conditions === conditions);

/** What must be so before the operation would succeed. */
const before: Readonly<Partial<Record<OperationId, (world: ExactWorld) => Promise<unknown>>>> = {
  Task_Terminate: (world) => world.setTask("running"),
  Task_Update: (world) => world.setTask("active"),
  Task_Reactivate: (world) => world.setTask("failed"),
  Job_Enable: (world) => world.setJob("disabled"),
  JobSchedule_Enable: (world) => world.setSchedule("disabled"),
  Pool_DisableAutoScale: (world) => world.ask("Pool_EnableAutoScale"),
  Pool_EvaluateAutoScale: (world) => world.ask("Pool_EnableAutoScale"),
  Certificate_CancelDeletion: (world) => world.setCertificate("deletefailed"),
};

/** Where the resource that an operation acts on is read. */
const readOf = (id: OperationId): string => {
  const { path } = validRequests[id]!;
  return /^\/(?:pools|jobschedules)\/[^/]+|^\/jobs\/[^/]+(?:\/tasks\/[^/]+)?/.exec(path)![0];
};

const read = (world: ExactWorld, id: OperationId): Promise<Answer> => world.send({ method: "GET", path: readOf(id) });

const stale = "0x8D000000000000";
const year2020 = "Fri, 20 Nov 2020 07:16:09 GMT";
const year2099 = "Fri, 20 Nov 2099 07:16:09 GMT";

/** Headers that make the operation fail, and that let it pass, given the ETag and Last-Modified of what it acts on. */
const rows = (etag: string, modified: string): [headers: Record<string, string>, outcome: "passes" | "changed" | "unchanged"][] => {
  const at = new Date(modified);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const clock = `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`;
  const day = at.toUTCString().slice(0, 3);
  const month = at.toUTCString().slice(8, 11);
  const longDays: Record<string, string> = {
    Sun: "Sunday",
    Mon: "Monday",
    Tue: "Tuesday",
    Wed: "Wednesday",
    Thu: "Thursday",
    Fri: "Friday",
    Sat: "Saturday",
  };
  const rfc850 = `${longDays[day]}, ${pad(at.getUTCDate())}-${month}-${String(at.getUTCFullYear()).slice(2)} ${clock} GMT`;
  return [
    [{ "if-match": etag }, "passes"],
    [{ "if-match": `"${etag}"` }, "passes"],
    [{ "if-match": `W/"${etag}"` }, "passes"],
    [{ "if-match": etag.toLowerCase() }, "passes"],
    [{ "if-match": "*" }, "passes"],
    [{ "if-match": `${stale}, "${etag}"` }, "passes"],
    [{ "if-match": "" }, "passes"],
    [{ "if-match": stale }, "changed"],
    [{ "if-match": `"${stale}"` }, "changed"],
    [{ "if-match": `${stale}, ${stale}1` }, "changed"],
    [{ "if-none-match": stale }, "passes"],
    [{ "if-none-match": etag }, "unchanged"],
    [{ "if-none-match": `"${etag}"` }, "unchanged"],
    [{ "if-none-match": `${stale}, ${etag}` }, "unchanged"],
    [{ "if-none-match": "*" }, "unchanged"],
    [{ "if-modified-since": year2020 }, "passes"],
    [{ "if-modified-since": modified }, "unchanged"],
    [{ "if-modified-since": rfc850 }, "unchanged"],
    [{ "if-modified-since": year2099 }, "unchanged"],
    [{ "if-unmodified-since": modified }, "passes"],
    [{ "if-unmodified-since": rfc850 }, "passes"],
    [{ "if-unmodified-since": year2099 }, "passes"],
    [{ "if-unmodified-since": year2020 }, "changed"],
    // Of two in one direction the ETag decides.
    [{ "if-match": etag, "if-unmodified-since": year2020 }, "passes"],
    [{ "if-match": stale, "if-unmodified-since": year2099 }, "changed"],
    [{ "if-none-match": stale, "if-modified-since": year2099 }, "passes"],
    [{ "if-none-match": etag, "if-modified-since": year2020 }, "unchanged"],
  ];
};

test("which operations take conditions", () => {
  assert.deepEqual(
    taking("all").sort(),
    `Pool_Get Pool_Exists Pool_Delete Pool_Patch Pool_Resize Pool_StopResize Pool_RemoveNodes Pool_EnableAutoScale
     Job_Get Job_Patch Job_Update Job_Delete Job_Disable Job_Enable Job_Terminate
     JobSchedule_Get JobSchedule_Exists JobSchedule_Patch JobSchedule_Update JobSchedule_Delete JobSchedule_Disable JobSchedule_Enable
     JobSchedule_Terminate Task_Get Task_Update Task_Delete Task_Terminate Task_Reactivate Pool_UpgradeOS`
      .split(/\s+/)
      .sort(),
  );
  assert.deepEqual(
    taking("dates").sort(),
    "File_GetFromComputeNode File_GetFromTask File_GetPropertiesFromComputeNode File_GetPropertiesFromTask".split(" "),
  );
});

test("every condition, in every form, on every operation", { timeout: 300_000 }, async (t) => {
  for (const id of taking("all").filter((one) => one !== "Pool_UpgradeOS")) {
    await t.test(id, async (t) => {
      const { method } = declarationOf(id);
      const isRead = method === "GET" || method === "HEAD";
      let world = await anExactWorld(t);
      await before[id]?.(world);
      const { headers } = await read(world, id);
      const all = rows(String(headers.etag), String(headers["last-modified"]));
      const refusals = all.filter(([, outcome]) => outcome !== "passes");
      for (const [conditions, outcome] of refusals) {
        const answer = await world.ask(id, { headers: conditions });
        const wanted = isRead && outcome === "unchanged" ? 304 : 412;
        assert.equal(answer.status, wanted, JSON.stringify(conditions));
        if (wanted === 304 || method === "HEAD") assert.equal(answer.text, "");
        else assert.equal(answer.json.code, "ConditionNotMet");
        assert.equal((await read(world, id)).headers.etag, headers.etag, "a refused request changed it");
      }
      for (const [conditions] of all.filter(([, outcome]) => outcome === "passes")) {
        if (!isRead) {
          world = await anExactWorld(t);
          await before[id]?.(world);
        }
        const now = (await read(world, id)).headers.etag;
        const own = Object.fromEntries(
          Object.entries(conditions).map(([name, value]) => [name, value.replace(String(headers.etag), String(now))]),
        );
        const answer = await world.ask(id, { headers: own });
        assert.ok(answer.status < 300, `${JSON.stringify(own)}: ${answer.status} ${answer.text}`);
      }
    });
  }
});

test("conditions that contradict each other, and dates that are none", async (t) => {
  const world = await anExactWorld(t);
  for (const id of taking("all")) {
    if (declarationOf(id).method === "HEAD" || id === "Pool_UpgradeOS") continue;
    const contradictions: Record<string, string>[] = [
      { "if-match": "*", "if-none-match": stale },
      { "if-match": "*", "if-modified-since": year2020 },
      { "if-unmodified-since": year2099, "if-none-match": stale },
      { "if-unmodified-since": year2099, "if-modified-since": year2020 },
    ];
    for (const headers of contradictions) {
      const { status, json } = await world.ask(id, { headers });
      assert.deepEqual([id, status, json.code], [id, 400, "MultipleConditionHeadersNotSupported"]);
    }
    for (const name of ["If-Modified-Since", "If-Unmodified-Since"]) {
      const { status, json } = await world.ask(id, { headers: { [name]: "soon" } });
      assert.deepEqual([id, status, json.code, json.values[0].value], [id, 400, "InvalidHeaderValue", name]);
    }
  }
});

test("files take the dates only, other operations nothing", { timeout: 60_000 }, async (t) => {
  const world = await anExactWorld(t);
  for (const id of taking("dates")) {
    const status = async (headers: Record<string, string>): Promise<number> => (await world.ask(id, { headers })).status;
    const modified = String((await world.ask(id)).headers["last-modified"]);
    assert.equal(await status({ "if-modified-since": modified }), 304, id);
    assert.equal(await status({ "if-modified-since": year2020 }), 200, id);
    assert.equal(await status({ "if-unmodified-since": modified }), 200, id);
    assert.equal(await status({ "if-unmodified-since": year2020 }), 412, id);
    assert.equal(await status({ "if-match": stale, "if-none-match": "*" }), 200, id);
  }
  for (const id of taking("none").filter((one) => declarationOf(one).method === "GET")) {
    const plain = (await world.ask(id)).status;
    assert.equal((await world.ask(id, { headers: { "if-match": stale, "if-modified-since": year2099 } })).status, plain, id);
  }
});

/** What a request changes the ETag of: nothing else does, and no other ETag changes. */
const changes: Readonly<Record<string, string>> = {
  pool: "Pool_Patch Pool_UpdateProperties Pool_Resize Pool_RemoveNodes Pool_EnableAutoScale",
  job: "Job_Patch Job_Update Job_Disable Job_Enable Job_Terminate Job_Delete",
  schedule: "JobSchedule_Patch JobSchedule_Update JobSchedule_Disable JobSchedule_Enable JobSchedule_Terminate JobSchedule_Delete",
  task: "Task_Update",
};
const resources = { pool: "/pools/p", job: "/jobs/j", schedule: "/jobschedules/s", task: "/jobs/j/tasks/t" } as const;

test("an ETag changes when the service's does, and no other with it", { timeout: 120_000 }, async (t) => {
  const changedBy = new Map(
    Object.entries(changes).flatMap(([resource, ids]) => ids.split(" ").map((id): [string, string] => [id, resource])),
  );
  for (const id of operationIds) {
    await t.test(id, async (t) => {
      const world = await anExactWorld(t);
      await before[id]?.(world);
      if (id === "Pool_StopResize")
        await world.setPool({ allocationState: "resizing", resize: { startedAt: 0, timeoutAt: 1e15, option: "requeue" } });
      const etags = async (): Promise<Record<string, unknown>> => {
        const found: Record<string, unknown> = {};
        for (const [name, path] of Object.entries(resources)) {
          const { status, json, headers } = await world.send({ method: "GET", path });
          assert.equal(headers.etag, json.eTag);
          found[name] = status === 404 ? undefined : [json.eTag, json.lastModified];
        }
        return found;
      };
      const old = await etags();
      await world.clock.advance(5000);
      const { body } = validRequests[id]!;
      const answer = await world.ask(id, body === undefined ? {} : { body: { ...body, ...otherIds[id] } });
      const now = await etags();
      const gone = Object.keys(resources).filter((name) => now[name] === undefined);
      const changed = Object.keys(resources).filter(
        (name) => !gone.includes(name) && JSON.stringify(now[name]) !== JSON.stringify(old[name]),
      );
      assert.deepEqual(
        changed,
        [changedBy.get(id)].filter((one) => one !== undefined),
        `${answer.status} ${answer.text}`,
      );
      assert.deepEqual(gone, { Pool_Delete: ["pool"], Task_Delete: ["task"] }[id as string] ?? []);
      // What the answer says is what the resource then has.
      if (changed.length === 1 && answer.headers.etag !== undefined) {
        const [etag, modified] = now[changed[0]!] as [string, string];
        assert.equal(answer.headers.etag, etag);
        assert.equal(Date.parse(String(answer.headers["last-modified"])), Math.floor(Date.parse(modified) / 1000) * 1000);
      }
    });
  }
});
