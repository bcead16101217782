// Certificates of the account, which pools name by their thumbprint; gone from the newest version. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { NameValuePair } from "./failures.ts";
import { selectListQuery, selectQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";

const until = "2024-07-01.20.0";
const state = ["active", "deleting", "deletefailed"] as const;

/** The thumbprint may have blanks, as Windows shows it. */
export const CertificateAddParameter = model(
  "CertificateAddParameter",
  {
    thumbprint: required(
      f.string({
        pattern: /^[ \u200e]*([0-9A-Fa-f] *){1,40}$/,
        what: "a thumbprint of up to 40 hexadecimal digits",
        recorded: recorded.certificates,
      }),
    ),
    thumbprintAlgorithm: required(f.string({ pattern: /^sha1$/i, what: "sha1, the only algorithm for thumbprints" })),
    data: required(f.string({ minLength: 1, secret: true })),
    certificateFormat: f.enum(["pfx", "cer"]),
    password: f.string({ secret: true }),
  },
  { rules: [{ rule: "excludes", property: "certificateFormat", is: "cer", others: ["password"] }] },
);

export const DeleteCertificateError = model("DeleteCertificateError", {
  code: f.string(),
  message: f.string(),
  values: f.array(f.object(NameValuePair)),
});

export const Certificate = model("Certificate", {
  thumbprint: f.string(),
  thumbprintAlgorithm: f.string(),
  url: f.string(),
  state: f.enum(state),
  stateTransitionTime: f.dateTime(),
  previousState: f.enum(state),
  previousStateTransitionTime: f.dateTime(),
  publicData: f.string(),
  deleteCertificateError: f.object(DeleteCertificateError),
});

const oneCertificate = "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})";

export const addCertificate = operation("Certificate_Add", {
  until,
  method: "POST",
  path: "/certificates",
  recorded: recorded.certificatesKept,
  summary: "Adds a certificate.",
  query: noQuery,
  body: CertificateAddParameter,
  conditions: "none",
  answer: { status: 201, dataServiceId: true, location: true },
  errors: ["CertificateExists", "CertificateBeingDeleted"],
});

export const listCertificates = operation("Certificate_List", {
  until,
  method: "GET",
  path: "/certificates",
  recorded: recorded.certificatesKept,
  summary: "Lists the certificates of the account.",
  query: selectListQuery,
  conditions: "none",
  answer: { status: 200, item: Certificate, metadata: "certificates" },
  errors: [],
});

export const getCertificate = operation("Certificate_Get", {
  until,
  method: "GET",
  path: oneCertificate,
  recorded: recorded.certificatesKept,
  summary: "Reads a certificate.",
  query: selectQuery,
  conditions: "none",
  answer: { status: 200, body: Certificate, metadata: "certificates/@Element" },
  errors: ["CertificateNotFound"],
});

export const deleteCertificate = operation("Certificate_Delete", {
  until,
  method: "DELETE",
  path: oneCertificate,
  recorded: recorded.certificatesKept,
  summary: "Deletes a certificate; that fails later if a pool uses it.",
  query: noQuery,
  conditions: "none",
  answer: { status: 202 },
  errors: ["CertificateNotFound", "CertificateBeingDeleted"],
});

export const cancelCertificateDeletion = operation("Certificate_CancelDeletion", {
  until,
  method: "POST",
  path: `${oneCertificate}/canceldelete`,
  recorded: recorded.certificatesKept,
  summary: "Makes a certificate active again whose deletion has failed.",
  query: noQuery,
  conditions: "none",
  answer: { status: 204, dataServiceId: true },
  errors: ["CertificateNotFound", "CertificateStateActive", "CertificateBeingDeleted"],
});
