// Whole templates: parameters, variables, the order of resources, what each needs of others, outputs, and the refusals of what is wrong with them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { bodyOf, type Known, outputsOf, type Prepared, prepare, shownParameters } from "./deploy.ts";
import { TemplateError } from "./errors.ts";
import { NotYet, type Place } from "./scope.ts";
import type { Value } from "./values.ts";

const subscriptionId = "51756572-6e00-4000-8000-000000000001";
const group = `/subscriptions/${subscriptionId}/resourceGroups/rg`;
const place: Place = {
  subscription: { id: `/subscriptions/${subscriptionId}`, subscriptionId },
  tenant: {},
  resourceGroup: { id: group, name: "rg", location: "eastus" },
  deployment: { name: "main" },
  environment: {},
};
const fresh = { now: Date.UTC(2026, 10, 20, 13, 5), newGuid: () => "00000000-0000-4000-8000-000000000000" };

const prepared = (template: object, parameters?: object): Prepared => prepare(template, parameters as Value, place, fresh);
const pool = (name: string, more: object = {}) => ({
  type: "Microsoft.Batch/batchAccounts/pools",
  apiVersion: "2024-07-01",
  name,
  ...more,
});
const storage = (name: string, more: object = {}) => ({
  type: "Microsoft.Storage/storageAccounts",
  apiVersion: "2023-01-01",
  name,
  ...more,
});
const nothing: Known = { deployed: new Set(), answers: new Map() };
const names = ({ resources }: Prepared) => resources.map(({ name }) => name);
const waits = ({ resources }: Prepared) =>
  Object.fromEntries(resources.map(({ name, dependsOn }) => [name, dependsOn.map((key) => key.split("/").at(-1)).sort()]));

test("parameters: given, by default, secure, fresh", () => {
  const template = {
    parameters: {
      name: { type: "string", minLength: 2, maxLength: 8 },
      key: { type: "securestring" },
      upper: { type: "String", defaultValue: "[toUpper(parameters('name'))]" },
      at: { type: "string", defaultValue: "[utcNow('yyyy-MM-dd')]" },
      id: { type: "string", defaultValue: "[newGuid()]" },
      size: { $ref: "#/definitions/size" },
      maybe: { type: "string", nullable: true },
    },
    definitions: { size: { type: "int", allowedValues: [1, 2] } },
    resources: [],
  };
  const { parameters } = prepared(template, { NAME: { value: "abc" }, key: { value: "secret" }, size: { value: 2 } });
  assert.deepEqual(shownParameters(parameters), {
    name: { type: "String", value: "abc" },
    key: { type: "SecureString" },
    upper: { type: "String", value: "ABC" },
    at: { type: "String", value: "2026-11-20" },
    id: { type: "String", value: fresh.newGuid() },
    size: { type: "Int", value: 2 },
    maybe: { type: "String", value: null },
  });
});

test("variables: copies, variables of variables", () => {
  const template = {
    variables: {
      copy: [{ name: "ports", count: 3, input: "[add(variables('base'), copyIndex('ports'))]" }],
      base: 8000,
      all: { sum: "[reduce(variables('ports'), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]" },
    },
    resources: [],
    outputs: { sum: { type: "int", value: "[variables('ALL').sum]" }, none: { condition: false, type: "string", value: "[nope()]" } },
  };
  assert.deepEqual(outputsOf(prepared(template), nothing), { sum: { type: "Int", value: 24_003 } });
});

test("order: ids, names, copies, children, serial batches, conditions", () => {
  const template = {
    resources: [
      storage("first"),
      storage("left", { condition: "[equals(1, 2)]" }),
      {
        type: "Microsoft.Batch/batchAccounts",
        apiVersion: "2024-07-01",
        name: "acc",
        dependsOn: ["[resourceId('Microsoft.Storage/storageAccounts', 'first')]", "Microsoft.Storage/storageAccounts/left"],
        resources: [{ type: "applications", apiVersion: "2024-07-01", name: "app", dependsOn: ["first"] }],
      },
      pool("[format('acc/p{0}', copyIndex())]", { copy: { name: "pools", count: 4, mode: "serial", batchSize: 2 } }),
      storage("last", { dependsOn: ["pools"] }),
    ],
  };
  assert.deepEqual(waits(prepared(template)), {
    first: [],
    acc: ["first"],
    "acc/app": ["acc", "first"],
    "acc/p0": ["acc"],
    "acc/p1": ["acc"],
    "acc/p2": ["acc"],
    "acc/p3": ["acc"],
    last: ["p0", "p1", "p2", "p3"],
  });
  const { resources, batches } = prepared(template);
  const first = resources.filter(({ name }) => /p[01]$/.test(name)).map(({ key }) => key);
  for (const { name, after } of resources)
    assert.deepEqual(after === undefined ? undefined : batches.get(after), /p[23]$/.test(name) ? first : undefined, name);
});

