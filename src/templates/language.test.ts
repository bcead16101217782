// The expressions of templates: each line of the table is an expression with what it gives, or with words of its refusal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "./budget.ts";
import { TemplateError } from "./errors.ts";
import { evaluateText, evaluateValue } from "./evaluate.ts";
import type { Scope } from "./scope.ts";
import { entryOf, type Value } from "./values.ts";

const parameters: Record<string, Value> = {
  name: "Contoso",
  count: 3,
  tags: { Team: "blue", nested: { deep: [1, { x: "y" }] } },
  list: ["a", "b", "c"],
  nothing: null,
};

const subscriptionId = "51756572-6e00-4000-8000-000000000001";
const scope = (): Scope => ({
  budget: new Budget(),
  place: {
    subscription: { id: `/subscriptions/${subscriptionId}`, subscriptionId, tenantId: "t", displayName: "Quern" },
    tenant: { tenantId: "t" },
    resourceGroup: { id: `/subscriptions/${subscriptionId}/resourceGroups/rg`, name: "rg", location: "eastus" },
    deployment: { name: "main", properties: {} },
    environment: { name: "Quern", suffixes: { storage: "localhost" } },
  },
  parameters: (name) => {
    const found = entryOf(parameters, name);
    if (found === undefined) throw new TemplateError(`no parameter '${name}'`);
    return found[1];
  },
  variables: (name) => {
    throw new TemplateError(`no variable '${name}'`);
  },
  functions: new Map([
    ["contoso.twice", { name: "contoso.twice", parameters: ["of"], output: "[concat(parameters('of'), parameters('of'))]" }],
  ]),
  resourceInfo: () => ({}),
  copies: new Map([
    ["", 2],
    ["pools", 2],
  ]),
  lambdaVariables: new Map(),
});

const group = `/subscriptions/${subscriptionId}/resourceGroups/rg`;
const account = `${group}/providers/Microsoft.Batch/batchAccounts/a`;

