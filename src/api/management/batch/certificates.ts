// Certificates as resources of ARM Microsoft.Batch, named by algorithm and thumbprint; gone from the newest version. Data only.
import { recorded } from "../../batch/recorded.ts";
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { accountPath, proxyResource } from "./common.ts";
import { selectListQuery } from "./pools.ts";

const state = ["Succeeded", "Deleting", "Failed"] as const;

const base = {
  thumbprintAlgorithm: f.string(),
  thumbprint: f.string(),
  format: f.enum(["Pfx", "Cer"]),
};

export const CertificateCreateOrUpdateProperties = model("CertificateCreateOrUpdateProperties", {
  ...base,
  data: required(f.string({ secret: true })),
  password: f.string({ secret: true }),
});

export const CertificateCreateOrUpdateParameters = model("CertificateCreateOrUpdateParameters", {
  ...proxyResource,
  properties: f.object(CertificateCreateOrUpdateProperties),
});

const DeleteCertificateErrorDetail = model("DeleteCertificateError", { code: required(f.string()), message: required(f.string()) });
export const DeleteCertificateError = model("DeleteCertificateError", {
  code: required(f.string()),
  message: required(f.string()),
  target: f.string(),
  details: f.array(f.object(DeleteCertificateErrorDetail)),
});

export const CertificateProperties = model("CertificateProperties", {
  ...base,
  provisioningState: f.enum(state, { readOnly: true }),
  provisioningStateTransitionTime: f.dateTime({ readOnly: true }),
  previousProvisioningState: f.enum(state, { readOnly: true }),
  previousProvisioningStateTransitionTime: f.dateTime({ readOnly: true }),
  publicData: f.string({ readOnly: true }),
  deleteCertificateError: f.object(DeleteCertificateError, { readOnly: true }),
});

export const Certificate = model("Certificate", { ...proxyResource, properties: f.object(CertificateProperties) });

const certificates = `${accountPath}/certificates` as const;
const oneCertificate = `${certificates}/{certificateName}` as const;
const common = { provider: microsoftBatch, since: "2017-09-01", until: "2024-07-01", recorded: recorded.certificatesKept } as const;
const shown = { status: 200, body: Certificate, etag: "weak" } as const;

export const createCertificate = managementOperation("Certificate_Create", {
  ...common,
  method: "PUT",
  path: oneCertificate,
  summary: "Adds a certificate, or gives one that is there other data.",
  query: noQuery,
  body: CertificateCreateOrUpdateParameters,
  conditions: "all",
  answer: shown,
  errors: ["CertificateBeingDeleted"],
});

export const updateCertificate = managementOperation("Certificate_Update", {
  ...common,
  method: "PATCH",
  path: oneCertificate,
  summary: "Gives a certificate other data.",
  query: noQuery,
  body: CertificateCreateOrUpdateParameters,
  conditions: "all",
  answer: shown,
  errors: ["CertificateNotFound", "CertificateBeingDeleted"],
});

export const getCertificate = managementOperation("Certificate_Get", {
  ...common,
  method: "GET",
  path: oneCertificate,
  summary: "Reads a certificate.",
  query: noQuery,
  answer: shown,
  errors: ["CertificateNotFound"],
});

export const listCertificates = managementOperation("Certificate_ListByBatchAccount", {
  ...common,
  method: "GET",
  path: certificates,
  summary: "Lists the certificates of an account.",
  query: selectListQuery,
  answer: { status: 200, item: Certificate },
  errors: [],
});

export const deleteCertificate = managementOperation("Certificate_Delete", {
  ...common,
  method: "DELETE",
  path: oneCertificate,
  summary: "Deletes a certificate; that fails later if a pool uses it.",
  query: noQuery,
  answer: { status: 202, statuses: [200, 202, 204] },
  errors: ["CertificateBeingDeleted"],
});

export const cancelCertificateDeletion = managementOperation("Certificate_CancelDeletion", {
  ...common,
  method: "POST",
  path: `${oneCertificate}/cancelDelete`,
  summary: "Makes a certificate active again whose deletion has failed.",
  query: noQuery,
  answer: shown,
  errors: ["CertificateNotFound", "CertificateStateActive", "CertificateBeingDeleted"],
});

export const getCertificateOperationResult = managementOperation("Certificate_GetOperationResult", {
  ...common,
  method: "GET",
  path: `${accountPath}/certificateOperationResults/{operationId}`,
  summary: "Tells whether the deletion of a certificate is over: the URL that Certificate_Delete gives.",
  query: noQuery,
  answer: { status: 200, statuses: [200, 202] },
  errors: ["ResourceNotFound"],
});
