// Which addresses are private, in every spelling, and that the connection itself is held to it.
import assert from "node:assert/strict";
import type { LookupFunction } from "node:net";
import test from "node:test";
import { AddressRefused, checkedUrl, isPrivateAddress } from "./addresses.ts";

const strict = { storageHosts: ["127.0.0.1:10000", "store.internal:443"], allowPrivateUrls: false };

test("private addresses are told in all forms", () => {
  const inner = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
  ]; // prettier-ignore
  assert.deepEqual(
    inner.filter((address) => !isPrivateAddress(address)),
    [],
  );
  const outer = [
    "8.8.8.8",
    "172.32.0.1",
    "172.15.0.1",
    "192.169.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::",
  ];
  assert.deepEqual(outer.filter(isPrivateAddress), []);
});

test("a URL to a private address is refused unless it is the storage's", () => {
  const refused = [
    "http://127.0.0.1/x",
    "http://2130706433/x",
    "http://0x7f.1/x",
    "http://0177.0.0.1/",
    "http://[::1]/x",
    "http://[::ffff:127.0.0.1]/",
    "http://127.0.0.1:10001/",
    "https://127.0.0.1:10000.evil.example@10.0.0.1/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "not a url",
    "",
  ]; // prettier-ignore
  for (const url of refused) assert.throws(() => checkedUrl(url, strict), AddressRefused, url);
  assert.equal(checkedUrl("http://127.0.0.1:10000/devstoreaccount1/c/b", strict).lookup, undefined);
  assert.equal(checkedUrl("https://store.internal/c/b", strict).lookup, undefined);
  const named = { storageHosts: ["*.blob.localhost:10020"], allowPrivateUrls: false };
  assert.equal(checkedUrl("http://acc1.blob.localhost:10020/c/b", named).lookup, undefined);
  for (const host of [
    "acc1.blob.localhost:1",
    "a.acc1.blob.localhost:10020",
    "blob.localhost:10020",
    "acc1.blob.localhost.evil.test:10020",
  ])
    assert.notEqual(checkedUrl(`http://${host}/c/b`, named).lookup, undefined, host);
  assert.equal(checkedUrl("http://127.0.0.1/x", { storageHosts: [], allowPrivateUrls: true }).url.host, "127.0.0.1");
});

const resolve = (lookup: LookupFunction, name: string): Promise<Error | null> =>
  new Promise((done) => lookup(name, { all: true }, (error) => done(error)));

test("a name that resolves to a private address is refused when it is looked up", async () => {
  const { lookup } = checkedUrl("http://localhost:1234/x", strict);
  assert.ok((await resolve(lookup!, "localhost")) instanceof AddressRefused);
});

test("a redirect is held to the same rules", () => {
  assert.throws(() => checkedUrl("http://169.254.169.254/meta", strict, new URL("https://example.com/a")), AddressRefused);
  assert.throws(() => checkedUrl("//10.0.0.1/a", strict, new URL("https://example.com/a")), AddressRefused);
  assert.equal(checkedUrl("/b", strict, new URL("https://example.com/a")).url.href, "https://example.com/b");
});
