// The file API on tasks and nodes: lists, reading whole and in part, properties, deleting, and names that need escaping.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("files", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  await user.pool("p");
  await user.job("j", "p");
  await user.task(
    "j",
    "t",
    sh(
      `printf 0123456789 >digits.txt; mkdir -p sub/deep empty; echo a >sub/a.txt; echo b >sub/deep/b.txt; : >none.bin; printf "\\\\000\\\\001" >raw.bin; ` +
        `echo odd >"a b%41+c#d?e&f.txt"; echo ü >ünïcode.txt; ln -s /etc/passwd link; ln -s .. up; chmod 640 digits.txt; echo out`,
    ),
  );
  await user.taskIs("j", "t");
  const files = "/jobs/j/tasks/t/files";
  const [node] = await user.nodes("p");
  const ofNode = `/pools/p/nodes/${node.id}/files`;
  const names = (list: any): string[] => list.value.map((file: any) => file.name);
  const everything = [
    "stderr.txt",
    "stdout.txt",
    "wd",
    "wd/a b%41+c#d?e&f.txt",
    "wd/digits.txt",
    "wd/empty",
    "wd/link",
    "wd/none.bin",
    "wd/raw.bin",
    "wd/sub",
    "wd/sub/a.txt",
    "wd/sub/deep",
    "wd/sub/deep/b.txt",
    "wd/up",
    "wd/ünïcode.txt",
  ];

  const rootOf = async (): Promise<string> => {
    await user.task("k", "root", sh("echo $AZ_BATCH_NODE_ROOT_DIR"));
    await user.taskIs("k", "root");
    const own = (await user.file("k", "root", "stdout.txt")).trim();
    return `${own.slice(0, own.lastIndexOf("/"))}/${node.id}`;
  };

  await t.test("the direct children, and recursively everything once", async () => {
    assert.deepEqual(names(await user.get(files)), ["stderr.txt", "stdout.txt", "wd"]);
    const all = await user.get(`${files}?recursive=true`);
    const listed = names(all).filter((name) => name !== "wd/link" && name !== "wd/up");
    assert.deepEqual(listed.sort(), everything.filter((name) => name !== "wd/link" && name !== "wd/up").sort());
    const byName = new Map<string, any>(all.value.map((file: any) => [file.name, file]));
    const digits = byName.get("wd/digits.txt");
    assert.deepEqual([digits.isDirectory, digits.properties.contentLength, digits.properties.fileMode], [false, "10", "0o100640"]);
    assert.equal(digits.url, `${quern.ready.batchUrl}${files}/wd/digits.txt`);
    assert.deepEqual([byName.get("wd").isDirectory, byName.get("wd").properties], [true, undefined]);
  });

  await t.test("page by page it is the same list", async () => {
    const all = names(await user.get(`${files}?recursive=true`));
    const paged: string[] = [];
    let next: string | undefined = `${files}?recursive=true&maxresults=1`;
    while (next !== undefined) {
      const page: any = (await user.ok("GET", next, undefined, next.includes("api-version=") ? { version: null } : {})).json;
      assert.ok(page.value.length <= 1);
      paged.push(...names(page));
      next = page["odata.nextLink"]?.replace(quern.ready.batchUrl, "");
    }
    assert.deepEqual(paged, all);
  });

  await t.test("$filter knows startswith of name and nothing else", async () => {
    const filtered = await user.get(`${files}?recursive=true&$filter=${encodeURIComponent("startswith(name,'wd/sub/')")}`);
    assert.deepEqual(names(filtered), ["wd/sub/a.txt", "wd/sub/deep", "wd/sub/deep/b.txt"]);
    const either = encodeURIComponent("startswith(name,'std') or startswith(name,'wd/d')");
    assert.deepEqual(names(await user.get(`${files}?recursive=true&$filter=${either}`)), ["stderr.txt", "stdout.txt", "wd/digits.txt"]);
    await user.refused(400, "InvalidQueryParameterValue", "GET", `${files}?$filter=${encodeURIComponent("name eq 'wd'")}`);
    await user.refused(400, "InvalidQueryParameterValue", "GET", `${files}?$filter=${encodeURIComponent("startswith(url,'w')")}`);
  });

  await t.test("ranges are answered with 200", async () => {
    const ranges: [range: string, status: number, text: string][] = [
      ["bytes=2-4", 200, "234"],
      ["bytes=0-0", 200, "0"],
      ["bytes=7-", 200, "789"],
      ["bytes=8-100", 200, "89"],
    ];
    for (const [range, status, text] of ranges) {
      const answer = await user.raw({ method: "GET", path: `${files}/wd/digits.txt`, headers: { "ocp-range": range } });
      assert.deepEqual([range, answer.status, answer.text], [range, status, text]);
    }
    for (const range of ["bytes=10-12", "bytes=4-2", "bytes=x-y", "lines=1-2", "bytes=0-1,4-5"]) {
      const answer = await user.raw({ method: "GET", path: `${files}/wd/digits.txt`, headers: { "ocp-range": range } });
      assert.ok(answer.status === 416 || answer.status === 400, `${range}: ${answer.status} ${answer.text}`);
    }
  });

  await t.test("properties as headers", async () => {
    const head = await user.ok("HEAD", `${files}/wd/digits.txt`);
    assert.deepEqual(
      [
        head.headers["content-length"],
        head.headers["content-type"],
        head.headers["ocp-batch-file-isdirectory"],
        head.headers["ocp-batch-file-mode"],
      ],
      ["10", "text/plain", "False", "0o100640"],
    );
    assert.equal(decodeURIComponent(String(head.headers["ocp-batch-file-url"])), `${quern.ready.batchUrl}${files}/wd/digits.txt`);
    assert.deepEqual([head.headers.etag, head.headers["ocp-creation-time"], head.text], [undefined, undefined, ""]);
    assert.equal((await user.ok("HEAD", `${files}/wd/raw.bin`)).headers["content-type"], "application/octet-stream");
    assert.equal((await user.ok("HEAD", `${files}/wd/none.bin`)).headers["content-length"], "0");
    assert.equal((await user.ok("HEAD", `${files}/wd/sub`)).headers["ocp-batch-file-isdirectory"], "True");
    const since = { "if-modified-since": String(head.headers["last-modified"]) };
    assert.equal((await user.raw({ method: "GET", path: `${files}/wd/digits.txt`, headers: since })).status, 304);
    const unmodified = { "if-unmodified-since": "Fri, 20 Nov 2020 07:16:09 GMT" };
    assert.equal((await user.raw({ method: "GET", path: `${files}/wd/digits.txt`, headers: unmodified })).status, 412);
    assert.equal((await user.raw({ method: "HEAD", path: `${files}/wd/missing` })).status, 404);
  });

  await t.test("names with every kind of character, escaped or as they are", async () => {
    const odd = "wd/a b%41+c#d?e&f.txt";
    assert.equal((await user.ok("GET", `${files}/${encodeURIComponent(odd)}`)).text, "odd\n");
    assert.equal((await user.ok("GET", `${files}/${odd.split("/").map(encodeURIComponent).join("/")}`)).text, "odd\n");
    assert.equal((await user.ok("GET", `${files}/${encodeURIComponent("wd/ünïcode.txt")}`)).text, "ü\n");
    assert.equal((await user.ok("GET", `${files}/wd%5Csub%5Ca.txt`)).text, "a\n");
    assert.equal((await user.ok("GET", `${ofNode}/workitems/j/job-1/t/wd/digits.txt`)).text, "0123456789");
    const listed = await user.get(`${files}?recursive=true&$filter=${encodeURIComponent("startswith(name,'wd/a b')")}`);
    assert.equal((await user.ok("GET", new URL(listed.value[0].url).pathname)).text, "odd\n");
  });

  await t.test("neither links nor dots lead out", async () => {
    for (const path of [
      "wd/link",
      "wd/up/../../../../../../etc/passwd",
      "..%2Fother",
      "wd%2F..%2F..%2F..%2F..%2F..%2Fstate",
      "%2Fetc%2Fpasswd",
    ]) {
      const answer = await user.raw({ method: "GET", path: `${files}/${path}` });
      assert.equal(answer.status, 404, `${path}: ${answer.text}`);
      assert.equal((await user.raw({ method: "DELETE", path: `${files}/${path.replace("wd/link", "wd/none")}` })).status, 404, path);
    }
    for (const path of ["..%2Fstate", "workitems/j/job-1/t/wd/link", "../../quern.db", "shared%2F..%2F..%2F..%2Fagent-id"]) {
      const answer = await user.raw({ method: "GET", path: `${ofNode}/${path}` });
      assert.equal(answer.status, 404, `${path}: ${answer.text}`);
    }
  });

  await t.test("delete: files, directories only with recursive", async () => {
    assert.equal((await user.ok("DELETE", `${files}/wd/sub/a.txt`)).status, 200);
    await user.refused(404, "FileNotFound", "GET", `${files}/wd/sub/a.txt`);
    await user.refused(404, "FileNotFound", "DELETE", `${files}/wd/sub/a.txt`);
    await user.refused(409, "OperationInvalidForCurrentState", "DELETE", `${files}/wd/sub`);
    await user.ok("DELETE", `${files}/wd/sub?recursive=true`);
    await user.ok("DELETE", `${files}/wd/empty`);
    await user.ok("DELETE", `${ofNode}/workitems/j/job-1/t/wd/raw.bin`);
    const left = names(await user.get(`${files}?recursive=true`));
    for (const name of ["wd/sub", "wd/empty", "wd/raw.bin"]) assert.ok(!left.includes(name), name);
  });

  await t.test("a node's own tree", async () => {
    assert.deepEqual(names(await user.get(ofNode)), ["applications", "fsmounts", "shared", "startup", "volatile", "workitems"]);
    const all = names(await user.get(`${ofNode}?recursive=true`));
    for (const name of ["workitems/j", "workitems/j/job-1", "workitems/j/job-1/t", "workitems/j/job-1/t/stdout.txt"])
      assert.ok(all.includes(name), name);
    await user.refused(404, "FileNotFound", "GET", `${ofNode}/startup/stdout.txt`);
    await user.refused(404, "NodeNotFound", "GET", "/pools/p/nodes/tvmps_0_d/files");
  });

  await t.test("a running task's output grows under the reader's eyes; an active one has none", async () => {
    await user.task("j", "grows", sh("echo one; while [ ! -e two ]; do sleep 0.02; done; echo two; exec sleep 600"));
    await user.fileSays("j", "grows", "stdout.txt", /^one\n$/);
    const path = "/jobs/j/tasks/grows/files/stdout.txt";
    assert.equal((await user.ok("HEAD", path)).headers["content-length"], "4");
    await user.pool("q");
    await user.job("k", "q");
    await user.task("k", "touch", sh(`touch ${await rootOf()}/workitems/j/job-1/grows/wd/two`));
    await until(
      async () => (await user.ok("HEAD", path)).headers["content-length"],
      (length) => length === "8",
    );
    assert.equal((await user.ok("GET", path, undefined, { headers: { "ocp-range": "bytes=4-7" } })).text, "two\n");
    await user.task("j", "active", "/bin/true");
    const refusal = await user.refused(409, "OperationInvalidForCurrentState", "GET", "/jobs/j/tasks/active/files");
    assert.match(refusal.json.values[0].value, /task state is still active/);
    await user.ok("POST", "/jobs/j/tasks/grows/terminate");
    assert.equal((await user.ok("GET", path)).text, "one\ntwo\n");
    await user.taskIs("j", "active");
  });
});