const gives: [string, unknown][] = [
  ["plain", "plain"],
  ["[[not an expression]", "[not an expression]"],
  ["[open", "[open"],
  ["['it''s']", "it's"],
  ["[parameters('NAME')]", "Contoso"],
  ["[parameters('tags').team]", "blue"],
  ["[parameters('tags').nested.deep[1]['x']]", "y"],
  ["[ concat ( 'a' , 'b' ) ]", "ab"],
  ["[concat('n', 1, true())]", "n1True"],
  ["[concat(createArray(1), createArray(2, 3))]", [1, 2, 3]],
  ["[format('{0}-{1:D3}-{{x}}', 'a', 7)]", "a-007-{x}"],
  ["[format('{0,5}|{1,-4}|', 'ab', 'c')]", "   ab|c   |"],
  ["[format('{0:X2}', 10)]", "0A"],
  ["[toLower('AbC')]", "abc"],
  ["[toUpper('AbC')]", "ABC"],
  ["[trim('  x ')]", "x"],
  ["[split('a,b;c', createArray(',', ';'))]", ["a", "b", "c"]],
  ["[join(createArray('a', 'b'), '-')]", "a-b"],
  ["[replace('a-b-c', '-', '')]", "abc"],
  ["[substring('abcdef', 1, 3)]", "bcd"],
  ["[padLeft('7', 3, '0')]", "007"],
  ["[indexOf('Test', 'T')]", 0],
  ["[lastIndexOf('test', 't')]", 3],
  ["[startsWith('Abc', 'aB')]", true],
  ["[endsWith('Abc', 'BC')]", true],
  ["[contains('abc', 'bc')]", true],
  ["[contains(createArray(1, 2), 2)]", true],
  ["[contains(parameters('tags'), 'TEAM')]", true],
  ["[empty('')]", true],
  ["[empty(parameters('nothing'))]", true],
  ["[length('abc')]", 3],
  ["[length(parameters('tags'))]", 2],
  ["[first('abc')]", "a"],
  ["[last(parameters('list'))]", "c"],
  ["[skip(parameters('list'), 1)]", ["b", "c"]],
  ["[take('abc', 2)]", "ab"],
  [
    "[union(createObject('a', 1, 'o', createObject('x', 1)), createObject('b', 2, 'o', createObject('y', 2)))]",
    { a: 1, o: { x: 1, y: 2 }, b: 2 },
  ],
  ["[union(createArray(1, 2), createArray(2, 3))]", [1, 2, 3]],
  ["[intersection(createArray(1, 2, 2), createArray(2, 3))]", [2]],
  ["[range(5, 3)]", [5, 6, 7]],
  ["[min(3, 1, 2)]", 1],
  ["[max(createArray(3, 9))]", 9],
  ["[add(1, sub(5, mul(2, 3)))]", 0],
  ["[div(-7, 2)]", -3],
  ["[mod(7, 3)]", 1],
  ["[int('42')]", 42],
  ["[string(createObject('a', createArray(1, 'x')))]", '{"a":[1,"x"]}'],
  ["[string(42)]", "42"],
  ["[bool('TRUE')]", true],
  ["[float('1.5')]", 1.5],
  ["[json('{\"a\": [null]}')]", { a: [null] }],
  ["[array('x')]", ["x"]],
  ["[createObject()]", {}],
  [
    "[items(createObject('b', 2, 'a', 1))]",
    [
      { key: "a", value: 1 },
      { key: "b", value: 2 },
    ],
  ],
  ["[objectKeys(createObject('b', 2, 'a', 1))]", ["a", "b"]],
  ["[map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))]", [0, 2, 4]],
  ["[map(parameters('list'), lambda('one', 'at', format('{0}{1}', lambdaVariables('at'), lambdaVariables('one'))))]", ["0a", "1b", "2c"]],
  ["[filter(range(0, 5), lambda('i', greater(lambdaVariables('i'), 2)))]", [3, 4]],
  ["[reduce(range(1, 4), 0, lambda('sum', 'next', add(lambdaVariables('sum'), lambdaVariables('next'))))]", 10],
  ["[sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]", [1, 2, 3]],
  [
    "[toObject(parameters('list'), lambda('x', toUpper(lambdaVariables('x'))), lambda('x', length(lambdaVariables('x'))))]",
    { A: 1, B: 1, C: 1 },
  ],
  ["[groupBy(createArray('aa', 'ab', 'b'), lambda('x', first(lambdaVariables('x'))))]", { a: ["aa", "ab"], b: ["b"] }],
  ["[mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))]", { a: 2 }],
  ["[if(equals(parameters('count'), 3), 'yes', parameters('not there'))]", "yes"],
  ["[and(false(), parameters('not there'))]", false],
  ["[or(true(), parameters('not there'))]", true],
  ["[not(false())]", true],
  ["[equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))]", true],
  ["[less('a', 'b')]", true],
  ["[greaterOrEquals(2, 2)]", true],
  ["[coalesce(null(), parameters('nothing'), 'x')]", "x"],
  ["[tryGet(parameters('tags'), 'nested', 'deep', 0)]", 1],
  ["[tryGet(parameters('tags'), 'none', 'deep')]", null],
  ["[shallowMerge(createArray(createObject('a', 1), createObject('a', 2)))]", { a: 2 }],
  ["[flatten(createArray(createArray(1), createArray(2)))]", [1, 2]],
  ["[base64ToString(base64('grüße'))]", "grüße"],
  ["[base64ToJson(base64('{}'))]", {}],
  ["[dataUriToString(dataUri('x'))]", "x"],
  ["[uri('https://example.com/a/', 'b/c')]", "https://example.com/a/b/c"],
  ["[uriComponentToString(uriComponent('a b/ü'))]", "a b/ü"],
  ["[dateTimeAdd('2026-01-31 10:00:00Z', 'P1D')]", "2026-02-01T10:00:00Z"],
  ["[dateTimeAdd('20260101T000000Z', '-PT1H30M', 'yyyy-MM-dd HH:mm')]", "2025-12-31 22:30"],
  ["[dateTimeToEpoch(dateTimeFromEpoch(1700000000))]", 1_700_000_000],
  ["[copyIndex()]", 2],
  ["[copyIndex('pools', 10)]", 12],
  ["[resourceGroup().location]", "eastus"],
  ["[subscription().subscriptionId]", subscriptionId],
  ["[resourceId('Microsoft.Batch/batchAccounts', 'a')]", account],
  ["[resourceId('Microsoft.Batch/batchAccounts/pools', 'a', 'p')]", `${account}/pools/p`],
  ["[resourceId('other', 'Microsoft.Batch/batchAccounts', 'a')]", account.replace("/rg/", "/other/")],
  [
    "[subscriptionResourceId('Microsoft.Resources/deployments', 'd')]",
    `/subscriptions/${subscriptionId}/providers/Microsoft.Resources/deployments/d`,
  ],
  ["[extensionResourceId(resourceGroup().id, 'Microsoft.X/y', 'z')]", `${group}/providers/Microsoft.X/y/z`],
  ["[tenantResourceId('Microsoft.X/y', 'z')]", "/providers/Microsoft.X/y/z"],
  ["[pickZones('a', 'b', 'c')]", []],
  ["[contoso.twice('ab')]", "abab"],
  // Azure's own results, as others have published them.
  ["[uniqueString('tyeth')]", "zcztcwvu6iyg6"],
  ["[uniqueString('hello', 'world')]", "a7wkljktk6wne"],
  ["[length(guid('a', 'b'))]", 36],
  ["[equals(guid('a-b'), guid('a', 'b'))]", true],
];

for (const [expression, expected] of gives) {
  test(expression, () => assert.deepEqual(evaluateText(expression, scope()), expected));
}

