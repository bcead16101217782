// What a suite needs from the system beyond `npm ci`. When it is missing the suite is skipped with the command that installs it, and counted;
// QUERN_REQUIRE_ALL=1 (CI) makes such a skip a failure.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export type Need = {
  what: string;
  install: string;
  isThere(): boolean;
  /** No package brings it: a kernel or container that lacks it is told and counted, but is no failure of CI either. */
  ofTheMachine?: true;
};

export const az: Need = { what: "the Azure CLI", install: "apt-get install azure-cli", isThere: () => existsSync("/usr/bin/az") };
export const python: Need = {
  what: "Python's azure.batch",
  install: "apt-get install python3-azure",
  isThere: () => spawnSync("/usr/bin/python3", ["-c", "import azure.batch"]).status === 0,
};
export const cc: Need = {
  what: "a C compiler",
  install: "apt-get install gcc libc6-dev",
  isThere: () => spawnSync("cc", ["--version"]).status === 0,
};
export const go: Need = {
  what: "Go with Azure's SDK",
  install: "apt-get install golang-go golang-github-azure-azure-sdk-for-go-dev",
  isThere: () =>
    spawnSync("go", ["version"]).status === 0 && existsSync("/usr/share/gocode/src/github.com/Azure/azure-sdk-for-go/services/batch"),
};

export const openssl: Need = {
  what: "openssl",
  install: "apt-get install openssl",
  isThere: () => spawnSync("openssl", ["version"]).status === 0,
};

/** az sends packages to `{account}.blob.{domain}`, and no resolver of glibc knows names below localhost by itself. */
export const storageName: Need = {
  what: "the name devstoreaccount1.blob.localhost",
  install: "echo '127.0.0.1 devstoreaccount1.blob.localhost' >> /etc/hosts",
  isThere: () => spawnSync("getent", ["hosts", "devstoreaccount1.blob.localhost"]).status === 0,
};

const hasProgram = (name: string): boolean => spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]).status === 0;

export const mkfsExt: Need = { what: "mkfs.ext4", install: "apt-get install e2fsprogs", isThere: () => hasProgram("mkfs.ext4") };
export const qemuImg: Need = { what: "qemu-img", install: "apt-get install qemu-utils", isThere: () => hasProgram("qemu-img") };
export const xz: Need = { what: "xz", install: "apt-get install xz-utils", isThere: () => hasProgram("xz") };
export const xfs: Need = { what: "mkfs.xfs", install: "apt-get install xfsprogs", isThere: () => hasProgram("mkfs.xfs") };
export const loopDevices: Need = {
  what: "a loop device",
  install: "run as root where the kernel has them",
  isThere: () => process.getuid?.() === 0 && spawnSync("losetup", ["--find"]).status === 0,
  ofTheMachine: true,
};

/** What the reason of a skip begins with that QUERN_REQUIRE_ALL=1 lets pass. */
export const machineLacks = "this machine cannot";

/** For the options of test(): `test("...", { skip: missing(az) }, ...)`. */
export const missing = (...needs: Need[]): string | false => {
  const absent = needs.filter((need) => !need.isThere());
  if (absent.length === 0) return false;
  const told = absent.map((need) => `${need.what} is not here: ${need.install}`).join("; ");
  return absent.every((need) => need.ofTheMachine === true) ? `${machineLacks}: ${told}` : told;
};
