// Every example of the official documents, sent to a real server after what it needs was built. Those that cannot be sent, or cannot
// succeed here, have their reason in tests/support/example-world.ts; everything else answers the status of its document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseline } from "../../src/api/versions.ts";
import { exampleWorld, refusalOf } from "../support/example-world.ts";
import { type ExampleFolder, readExamples } from "../support/examples.ts";
import { startQuern } from "../support/quern.ts";
import { sendExample } from "../support/send-example.ts";

for (const folder of ["batch-data-plane", "batch-data-plane-typespec"] as ExampleFolder[]) {
  test(`examples of ${folder}`, { timeout: 180_000 }, async (t) => {
    const quern = await startQuern(t, { args: ["--storage", "none"] });
    const world = await exampleWorld(quern);
    const { examples, undeclared } = readExamples(folder);
    if (undeclared.length > 0) t.diagnostic(`not declared: ${undeclared.join(", ")}`);
    const wrong: string[] = [];
    for (const example of examples) {
      const expected = refusalOf(example, baseline);
      const { answer, method, url } = await sendExample(world, example, baseline);
      await world.tidy();
      const fine = expected === undefined ? answer.status === example.operation.answer.status : answer.json?.code === expected;
      if (!fine) wrong.push(`${example.name}: ${method} ${url}: ${answer.status} ${answer.text.slice(0, 400)}`);
    }
    t.diagnostic(`${examples.length} examples sent`);
    assert.ok(examples.length >= 50);
    assert.deepEqual(wrong, []);
  });
}
