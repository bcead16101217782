// The unmodified Azure CLI, pointed at a server as its user does it (`quern env az`): a cloud of its own, a login as service principal, one
// directory of configuration for all commands.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { azCloud } from "../../src/cli/env.ts";
import type { ReadyFile } from "../../src/cli/ready.ts";
import type { Quern } from "../support/quern.ts";

/** Runs one command; gives what it prints as JSON, undefined when it prints nothing. Rejects with what it wrote to its standard error. */
export type Az = (...args: string[]) => Promise<any>;

/** A new configuration. Its directory is removed after the test. */
export const azWith = async (
  t: TestContext,
  quern: Quern,
  environment: Record<string, string> = {},
): Promise<{ az: Az; directory: string }> => {
  const directory = await mkdtemp(join(tmpdir(), "quern-az-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  // It must be there: with ARM_CLOUD_METADATA_URL this az reads the document before it makes the directory.
  await mkdir(join(directory, "az"));
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: directory,
    AZURE_CONFIG_DIR: join(directory, "az"),
    AZURE_CORE_COLLECT_TELEMETRY: "no",
    REQUESTS_CA_BUNDLE: quern.ready.caFile,
    ...environment,
  };
  const az: Az = async (...args) => {
    const { stdout } = await promisify(execFile)("/usr/bin/az", [...args, "--output", "json"], { env, maxBuffer: 1 << 24 });
    return stdout.trim() === "" ? undefined : JSON.parse(stdout);
  };
  return { az, directory };
};

/** What az wants to know of a cloud, as `quern env az` prints it. */
export const cloudOf = ({ ready }: Quern): string => JSON.stringify(azCloud(ready as unknown as ReadyFile));
