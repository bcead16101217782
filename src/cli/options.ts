// The command line of `quern`: every flag of `start` has an environment variable QUERN_…, and both are checked here.
import { resolve } from "node:path";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { durationTicks } from "../lib/duration.ts";
import type { DoctorOptions } from "./doctor.ts";
import { type EnvironmentKind, environmentKinds } from "./env.ts";
import { addIdentityOptions, type IdentityOptions, identityOptions, type RawIdentity } from "./identity-options.ts";
import { addQuotaOptions, type QuotaOptions, quotaOptions, type RawQuotas } from "./quota-options.ts";
import { UserError } from "./usage-error.ts";

/** The well-known account of a local endpoint: published on purpose, like Azurite's. Never a secret, so only for loopback. */
export const wellKnownAccount = {
  name: "devbatchaccount1",
  key: "UXVlcm46IGEgcHVibGlzaGVkIGtleSBmb3IgbG9jYWwgZGV2ZWxvcG1lbnQ7IGl0IHByb3RlY3RzIG5vdGhpbmcgYXQgYWxsLg==",
} as const;

export type AccountOption = { name: string; key: string };
export type StorageOption = { mode: "embedded" } | { mode: "none" } | { mode: "external"; connectionString: string };

/** What the files beside this one read. */
type FlagGroups = IdentityOptions & QuotaOptions;

export type StartOptions = FlagGroups & {
  host: string;
  port: number;
  location: string;
  inMemory: boolean;
  accounts: AccountOption[];
  allowWellKnownKey: boolean;
  storage: StorageOption;
  cert?: string;
  key?: string;
  silent: boolean;
  debug?: string;
  versionCheck: "lenient" | "strict";
  strictImages: boolean;
  minAutoscaleInterval?: number;
  allowPrivateUrls: boolean;
  /** Absolute paths of directories: below them images may lie that are imported by path, and storage containers may be. */
  imagePaths: string[];
  /** Absolute path of the JSON file that says where marketplace images really come from. */
  marketplace?: string;
  launcher: "auto" | "compiled" | "portable";
  /** GUIDs of the one subscription and the one tenant that everything here is in. */
  subscription: string;
  tenant: string;
  /** Where the accounts of the command line are resources. */
  resourceGroup: string;
  region: string;
  /** What host names of accounts end in. */
  domain: string;
  /** Whether it was said, so that its names can be relied on. */
  domainGiven: boolean;
  readyFile?: string;
  printEnv: boolean;
};

/** The same everywhere, so that a client's configuration written for one local server fits the next. They name things and prove nothing. */
export const wellKnownIds = {
  subscription: "51756572-6e00-4000-8000-000000000001",
  tenant: "51756572-6e00-4000-8000-000000000002",
} as const;

export type AgentOptions = {
  directory: string;
  control: string;
  launcher: "auto" | "compiled" | "portable";
  cache: string;
  orphanSeconds: number;
  debug: boolean;
};

const collect = (text: string, earlier: string[] = []): string[] => [...earlier, ...text.split(",").map((part) => part.trim())];