const refuses: [string, RegExp][] = [
  ["[nope()]", /^The template function 'nope' is not valid\. Please see https:\/\/aka\.ms\/arm-functions/],
  [
    "[concat('a']",
    /^The language expression 'concat\('a'' is not valid: the string character 'EndOfData' at position '10' is not expected\.$/,
  ],
  ["[]", /is not valid/],
  ["[concat('a') concat('b')]", /the string character 'concat' at position '12' is not expected/],
  ["['open]", /is not expected/],
  ["[toLower(1)]", /^Unable to evaluate template language function 'toLower': .*Expected 'String'\. Actual 'Integer'/],
  ["[toLower()]", /requires '1' argument\(s\) while '0' were provided/],
  ["[div(1, 0)]", /division by zero/],
  ["[mul(9007199254740991, 9007199254740991)]", /out of range/],
  ["[parameters('tags').none]", /property 'none' doesn't exist, available properties are 'Team, nested'/],
  ["[parameters('list')[9]]", /index '9' is out of bounds/],
  ["[if('x', 1, 2)]", /expects a value of type 'Boolean'/],
  ["[utcNow()]", /can only be used in the default value of a parameter/],
  ["[newGuid()]", /can only be used in the default value of a parameter/],
  ["[reference('x')]", /not expected at this location/],
  ["[listKeys('x', '2024-07-01')]", /Unable to evaluate template language function 'listKeys'/],
  ["[copyIndex('none')]", /no such copy/],
  ["[resourceId('batchAccounts', 'a')]", /fully qualified resource type/],
  ["[resourceId('Microsoft.Batch/batchAccounts/pools', 'a')]", /has '2' segment\(s\), but '1' name\(s\)/],
  ["[json('{')]", /not valid JSON/],
  ["[lambdaVariables('x')]", /no lambda/],
  [`[${"(".repeat(300)}]`, /is not expected/],
  [`[${"not(".repeat(300)}true()${")".repeat(300)}]`, /nested too deeply/],
  [`['${"x".repeat(30_000)}']`, /length limit exceeded\. Limit: '24576'/],
  ["[format('{0:X}', json('1.5'))]", /only whole numbers/],
  [`[equals(json('${"[".repeat(5000)}${"]".repeat(5000)}'), 1)]`, /nested too deeply/],
  ["[range(0, 10001)]", /the count must be from '0' to '10000'/],
];

for (const [expression, expected] of refuses) {
  test(`refused: ${expression.slice(0, 60)}`, () =>
    assert.throws(
      () => evaluateText(expression, scope()),
      (error) => error instanceof TemplateError && expected.test(error.message),
    ));
}

test("values: names, lists and copies of properties", () => {
  // From JSON, where __proto__ is a name like any other.
  const value =
    JSON.parse(`{ "[concat('k', 1)]": "v", "copy": [{ "name": "disks", "count": 3, "input": { "lun": "[copyIndex('disks')]", "of": "[copyIndex()]" } }],
    "__proto__": { "a": "[toLower('A')]" }, "list": ["[parameters('count')]", true, null] }`) as Value;
  const made = evaluateValue(value, scope());
  assert.equal(
    JSON.stringify(made),
    '{"k1":"v","disks":[{"lun":0,"of":2},{"lun":1,"of":2},{"lun":2,"of":2}],"__proto__":{"a":"a"},"list":[3,true,null]}',
  );
});

/** Each is a few lines that would take for ever, or all memory. */
const bombs: [string, string][] = [
  ["ranges in ranges", `[${"map(range(0, 10000), lambda('i', ".repeat(3)}1${"))".repeat(3)}]`],
  ["texts that grow", `[reduce(range(0, 10000), 'aaaaaaaaaa', lambda('a', 'b', concat(lambdaVariables('a'), lambdaVariables('a'))))]`],
  [
    "lists that share",
    `[string(reduce(range(0, 60), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a')))))]`,
  ],
  [
    "equal lists that share",
    `[equals(reduce(range(0, 60), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a')))), reduce(range(0, 60), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'), lambdaVariables('a')))))]`,
  ],
  [
    "lists in lists",
    `[equals(${Array(2).fill("reduce(range(0, 9000), createArray(1), lambda('a', 'b', createArray(lambdaVariables('a'))))").join(", ")})]`,
  ],
  ["padding", "[padLeft('x', 1000000000)]"],
  ["replacing", `[reduce(range(0, 30), 'aa', lambda('a', 'b', replace(lambdaVariables('a'), 'a', lambdaVariables('a'))))]`],
  ["depth", `[json(reduce(range(0, 10000), '1', lambda('a', 'b', format('[{0}]', lambdaVariables('a')))))]`],
];

for (const [name, expression] of bombs) {
  test(`bomb: ${name}`, () => {
    const began = process.hrtime.bigint();
    assert.throws(() => evaluateValue({ x: [expression] }, scope()), TemplateError);
    assert.ok(process.hrtime.bigint() - began < 3_000_000_000n, "it takes no more than a moment");
  });
}
