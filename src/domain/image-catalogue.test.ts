// The list of images: how the machine is named, what is listed when, and how an image is found.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type HostRelease, makeImageCatalogue, parseOsRelease } from "./image-catalogue.ts";

const host = (release: HostRelease, strictImages = true) => makeImageCatalogue({ hostRelease: release, strictImages }).all()[0]!;

test("os-release is read with and without quotes; a machine without one is still called something", () => {
  assert.deepEqual(parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n# x\n'), {
    id: "debian",
    versionId: "12",
    prettyName: "Debian GNU/Linux 12 (bookworm)",
  });
  assert.deepEqual(parseOsRelease(""), { id: "linux", versionId: "1" });
});

test("the machine is named as Azure names its system", () => {
  const names = (id: string, versionId: string) => {
    const { imageReference, nodeAgentSKUId } = host({ id, versionId });
    return [imageReference.publisher, imageReference.offer, imageReference.sku, nodeAgentSKUId].join(" / ");
  };
  assert.equal(names("debian", "12"), "debian / debian-12 / 12 / batch.node.debian 12");
  assert.equal(names("ubuntu", "22.04"), "canonical / 0001-com-ubuntu-server-jammy / 22_04-lts / batch.node.ubuntu 22.04");
  assert.equal(names("ubuntu", "24.04"), "canonical / ubuntu-24_04-lts / server / batch.node.ubuntu 24.04");
  assert.equal(names("ubuntu", "25.10"), "canonical / ubuntuserver / 25.10-lts / batch.node.ubuntu 25.10");
  assert.equal(names("rocky", "9.4"), "resf / rockylinux-x86_64 / 9-base / batch.node.el 9");
  assert.equal(names("rhel", "9.4"), "rhel / rhel / 9.4 / batch.node.el 9");
  assert.equal(names("arch", "1"), "arch / arch / 1 / batch.node.arch 1");
});

test("strict images leave out every Linux image but the host's; Windows is always listed and never run", () => {
  const strict = makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: true }).all();
  assert.deepEqual(
    strict.filter(({ osType }) => osType === "linux").map(({ verificationType, backing }) => [verificationType, backing]),
    [["verified", "host"]],
  );
  const all = makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: false }).all();
  assert.equal(all.filter(({ verificationType }) => verificationType === "verified").length, 1);
  assert.deepEqual([...new Set(all.filter(({ osType }) => osType === "windows").map(({ backing }) => backing))], ["none"]);
  const names = all.map(({ imageReference: { publisher, offer, sku } }) => `${publisher} ${offer} ${sku}`);
  assert.equal(new Set(names).size, names.length);
});

test("an image is found whatever the case of its names and whatever its version", () => {
  const catalogue = makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: false });
  assert.equal(
    catalogue.find({ publisher: "Canonical", offer: "UbuntuServer", sku: "18.04-LTS", version: "1.2.3" })?.nodeAgentSKUId,
    "batch.node.ubuntu 18.04",
  );
  assert.equal(catalogue.find({ publisher: "Canonical", offer: "UbuntuServer" }), undefined);
  assert.equal(catalogue.find({ publisher: "a", offer: "b", sku: "c" }), undefined);
});
