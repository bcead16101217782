// Is the server there: over http and over https, ready, and with the time that this machine has?
import { readFileSync } from "node:fs";
import type { Clock } from "../../lib/clock.ts";
import type { ReadyFile } from "../ready.ts";
import { type Answer, ask } from "./ask.ts";
import { type Finding, failed, note, ok, reasonOf } from "./findings.ts";

/** What the service's shared key tolerates (403 beyond it), and when it is worth saying. */
const refusedBeyondMs = 15 * 60_000;
const oddBeyondMs = 60_000;

export const examineServer = async (ready: ReadyFile, clock: Clock): Promise<Finding[]> => {
  const before = clock.now();
  const plain = await ask(`${ready.batchUrl}/readyz`).catch((error: unknown) => error as Error);
  if (plain instanceof Error) {
    return [
      failed("http", `${ready.batchUrl} does not answer (${reasonOf(plain)}).`, ["Is it stopped, or behind a firewall? npx quern start"]),
    ];
  }
  return [readiness(ready, plain), await overTls(ready), skew(plain, (before + clock.now()) / 2)];
};

const readiness = ({ batchUrl }: ReadyFile, { status, body }: Answer): Finding => {
  const { parts } = parsed(body) as { parts?: Record<string, string> };
  const states = Object.entries(parts ?? {}).map(([name, state]) => `${name} ${state}`);
  const text = `${batchUrl} answers (${states.join(", ")}).`;
  if (status !== 200) return failed("http", text, ["What is not ready says why in the server's log: quern start --debug FILE"]);
  return parts?.agent === "away" ? note("http", `${text} Without its agent, tasks wait.`) : ok("http", text);
};

const overTls = async ({ batchUrlHttps, caFile }: ReadyFile): Promise<Finding> => {
  try {
    await ask(`${batchUrlHttps}/healthz`, { ca: caFile === null ? undefined : readFileSync(caFile, "utf8") });
    return ok("https", `${batchUrlHttps} answers with a certificate of ${caFile ?? "an authority that this machine trusts"}.`);
  } catch (error) {
    if (caFile === null && (error as NodeJS.ErrnoException).code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return note(
        "https",
        `The certificate given with --cert is not for ${new URL(batchUrlHttps).hostname}: clients have to use a name that it is for.`,
      );
    }
    return failed("https", `${batchUrlHttps} cannot be verified (${reasonOf(error)}).`, [
      caFile === null ? "The certificate given with --cert must be of an authority that clients trust." : `Clients have to trust ${caFile}`,
    ]);
  }
};

const skew = ({ headers }: Answer, at: number): Finding => {
  const offMs = Math.abs(Date.parse(headers.date ?? "") - at);
  const text = `This machine and the server differ by ${Math.round(offMs / 1000)} s.`;
  // The header has whole seconds.
  if (!(offMs > oddBeyondMs)) return ok("clock", "This machine and the server agree on the time.");
  return offMs > refusedBeyondMs
    ? failed("clock", `${text} Shared keys are refused beyond 15 minutes.`, ["timedatectl set-ntp true"])
    : note("clock", text, ["timedatectl set-ntp true"]);
};

const parsed = (text: string): object => {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
};
