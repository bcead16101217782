// Whether the certificates that a pool names can be used, for everything that makes or changes pools: the check, and the guards that make
// it still true when the pool is committed.
import { type CertificateReference, certificateKey, checkCertificateReferences } from "../domain/certificates.ts";
import { certificateStatesOf, checkCertificatesActive } from "../store/certificates.ts";
import type { Reader, Write } from "../store/db.ts";

/** Throws InvalidCertificateReferences. Put what it gives into the commit that makes the pool name them. */
export const certificateGuards = async (
  read: Reader,
  accountId: number,
  references: readonly CertificateReference[] | undefined,
): Promise<Write[]> => {
  if (references === undefined || references.length === 0) return [];
  const keys = references.map(({ thumbprint, thumbprintAlgorithm }) => certificateKey(thumbprintAlgorithm, thumbprint));
  checkCertificateReferences(references, await certificateStatesOf(read, accountId, keys));
  return checkCertificatesActive(accountId, keys);
};
