// Do clients started from this shell trust the server's CA? Each family has a variable of its own, and two of them replace the public
// authorities instead of adding to them, so what is offered for those is a bundle of both.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ReadyFile, shellQuoted } from "../ready.ts";
import { type Finding, note, ok } from "./findings.ts";

type Environment = Record<string, string | undefined>;

/** Of Debian and its kin, Red Hat and its kin, SUSE, Alpine. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

const clients: readonly { variable: string; who: string; adds: boolean }[] = [
  { variable: "REQUESTS_CA_BUNDLE", who: "az and Python", adds: false },
  { variable: "NODE_EXTRA_CA_CERTS", who: "Node.js", adds: true },
  { variable: "SSL_CERT_FILE", who: "Go, Terraform, .NET and OpenSSL", adds: false },
];

const contentOf = (file: string | undefined): string => {
  try {
    return file === undefined ? "" : readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** PEM without line ends, so that a copy in a bundle is found whatever those are. */
const bare = (pem: string): string => pem.replace(/\s+/g, "");

export const examineTrust = ({ caFile }: ReadyFile, environment: Environment, bundles = systemBundles): Finding[] => {
  if (caFile === null) return [];
  const ca = bare(contentOf(caFile));
  const system = bundles.find((file) => existsSync(file));
  const everywhere = system !== undefined && bare(contentOf(system)).includes(ca);
  return clients.map(({ variable, who, adds }) => {
    const given = environment[variable] || undefined;
    if (given !== undefined && bare(contentOf(given)).includes(ca))
      return ok("trust", `${who}: ${variable} names a file with this server's CA.`);
    if (given === undefined && everywhere && variable === "SSL_CERT_FILE")
      return ok("trust", `${who}: the system trusts this server's CA.`);
    const state = given === undefined ? "is not set here" : "names a file without this server's CA";
    const rest = given !== undefined && existsSync(given) ? given : adds ? undefined : system;
    const why = adds ? "" : " It replaces the public authorities, so this is a file with both.";
    return note("trust", `${who}: ${variable} ${state}; https needs it.${why}`, commands(variable, caFile, rest, system));
  });
};

/** `rest`: what is trusted besides, and must stay so. */
const commands = (variable: string, caFile: string, rest: string | undefined, system: string | undefined): string[] => {
  if (rest === undefined) return [`export ${variable}=${shellQuoted(caFile)}`];
  const joint = join(dirname(caFile), rest === system ? "with-public.pem" : `with-${variable.toLowerCase()}.pem`);
  return [`cat ${shellQuoted(rest)} ${shellQuoted(caFile)} > ${shellQuoted(joint)}`, `export ${variable}=${shellQuoted(joint)}`];
};
