// What the operations on certificates do. A deletion is only begun here; whether it succeeds the reconciler finds out.
import type * as api from "../../api/batch/certificates.ts";
import { ApiError } from "../../api/errors.ts";
import {
  type Certificate,
  type CertificateRefusal,
  cancelDeletion,
  certificateKey,
  deleteCertificate as deletedCertificate,
  newCertificate,
} from "../../domain/certificates.ts";
import { accountGuard } from "../../scheduler/quotas.ts";
import * as store from "../../store/certificates.ts";
import type { Reader } from "../../store/db.ts";
import type { Handler, Services } from "../handler.ts";
import { allowed, cutPage } from "./load.ts";
import { certificateView, newCertificateUrl } from "./views/certificates.ts";

export const addCertificate: Handler<typeof api.addCertificate> = async ({ principal, body, baseUrl, now }, services) => {
  const certificate = newCertificate(body, { accountId: principal.accountId, now });
  await services.store.decide(async (read) => {
    const existing = await store.getCertificate(read, certificate.accountId, certificate.key);
    if (existing !== undefined) throw new ApiError(existing.state === "deleting" ? "CertificateBeingDeleted" : "CertificateExists");
    return { writes: [await accountGuard(read, certificate.accountId), ...store.insertCertificate(certificate)], result: undefined };
  });
  return { created: certificate.thumbprint, createdUrl: newCertificateUrl(baseUrl, certificate) };
};

/** Of certificates a page holds fewer than of anything else, whatever the client asks for. */
const largestPage = 100;

export const listCertificates: Handler<typeof api.listCertificates> = async ({ principal, page, filter, baseUrl }, { store: read }) => {
  const limit = Math.min(page.limit, largestPage);
  const found = await store.listCertificates(read, { accountId: principal.accountId, ...page, limit: limit + 1, filter });
  const { elements, next } = cutPage(found, limit, (certificate) => certificate.key);
  return { items: elements.map((certificate) => certificateView(certificate, baseUrl)), next };
};

export const getCertificate: Handler<typeof api.getCertificate> = async ({ principal, params, baseUrl }, { store: read }) => ({
  body: certificateView(await loadCertificate(read, principal.accountId, params), baseUrl),
});

export const deleteCertificate: Handler<typeof api.deleteCertificate> = async (request, services) => {
  const { accountId, key } = await changeCertificate(request, services, (certificate) => deletedCertificate(certificate, request.now));
  services.wake.certificate(accountId, key);
  return {};
};

export const cancelCertificateDeletion: Handler<typeof api.cancelCertificateDeletion> = async (request, services) => {
  await changeCertificate(request, services, (certificate) => cancelDeletion(certificate, request.now));
  return {};
};

type Named = { thumbprintAlgorithm: string; thumbprint: string };

const loadCertificate = async (read: Reader, accountId: number, { thumbprintAlgorithm, thumbprint }: Named): Promise<Certificate> => {
  const certificate = await store.getCertificate(read, accountId, certificateKey(thumbprintAlgorithm, thumbprint));
  if (certificate === undefined) throw new ApiError("CertificateNotFound");
  return certificate;
};

/** Loads, lets `change` decide, saves. */
const changeCertificate = (
  { principal, params }: { principal: { accountId: number }; params: Named },
  services: Services,
  change: (certificate: Certificate) => { after: Certificate } | CertificateRefusal,
): Promise<Certificate> =>
  services.store.decide(async (read) => {
    const after = allowed(change(await loadCertificate(read, principal.accountId, params)));
    return { writes: store.saveCertificate(after), result: after };
  });