/** Checked here and not by the option's parser, whose messages repeat what was given: it holds a key. */
const accountOption = (text: string): AccountOption => {
  const match = /^([a-z0-9]{3,24}):([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (match === null || Buffer.from(match[2]!, "base64").length < 16) {
    throw new UserError(
      "--account takes NAME:BASE64KEY, with a name of 3 to 24 lower-case letters and digits and a key of at least 16 bytes.",
      2,
    );
  }
  return { name: match[1]!, key: match[2]! };
};

const parseGuid = (text: string): string => {
  if (!/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) throw new InvalidArgumentError("expected a GUID.");
  return text.toLowerCase();
};

const parseGroupName = (text: string): string => {
  if (!/^[\p{L}\p{N}_()-][\p{L}\p{N}_().-]{0,88}(?<!\.)$/u.test(text))
    throw new InvalidArgumentError("expected up to 90 letters, digits and _ ( ) - . without a period at the end.");
  return text;
};

const parseRegion = (text: string): string => {
  const region = text.replace(/\s+/g, "").toLowerCase();
  if (!/^[a-z0-9]{2,40}$/.test(region)) throw new InvalidArgumentError("expected a region of letters and digits, such as eastus.");
  return region;
};

const parseDomain = (text: string): string => {
  const domain = text.toLowerCase();
  if (!/^(?=.{1,190}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(domain))
    throw new InvalidArgumentError("expected a host name such as localhost or quern.example.org.");
  return domain;
};

const parsePort = (text: string): number => {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError("expected a port from 0 (pick one) to 65535.");
  return port;
};

/** In ms. A second is the shortest that makes sense: each evaluation is a commit. */
const parseInterval = (text: string): number => {
  const ticks = durationTicks(text);
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : ticks === undefined ? Number.NaN : Number(ticks / 10_000n);
  if (!(ms >= 1000 && ms <= longestIntervalMs))
    throw new InvalidArgumentError("expected 1 second to 168 hours, as seconds (30) or as an ISO 8601 duration (PT30S).");
  return ms;
};
const longestIntervalMs = 168 * 3_600_000;

/** Checked here and not by the option's parser, whose messages repeat what was given: it may hold a key. */
const storageOption = (text: string): StorageOption => {
  if (text === "embedded" || text === "none") return { mode: text };
  if (!/(^|;)\s*(AccountName|BlobEndpoint|UseDevelopmentStorage)=/i.test(text)) {
    throw new UserError("--storage takes embedded, none or a connection string (AccountName=...;AccountKey=...;BlobEndpoint=...).", 2);
  }
  return { mode: "external", connectionString: text };
};

export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host);

const option = (flags: string, description: string, name: string): Option => new Option(flags, description).env(`QUERN_${name}`);

export type EnvOptions = { location: string; kinds: EnvironmentKind[] };

export type Actions = {
  start(options: StartOptions): Promise<void>;
  agent(options: AgentOptions): Promise<void>;
  env(options: EnvOptions): Promise<void>;
  doctor(options: DoctorOptions): Promise<void>;
};

export const commandLine = (version: string, actions: Actions): Command => {
  const program = new Command("quern").description("Azure Batch that runs on machines you own").version(version);
  const start = program
    .command("start")
    .description("start the control plane, one agent for nodes on this machine, and the embedded blob storage")
    .addOption(option("--host <address>", "address to listen on", "HOST").default("127.0.0.1"))
    .addOption(option("--port <number>", "port for HTTP and HTTPS; 0 picks one", "PORT").default(10020).argParser(parsePort))
    .addOption(option("--location <dir>", "where everything is kept", "LOCATION").default("./.quern"))
    .addOption(option("--in-memory", "keep nothing: a temporary location in memory, gone at the end", "IN_MEMORY").default(false))
    .addOption(
      option(
        "--account <name:base64key>",
        `a Batch account (repeatable; default ${wellKnownAccount.name} with a published key)`,
        "ACCOUNT",
      ).argParser(collect),
    )
    .addOption(
      option(
        "--allow-well-known-key",
        "allow the published keys, of the account and of the embedded storage, on an address that is not loopback",
        "ALLOW_WELL_KNOWN_KEY",
      ).default(false),
    )
    .addOption(
      option("--storage <embedded|none|connection string>", "blob storage for resource and output files", "STORAGE").default("embedded"),
    )
    .addOption(option("--cert <file>", "PEM certificate chain for HTTPS, instead of one from the local CA", "CERT"))
    .addOption(option("--key <file>", "PEM private key of --cert", "KEY"))
    .addOption(option("--silent", "print nothing when all is well", "SILENT").default(false))
    .addOption(option("--debug <file>", "write a debug log (JSON lines) to this file", "DEBUG"))
    .addOption(
      option(
        "--version-check <mode>",
        "unknown api-versions: lenient serves them as the newest, strict refuses them as Azure does",
        "VERSION_CHECK",
      )
        .choices(["lenient", "strict"])
        .default("lenient"),
    )
    .addOption(option("--strict-images", "leave out images that only stand for this machine's own system", "STRICT_IMAGES").default(false))
    .addOption(
      option(
        "--min-autoscale-interval <duration>",
        "how often a formula may be evaluated at most, in seconds or as an ISO 8601 duration (default PT5M, as Azure)",
        "MIN_AUTOSCALE_INTERVAL",
      ).argParser(parseInterval),
    )
    .addOption(option("--allow-private-urls", "let tasks' URLs name loopback and private addresses", "ALLOW_PRIVATE_URLS").default(false))
    .addOption(
      option(
        "--allow-image-path <dir>",
        "a directory below which images may be imported by path and storage containers may be made (repeatable; default none)",
        "ALLOW_IMAGE_PATH",
      ).argParser(collect),
    )
    .addOption(
      option("--marketplace <file>", "JSON file that says where the images of marketplace publishers come from", "MARKETPLACE").argParser(
        (file: string) => resolve(file),
      ),
    )
    .addOption(
      option("--launcher <kind>", "what starts task processes", "LAUNCHER").choices(["auto", "compiled", "portable"]).default("auto"),
    )
    .addOption(
      option("--subscription <guid>", "the id of the one subscription", "SUBSCRIPTION")
        .default(wellKnownIds.subscription)
        .argParser(parseGuid),
    )
    .addOption(option("--tenant <guid>", "the id of the one tenant", "TENANT").default(wellKnownIds.tenant).argParser(parseGuid))
    .addOption(
      option("--resource-group <name>", "the resource group of the accounts named by --account", "RESOURCE_GROUP")
        .default("quern")
        .argParser(parseGroupName),
    )
    .addOption(
      option("--region <name>", "the region of the accounts named by --account", "REGION").default("eastus").argParser(parseRegion),
    )
    .addOption(
      option(
        "--domain <name>",
        "what host names of accounts end in: ACCOUNT.REGION.batch.DOMAIN and ACCOUNT.blob.DOMAIN (default localhost)",
        "DOMAIN",
      ).argParser(parseDomain),
    )
    .addOption(option("--ready-file <file>", "write a JSON file with every address and key when all is up", "READY_FILE"))
    .addOption(option("--print-env", "print the environment variables that clients need, as shell exports", "PRINT_ENV").default(false))
    .action((raw: RawStart) => actions.start(startOptions(raw)));
  addIdentityOptions(start);
  addQuotaOptions(start);
  program
    .command("env")
    .description("print how clients are pointed at the running server, ready to paste")
    .addArgument(new Argument("[client]", "one of them only").choices(environmentKinds))
    .addOption(option("--location <dir>", "that of the server", "LOCATION").default("./.quern"))
    .action((kind: EnvironmentKind | undefined, { location }: { location: string }) =>
      actions.env({ location, kinds: kind === undefined ? [...environmentKinds] : [kind] }),
    );
  program
    .command("doctor")
    .description("look whether the running server can be used from here, and what to do about what is missing")
    .addOption(option("--location <dir>", "that of the server", "LOCATION").default("./.quern"))
    .addOption(new Option("--ready-file <file>", "that of a server elsewhere, instead of a location"))
    .action((raw: DoctorOptions) => actions.doctor(raw));
  program
    .command("agent")
    .description("run the node agent on this machine (started by `quern start`; by hand only where nodes are elsewhere)")
    .requiredOption("--directory <dir>", "where its nodes live")
    .requiredOption("--control <file>", "JSON file with the url and token of the control plane; read again before each connection")
    .requiredOption("--cache <dir>", "where the compiled launcher is kept")
    .addOption(new Option("--launcher <kind>", "what starts task processes").choices(["auto", "compiled", "portable"]).default("auto"))
    .option("--orphan-seconds <n>", "end, with all tasks, after being cut off for so long; 0 never does", Number, 0)
    .option("--debug", "log more", false)
    .action((raw: AgentOptions) => actions.agent(raw));
  return program;
};

type RawStart = Omit<StartOptions, "accounts" | "storage" | "domain" | "imagePaths" | "domainGiven" | keyof FlagGroups> &
  RawIdentity &
  RawQuotas & { account?: string[]; storage: string; domain?: string; allowImagePath?: string[] };

const startOptions = (raw: RawStart): StartOptions => {
  const {
    account,
    allowWellKnownKey,
    storage,
    domain,
    allowImagePath = [],
    client,
    oidcIssuer,
    oidcAudience,
    oidcJwks,
    oidcRoleClaim,
    oidcRole,
    quota: _quota,
    ...options
  } = raw;
  const accounts = account?.map(accountOption) ?? [{ name: wellKnownAccount.name, key: wellKnownAccount.key }];
  if (accounts.some(({ key }) => key === wellKnownAccount.key) && !isLoopback(options.host) && !allowWellKnownKey) {
    throw new UserError(
      `The account key of ${wellKnownAccount.name} is published, so anyone who reaches ${options.host} could run commands here. ` +
        "Give accounts of your own with --account NAME:BASE64KEY, or pass --allow-well-known-key if that is what you want.",
      2,
    );
  }
  if ((options.cert === undefined) !== (options.key === undefined)) throw new UserError("--cert and --key go together.", 2);
  const twice = accounts.find(({ name }, index) => accounts.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new UserError(`The account ${twice.name} is given twice.`, 2);
  const names = { domain: domain ?? "localhost", domainGiven: domain !== undefined };
  const identity = identityOptions(raw, {
    allowed: isLoopback(options.host) || allowWellKnownKey,
    inUse: accounts.some(({ key }) => key === wellKnownAccount.key),
  });
  const imagePaths = allowImagePath.filter((path) => path !== "").map((path) => resolve(path));
  return {
    ...options,
    ...names,
    ...identity,
    ...quotaOptions(raw),
    imagePaths,
    accounts,
    allowWellKnownKey,
    storage: storageOption(storage),
  };
};
