// Ends the deletion of certificates: a while after the request one is gone, or its deletion has failed because pools use it. Without input
// but the store; may run at any time and twice.
import { deletionTakesMs, inUse } from "../../domain/certificates.ts";
import { getCertificate, poolsWithCertificate, removeCertificate, saveCertificate } from "../../store/certificates.ts";
import type { CertificateKey, Context } from "../context.ts";

export const reconcileCertificate = async (context: Context, key: CertificateKey): Promise<void> => {
  const waitMs = await context.store.decide(async (read) => {
    const certificate = await getCertificate(read, key.accountId, key.certificateKey);
    if (certificate?.state !== "deleting") return { writes: [], result: 0 };
    const now = context.clock.now();
    const early = certificate.stateChangedAt + deletionTakesMs - now;
    if (early > 0) return { writes: [], result: early };
    const pools = await poolsWithCertificate(read, certificate);
    return { writes: pools.length === 0 ? removeCertificate(certificate) : saveCertificate(inUse(certificate, pools, now)), result: 0 };
  });
  if (waitMs > 0) context.bells.certificateAfter(key, waitMs);
};
