// Spoilt requests to every operation of the management plane's documents on a real server: their examples, with what they need built, and something
// changed. Never a 5xx, never a hang, never an error of another shape; and afterwards the server and its database are well.
// Seeded and bounded; QUERN_FUZZ_SEED and QUERN_FUZZ_RUNS choose other requests and more of them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../src/lib/clock.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { resourceSanityCheck } from "../../src/store/sanity-check-resources.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { armRequest } from "../support/arm.ts";
import { managementExamples } from "../support/management-documents.ts";
import { managementRequest } from "../support/management-request.ts";
import { worldArguments } from "../support/management-world/world.ts";
import { managementWorld } from "../support/management-world.ts";
import { mutations } from "../support/mutations.ts";
import { newLocation, type Quern, startQuern } from "../support/quern.ts";
import type { Answer, RawRequest } from "../support/signed.ts";

const seed = Number(process.env.QUERN_FUZZ_SEED ?? 20_261_120);
const runs = Number(process.env.QUERN_FUZZ_RUNS ?? 600);
const longestMs = 20_000;

type Named = { name: string; request: RawRequest };

const validRequests = async (quern: Quern): Promise<Named[]> => {
  const { prepare } = managementWorld(quern);
  const requests: Named[] = [];
  for (const example of managementExamples()) {
    const { method, path, body } = managementRequest(example, await prepare(example), quern.ready.subscriptionId);
    const plain = path.replace(/[?&]api-version=[^&]*/, "").replace(/\?$/, "");
    requests.push({
      name: example.name,
      request: { method, path: plain, version: example.version, ...(body === undefined ? {} : { body }) },
    });
  }
  return requests;
};

const send = async (quern: Quern, { sign, ...request }: RawRequest): Promise<Answer | undefined> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error("no answer in time")), longestMs);
  });
  try {
    return await Promise.race([armRequest(quern, { ...request, ...(sign === "none" ? { token: null } : {}) }), late]);
  } catch (error) {
    // What Node's own client does not send, the server never sees.
    if (
      ["ERR_UNESCAPED_CHARACTERS", "ERR_INVALID_CHAR", "ERR_HTTP_INVALID_HEADER_VALUE", "ERR_TLS_CERT_ALTNAME_INVALID"].includes(
        (error as { code: string }).code,
      )
    )
      return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
};

const checkShape = ({ method }: RawRequest, { status, json, text, headers }: Answer): void => {
  // The real service's own answer to enabling automatic scaling again too soon.
  const known = json?.error?.code === "TooManyEnableAutoScaleRequests";
  assert.ok((status >= 200 && status < 500) || known, `${status} ${text.slice(0, 300)}`);
  if (method === "HEAD" || status < 400) return;
  assert.match(String(headers["content-type"]), /^application\/json/);
  const { code, message } = json?.error ?? json ?? {};
  // The data plane answers what is not ARM's any more once its path is spoilt.
  assert.equal(typeof code, "string", text.slice(0, 300));
  assert.ok(typeof message === "string" || typeof message?.value === "string", text.slice(0, 300));
};

test("spoilt requests to the management plane", { timeout: 200_000 }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location, args: worldArguments });
  const valid = await validRequests(quern);
  const statuses = new Map<number, number>();
  const failures: string[] = [];
  await fc.assert(
    fc.asyncProperty(fc.nat(valid.length - 1), mutations, async (which, mutate) => {
      const { name, request } = valid[which]!;
      const spoilt = mutate(request);
      try {
        const answer = await send(quern, spoilt);
        if (answer === undefined) return;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        checkShape(spoilt, answer);
      } catch (error) {
        failures.push(`${name}: ${JSON.stringify(spoilt).slice(0, 600)}: ${(error as Error).message.slice(0, 500)}`);
      }
    }),
    { seed, numRuns: runs, interruptAfterTimeLimit: 100_000 },
  );
  t.diagnostic([...statuses].map(([status, count]) => `${count} times ${status}`).join(", "));
  assert.deepEqual(failures, []);
  const ready = await quern.raw({ method: "GET", path: "/readyz", version: null, sign: "none" });
  assert.equal(ready.status, 200, ready.text);
  assert.equal(await quern.stop(), 0);
  const store = await openSqlite({ file: join(location, "quern.db"), clock: systemClock() });
  t.after(() => store.close());
  assert.deepEqual([...(await sanityCheck(store)), ...(await resourceSanityCheck(store))], []);
});
