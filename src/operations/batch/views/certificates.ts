// A certificate as clients see it, in the newest spelling. Its data and password are never part of it.
import type { Certificate as CertificateModel } from "../../../api/batch/certificates.ts";
import type { Infer } from "../../../api/fields.ts";
import type { Certificate } from "../../../domain/certificates.ts";
import { isoTime } from "../../../lib/clock.ts";
import { optionalTime } from "./failures.ts";

const keyed = (names: [algorithm: string, thumbprint: string], { thumbprintAlgorithm, thumbprint }: Certificate): string =>
  `/certificates(${names[0]}=${thumbprintAlgorithm},${names[1]}=${thumbprint})`;

export const certificateUrl = (baseUrl: string, certificate: Certificate): string =>
  `${baseUrl}${keyed(["thumbprintAlgorithm", "thumbprint"], certificate)}`;

/** The service capitalises the names in the headers that tell where a new certificate is (seen in 2021). */
export const newCertificateUrl = (baseUrl: string, certificate: Certificate): string =>
  `${baseUrl}${keyed(["ThumbprintAlgorithm", "Thumbprint"], certificate)}`;

export const certificateView = (certificate: Certificate, baseUrl: string): Infer<typeof CertificateModel> => ({
  thumbprint: certificate.thumbprint,
  thumbprintAlgorithm: certificate.thumbprintAlgorithm,
  url: certificateUrl(baseUrl, certificate),
  state: certificate.state,
  stateTransitionTime: isoTime(certificate.stateChangedAt),
  previousState: certificate.previousState,
  previousStateTransitionTime: optionalTime(certificate.previousStateChangedAt),
  publicData: certificate.publicData,
  deleteCertificateError: certificate.deleteError,
});
