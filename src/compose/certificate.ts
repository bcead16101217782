// Which certificate a start serves: the operator's, or one of the location's own CA for all names that this server goes by.
import { hostname } from "node:os";
import type { StartOptions } from "../cli/options.ts";
import { ensureCertificates, loadCertificates } from "../http/certificates.ts";
import { accountHost } from "../http/host-names.ts";
import { type ServedCertificate, serveCertificate } from "../http/served-certificate.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";

type Needs = {
  /** Where the CA and the certificate are kept. */
  directory: string;
  clock: Clock;
  ids: Ids;
  log: Log;
};

/** Throws BadCertificate. */
export const openCertificate = async (options: StartOptions, { directory, clock, ids, log }: Needs): Promise<ServedCertificate> => {
  const { cert, key, domain, region } = options;
  if (cert !== undefined && key !== undefined) return serveCertificate(await loadCertificates(cert, key, clock.now()), undefined, log);
  // Storage is reached below localhost whatever the domain is, so that a connection string outlives a change of it.
  const names = ["*.blob.localhost", domain, `*.blob.${domain}`, accountHost("*", region, domain)];
  const make = (further: readonly string[]) =>
    ensureCertificates({ directory, hostName: hostname(), extraNames: [...names, ...further], now: clock.now(), ids });
  return serveCertificate(await make([]), make, log);
};
