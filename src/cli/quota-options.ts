// The flags of `quern start` that limit what each account may have. Without one nothing is limited.
import { type Command, Option } from "commander";
import { UserError } from "./usage-error.ts";

/** As domain/quotas.ts has them; families by name in lower case. */
type Quotas = { [Name in (typeof names)[number]]?: number } & { families: Record<string, number> };

export type QuotaOptions = { quotas: Quotas };
export type RawQuotas = { quota?: string[] };

const names = ["dedicatedCores", "lowPriorityCores", "pools", "jobs", "accounts"] as const;

const collect = (text: string, earlier: string[] = []): string[] => [...earlier, ...text.split(",").map((part) => part.trim())];

export const addQuotaOptions = (command: Command): Command =>
  command.addOption(
    new Option(
      "--quota <name=number>",
      `what each account may have: ${names.join(", ")} (accounts: in each location), or family:NAME for the dedicated cores of a family of VM sizes (repeatable; default no limits)`,
    )
      .env("QUERN_QUOTA")
      .argParser(collect),
  );

/** The last one counts of those that name the same. */
export const quotaOptions = ({ quota = [] }: RawQuotas): QuotaOptions => {
  const families: Record<string, number> = {};
  const quotas: Quotas = { families };
  for (const text of quota.filter((one) => one !== "")) {
    const [, name = "", digits = ""] = /^([A-Za-z]+|family:[A-Za-z0-9_]{1,64})=(\d{1,9})$/.exec(text) ?? [];
    const known = names.find((one) => one.toLowerCase() === name.toLowerCase());
    if (known !== undefined) quotas[known] = Number(digits);
    else if (name.startsWith("family:")) families[name.slice("family:".length).toLowerCase()] = Number(digits);
    else
      throw new UserError(
        `--quota takes NAME=NUMBER, where NAME is ${names.join(", ")} or family:NAME; '${text.slice(0, 80)}' is neither.`,
        2,
      );
  }
  return { quotas };
};