test("symbolic names: an object of resources, copies, what exists", () => {
  const template = {
    languageVersion: "2.0",
    resources: {
      old: { existing: true, ...storage("old"), resourceGroup: "other" },
      stg: storage("[format('s{0}', copyIndex())]", { copy: { name: "stg", count: 2 } }),
      acc: {
        type: "Microsoft.Batch/batchAccounts",
        apiVersion: "2024-07-01",
        name: "acc",
        properties: { id: "[resourceInfo('stg[1]').id]", of: "[reference('old').kept]" },
        dependsOn: ["stg", "old"],
      },
      p: pool("acc/p", { dependsOn: ["acc", "[format('stg[{0}]', 0)]"] }),
    },
  };
  const ready = prepared(template);
  assert.deepEqual(waits(ready), { old: [], s0: [], s1: [], acc: ["s0", "s1"], "acc/p": ["acc", "s0"] });
  const acc = ready.resources.find(({ name }) => name === "acc")!;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/other/providers/Microsoft.Storage/storageAccounts/old`;
  const needs = { kind: "resource", key: `GET ${id.toLowerCase()} 2023-01-01`, id, apiVersion: "2023-01-01" };
  assert.throws(
    () => bodyOf(ready, acc, nothing),
    (error) => error instanceof NotYet && isDeepStrictEqual(error.needs, needs),
  );
  const known = { deployed: new Set<string>(), answers: new Map([[needs.key, { properties: { kept: 7 } }]]) };
  assert.deepEqual(bodyOf(ready, acc, known), { properties: { id: `${group}/providers/Microsoft.Storage/storageAccounts/s1`, of: 7 } });
});

test("reference and list wait for what they name, outputs hide what is secure", () => {
  const template = {
    resources: [storage("s", { sku: { name: "Standard_LRS" }, tags: { "[concat('a', 'b')]": "[[x]" } })],
    outputs: {
      blob: { type: "string", value: "[reference(resourceId('Microsoft.Storage/storageAccounts', 's')).primaryEndpoints.BLOB]" },
      where: { type: "string", value: "[reference('s', '2023-01-01', 'Full').location]" },
      key: { type: "securestring", value: "[listKeys('s', '2023-01-01').keys[0].value]" },
      ids: { type: "array", copy: { count: 2, input: "[copyIndex()]" } },
    },
  };
  const ready = prepared(template);
  const [s] = ready.resources;
  assert.deepEqual(bodyOf(ready, s!, nothing), { sku: { name: "Standard_LRS" }, tags: { ab: "[x]" } });
  const known = { deployed: new Set<string>(), answers: new Map<string, Value>() };
  const asked: string[] = [];
  const answers: Record<string, Value> = {
    resource: { location: "eastus", properties: { primaryEndpoints: { blob: "http://b" } } },
    list: { keys: [{ value: "secret" }] },
  };
  for (;;) {
    try {
      const outputs = outputsOf(ready, known);
      assert.deepEqual(shownParameters(outputs), {
        blob: { type: "String", value: "http://b" },
        where: { type: "String", value: "eastus" },
        key: { type: "SecureString" },
        ids: { type: "Array", value: [0, 1] },
      });
      break;
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      asked.push(error.needs.kind);
      if (error.needs.kind === "deployed") known.deployed.add(error.needs.key);
      else known.answers.set(error.needs.key, answers[error.needs.kind]!);
    }
  }
  assert.deepEqual(asked, ["deployed", "resource", "list"]);
});

test("nested deployments: an inner template is left as it is, an outer one is part of this one", () => {
  const nested = (scope: string) => ({
    type: "Microsoft.Resources/deployments",
    apiVersion: "2022-09-01",
    name: scope,
    properties: {
      expressionEvaluationOptions: { scope },
      mode: "Incremental",
      parameters: { x: { value: "[parameters('p')]" } },
      template: { resources: [], outputs: { o: { type: "string", value: "[parameters('p')]" } } },
    },
  });
  const ready = prepared({ parameters: { p: { type: "string" } }, resources: [nested("inner"), nested("outer")] }, { p: { value: "v" } });
  type Nested = { properties: { template: { outputs: { o: { value: string } } }; parameters: { x: { value: string } } } };
  const values = ready.resources.map((one) => (bodyOf(ready, one, nothing) as unknown as Nested).properties);
  assert.deepEqual(
    values.map(({ template }) => template.outputs.o.value),
    ["[parameters('p')]", "v"],
  );
  assert.deepEqual(
    values.map(({ parameters }) => parameters.x.value),
    ["v", "v"],
  );
});

const refuses: [string, object, RegExp, object?][] = [
  ["no object", [], /must be a JSON object/],
  ["a value that is missing", { parameters: { p: { type: "string" } } }, /The value for the template parameter 'p' is not provided/],
  [
    "a value too many",
    { parameters: { p: { type: "int", defaultValue: 1 } } },
    /do not correspond to any parameters defined in the template: 'q'\. .* are: 'p'/,
    { q: { value: 1 } },
  ],
  ["a wrong type", { parameters: { p: { type: "int" } } }, /Expected 'Integer'\. Actual 'String'/, { p: { value: "secret" } }],
  [
    "a value that is not allowed",
    { parameters: { p: { type: "string", allowedValues: ["a", "b"] } } },
    /The value 'c' is not part of the allowed value\(s\): 'a,b'/,
    { p: { value: "c" } },
  ],
  [
    "a secret that is not allowed",
    { parameters: { p: { type: "secureString", allowedValues: ["a"] } } },
    /not valid\. It is not part/,
    { p: { value: "c" } },
  ],
  ["a key vault", { parameters: { p: { type: "string" } } }, /kept in a key vault/, { p: { reference: {} } }],
  [
    "a text that is too short",
    { parameters: { p: { type: "string", minLength: 3 } } },
    /Its length must be greater than or equal to '3'/,
    { p: { value: "ab" } },
  ],
  ["an unknown type", { parameters: { p: { type: "date" } } }, /The type 'date' of the template parameter 'p' is not valid/],
  ["a default of itself", { parameters: { p: { type: "string", defaultValue: "[parameters('p')]" } } }, /refers to itself/],
  ["a variable of itself", { variables: { v: "[variables('v')]" }, resources: [storage("[variables('v')]")] }, /refers to itself/],
  [
    "a circle",
    { resources: [storage("a", { dependsOn: ["b"] }), storage("b", { dependsOn: ["a"] })] },
    /^Circular dependency detected on resource: '\/subscriptions\//,
  ],
  [
    "a circle by way of a batch",
    {
      resources: [
        storage("[concat('s', copyIndex())]", { copy: { name: "c", count: 2, mode: "serial" }, dependsOn: ["x"] }),
        storage("x", { dependsOn: ["s0"] }),
      ],
    },
    /Circular dependency/,
  ],
  ["an unknown dependency", { resources: [storage("a", { dependsOn: ["b"] })] }, /The resource 'b' is not defined in the template/],
  ["twice the same", { resources: [storage("a"), storage("A")] }, /is defined multiple times in a template/],
  ["names and types of different lengths", { resources: [pool("p")] }, /incorrect segment lengths/],
  [
    "too many resources",
    { resources: Array.from({ length: 801 }, (_, at) => storage(`s${at}`)) },
    /resources limit exceeded\. Limit: '800'/,
  ],
  [
    "too many copies",
    { resources: [storage("[concat('a', copyIndex())]", { copy: { name: "c", count: 801 } })] },
    /'count' must be a whole number from '0' to '800', but is '801'/,
  ],
  [
    "copies of copies",
    { resources: [0, 1].map((at) => storage(`[concat('a${at}', copyIndex())]`, { copy: { name: `c${at}`, count: 500 } })) },
    /limit exceeded/,
  ],
  ["no api-version", { resources: [{ type: "Microsoft.Storage/storageAccounts", name: "a" }] }, /api-version of the template resource 'a'/],
  ["a condition that is none", { resources: [storage("a", { condition: "maybe" })] }, /must be true or false/],
  ["depth", { variables: JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`) }, /nested too deeply/],
];

for (const [name, template, expected, parameters] of refuses) {
  test(`refused: ${name}`, () =>
    assert.throws(
      () => prepared(template, parameters),
      (error) => error instanceof TemplateError && expected.test(error.message) && !error.message.includes("secret"),
    ));
}

test("an expression that is wrong in a resource names the resource and the path", () => {
  const ready = prepared({ resources: [storage("a", { properties: { x: [{ y: "[nope()]" }] } })] });
  assert.deepEqual(names(ready), ["a"]);
  assert.throws(
    () => bodyOf(ready, ready.resources[0]!, nothing),
    /^TemplateError: Unable to process template language expressions for resource '\/subscriptions\/.*\/a'\. 'The template function 'nope' is not valid.* \(at path 'properties\.x\[0\]\.y'\)\.'$/,
  );
});
