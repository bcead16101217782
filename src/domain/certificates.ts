// Certificates: their values, their states, what must hold of one that is added, and whether a pool may name one. Pure.
import { X509Certificate } from "node:crypto";
import type { CertificateAddParameter } from "../api/batch/certificates.ts";
import { ApiError, invalidProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant } from "../lib/clock.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

export type CertificateState = "active" | "deleting" | "deletefailed";

export type DeleteError = { code: string; message: string; values: { name: string; value: string }[] };

export type Certificate = {
  accountId: number;
  key: string;
  thumbprint: string;
  thumbprintAlgorithm: string;
  format: "pfx" | "cer";
  /** Base64. With the password secret: neither is ever shown. */
  data: string;
  password?: string;
  /** Base64 of the certificate without a private key. */
  publicData?: string;
  state: CertificateState;
  stateChangedAt: Instant;
  previousState?: CertificateState;
  previousStateChangedAt?: Instant;
  /** Exactly while the deletion has failed. */
  deleteError?: DeleteError;
  generation: number;
};

export const certificateStates = stateMachine({
  states: ["active", "deleting", "deletefailed"],
  events: {
    delete: [[["active", "deletefailed"], "deleting"]],
    inUse: [[["deleting"], "deletefailed"]],
    cancel: [[["deletefailed"], "active"]],
  },
  refuse: { active: "CertificateStateActive", deleting: "CertificateBeingDeleted", deletefailed: "CertificateBeingDeleted" },
});

export type CertificateRefusal = Refusal<"CertificateStateActive" | "CertificateBeingDeleted">;

/** Blanks mean nothing in a thumbprint, nor does the mark that Windows puts before one that is copied. */
export const plainThumbprint = (thumbprint: string): string => thumbprint.replace(/[\s\u200e]/g, "");

/** Thumbprints and the names of algorithms are compared without regard to case. */
export const certificateKey = (algorithm: string, thumbprint: string): string =>
  `${algorithm}-${plainThumbprint(thumbprint)}`.toLowerCase();

const largestBytes = 10 * 1024;

/** Throws the refusal of what cannot be that certificate. */
export const newCertificate = (
  parameter: Infer<typeof CertificateAddParameter>,
  { accountId, now }: { accountId: number; now: Instant },
): Certificate => {
  const { thumbprintAlgorithm, data, password } = parameter;
  const thumbprint = plainThumbprint(parameter.thumbprint);
  const bytes = bytesOf(data);
  const format = parameter.certificateFormat ?? (isPfx(bytes) ? "pfx" : "cer");
  const publicData = format === "cer" ? publicPart(bytes, thumbprint) : undefined;
  if (format === "pfx" && !isPfx(bytes)) throw invalidProperty("data", "The data is not a certificate in the PFX format.");
  return {
    accountId,
    key: certificateKey(thumbprintAlgorithm, thumbprint),
    thumbprint,
    thumbprintAlgorithm,
    format,
    data,
    ...(password === undefined ? {} : { password }),
    ...(publicData === undefined ? {} : { publicData }),
    state: "active",
    stateChangedAt: now,
    generation: 0,
  };
};

const bytesOf = (data: string): Buffer => {
  const text = data.replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw invalidProperty("data", "The data must be encoded in base64.");
  const bytes = Buffer.from(text, "base64");
  if (bytes.length > largestBytes) throw invalidProperty("data", "The certificate must not be larger than 10 KB.");
  return bytes;
};

/** The certificate itself in DER, whether it came so or as PEM. Its thumbprint must be the one that was named. */
const publicPart = (bytes: Buffer, thumbprint: string): string => {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(bytes);
  } catch {
    throw invalidProperty("data", "The data is not a certificate in the CER format.");
  }
  if (certificate.fingerprint.replaceAll(":", "").toLowerCase() !== thumbprint.toLowerCase())
    throw invalidProperty("thumbprint", "The thumbprint is not that of the certificate.", thumbprint);
  return certificate.raw.toString("base64");
};

/**
 * Whether it has the outer form of PKCS #12: one sequence that begins with the version, 3. It is not opened: how much work its password
 * costs is written in the file, so that a hostile one would stop the program for hours.
 */
const isPfx = (bytes: Buffer): boolean => {
  const header = /^30(?:80|([0-7].)|81(..)|82(....))020103/s.exec(bytes.subarray(0, 8).toString("hex"));
  if (header === null) return false;
  const length = header[1] ?? header[2] ?? header[3];
  // Without a length it ends with an end mark somewhere.
  return length === undefined || (header[0].length - 6) / 2 + Number.parseInt(length, 16) === bytes.length;
};

const moved = (certificate: Certificate, to: CertificateState, now: Instant): Certificate => ({
  ...certificate,
  state: to,
  stateChangedAt: now,
  previousState: certificate.state,
  previousStateChangedAt: certificate.stateChangedAt,
  deleteError: undefined,
});

/** It is gone, or the deletion has failed, some time later. */
export const deleteCertificate = (certificate: Certificate, now: Instant): { after: Certificate } | CertificateRefusal => {
  const move = certificateStates.next(certificate.state, "delete");
  return move.refused !== undefined ? { refused: move.refused } : { after: moved(certificate, move.to, now) };
};

export const cancelDeletion = (certificate: Certificate, now: Instant): { after: Certificate } | CertificateRefusal => {
  const move = certificateStates.next(certificate.state, "cancel");
  return move.refused !== undefined ? { refused: move.refused } : { after: moved(certificate, move.to, now) };
};

/** So long a deleted certificate is seen as `deleting`, as the real service lets it be seen (its own takes about a minute). */
export const deletionTakesMs = 2_000;

/** The deletion has failed, because these pools use the certificate. Code and words are those of the service's documents. */
export const inUse = (certificate: Certificate, poolIds: readonly string[], now: Instant): Certificate => ({
  ...moved(certificate, "deletefailed", now),
  deleteError: {
    code: "PoolsReferencingCertificate",
    message: "The specified certificate is being used by the below mentioned pool(s)",
    values: [{ name: "Pools", value: poolIds.join(",") }],
  },
});

export type CertificateReference = { thumbprint: string; thumbprintAlgorithm: string };

export type BadReference = { reference: CertificateReference; reason: string };

/** Those that name no certificate of the account, or one that is being deleted, and which of the two it is. */
export const badReferences = (
  references: readonly CertificateReference[],
  found: ReadonlyMap<string, Pick<Certificate, "state">>,
): BadReference[] =>
  references.flatMap((reference) => {
    const state = found.get(certificateKey(reference.thumbprintAlgorithm, reference.thumbprint))?.state;
    if (state === "active") return [];
    return [{ reference, reason: `The specified certificate ${state === undefined ? "does not exist" : "is being deleted"}.` }];
  });

/** Throws InvalidCertificateReferences unless each is a certificate of the account that nobody is deleting. */
export const checkCertificateReferences = (
  references: readonly CertificateReference[],
  found: ReadonlyMap<string, Pick<Certificate, "state">>,
): void => {
  const values = badReferences(references, found).map(({ reference, reason }) => ({ key: reference.thumbprint, value: reason }));
  if (values.length > 0) throw new ApiError("InvalidCertificateReferences", values);
};
