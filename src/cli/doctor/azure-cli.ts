// Is the Azure CLI there, and does it know this server as a cloud? Read from its files: starting it takes seconds.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadyFile } from "../ready.ts";
import { type Finding, note, ok } from "./findings.ts";
import { findProgram } from "./machine.ts";

type Environment = Record<string, string | undefined>;

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** Sections of an INI file with their settings. */
const sections = (text: string): { name: string; settings: Map<string, string> }[] =>
  text
    .split(/^\[/m)
    .slice(1)
    .map((section) => {
      const [head = "", ...lines] = section.split("\n");
      const pairs = lines.map((line) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line)).filter((match) => match !== null);
      return { name: head.replace(/\]\s*$/, ""), settings: new Map(pairs.map(([, key, value]) => [key!, value!])) };
    });

export const examineAzureCli = ({ armUrl }: ReadyFile, environment: Environment): Finding => {
  if (findProgram("az", environment) === undefined)
    return note("az", "The Azure CLI is not installed here; it is needed only by those who use it.");
  const folder = environment.AZURE_CONFIG_DIR ?? join(environment.HOME ?? "/", ".azure");
  const arm = new URL(armUrl).href;
  const cloud = sections(read(join(folder, "clouds.config"))).find(({ settings }) => {
    const endpoint = settings.get("endpoint_resource_manager");
    return endpoint !== undefined && URL.canParse(endpoint) && new URL(endpoint).href === arm;
  });
  if (cloud === undefined)
    return note("az", `The Azure CLI does not know ${armUrl} as a cloud.`, ["npx quern env az   # prints the commands"]);
  const chosen = sections(read(join(folder, "config")))
    .find(({ name }) => name === "cloud")
    ?.settings.get("name");
  return chosen === cloud.name
    ? ok("az", `The Azure CLI uses this server as the cloud ${cloud.name}.`)
    : note("az", `The Azure CLI knows this server as ${cloud.name} and uses ${chosen ?? "AzureCloud"}.`, [`az cloud set -n ${cloud.name}`]);
};
