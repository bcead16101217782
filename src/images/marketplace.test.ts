// The operator's catalogue: what is found, and that what is wrong with the file is told precisely.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MarketplaceFileInvalid, marketplace } from "./marketplace.ts";

const directory = mkdtempSync(join(tmpdir(), "quern-marketplace-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, "catalogue.json");
const write = (content: unknown): void => writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
const image = (version: string, more: object = {}): object => ({
  publisher: "Canonical",
  offer: "ubuntu",
  sku: "22_04",
  version,
  path: "u.tar",
  ...more,
});

test("an image is found in any letter case, its path is relative to the file", async () => {
  write({
    images: [image("1.0.0", { sha256: "A".repeat(64), osType: "Linux" }), image("2", { path: undefined, url: "https://x.test/i?sig=s" })],
  });
  const { find } = marketplace(file);
  assert.deepEqual(await find("canonical", "Ubuntu", "22_04", "1.0.0"), {
    publisher: "Canonical",
    offer: "ubuntu",
    sku: "22_04",
    version: "1.0.0",
    osType: "Linux",
    source: { kind: "path", path: join(directory, "u.tar"), isOperators: true },
    sha256: "a".repeat(64),
  });
  assert.deepEqual((await find("canonical", "ubuntu", "22_04", "2"))?.source, {
    kind: "url",
    url: "https://x.test/i?sig=s",
    isOperators: true,
  });
  assert.equal(await find("canonical", "ubuntu", "24_04", "1.0.0"), undefined);
  assert.equal(await find("canonical", "ubuntu", "22_04", "3"), undefined);
});

test("latest is the greatest version, number by number", async () => {
  write({ images: ["22.04.9", "22.04.10", "9.99", "22.4.2"].map((version) => image(version)) });
  assert.equal((await marketplace(file).find("Canonical", "ubuntu", "22_04", "latest"))?.version, "22.04.10");
});

test("the file is read again at each lookup", async () => {
  const catalogue = marketplace(file);
  write({ images: [] });
  assert.deepEqual(await catalogue.list(), []);
  write({ images: [image("1")] });
  assert.equal((await catalogue.list()).length, 1);
});

test("without a file there is nothing", async () => {
  assert.deepEqual(await marketplace(undefined).list(), []);
});

test("what is wrong is told with its place", async () => {
  const wrong: [unknown, RegExp][] = [
    ["{", /catalogue\.json is not JSON: /],
    [[], /has no list "images"/],
    [null, /has no list "images"/],
    [{ images: [1] }, /images\[0\] is not an object/],
    [{ images: [image("1"), { ...image("2"), sku: undefined }] }, /images\[1\] has no sku/],
    [{ images: [image("1", { sku: 5 })] }, /images\[0\] has a sku that is not a text/],
    [{ images: [image("1", { url: "https://x.test" })] }, /images\[0\] needs either a path or a url/],
    [{ images: [image("1", { path: undefined })] }, /images\[0\] needs either a path or a url/],
    [{ images: [image("1", { path: undefined, url: "ftp://x.test" })] }, /not an http or https URL/],
    [{ images: [image("1", { sha256: "abc" })] }, /sha256 that is not 64 hex digits/],
    [{ images: [image("1", { osType: "BSD" })] }, /neither Linux nor Windows/],
    [{ images: [image("1", { sah256: "x" })] }, /unknown property "sah256"/],
    [{ images: [image("1"), image("1", { publisher: "CANONICAL" })] }, /images\[1\] has the names of images\[0\]/],
  ];
  for (const [content, message] of wrong) {
    write(content);
    await assert.rejects(marketplace(file).list(), (error) => error instanceof MarketplaceFileInvalid && message.test(error.message));
  }
  await assert.rejects(marketplace(join(directory, "missing.json")).list(), /missing\.json cannot be read \(ENOENT\)/);
});
