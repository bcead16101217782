// What the operations on certificates of ARM do: the data plane's certificates, by the name `{algorithm}-{thumbprint}`.
import { CertificateAddParameter } from "../../../api/batch/certificates.ts";
import { ApiError, invalidProperty } from "../../../api/errors.ts";
import type { Infer, Plain } from "../../../api/fields.ts";
import type * as api from "../../../api/management/batch/certificates.ts";
import { baseline } from "../../../api/versions.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import {
  type Certificate,
  type CertificateRefusal,
  cancelDeletion,
  deleteCertificate as deletedCertificate,
  newCertificate,
} from "../../../domain/certificates.ts";
import { checkConditions } from "../../../domain/conditions.ts";
import type { Stamp } from "../../../lib/clock.ts";
import { etagOf, isoTime } from "../../../lib/clock.ts";
import { accountGuard } from "../../../scheduler/quotas.ts";
import * as store from "../../../store/certificates.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { parseBody } from "../../../wire/parse.ts";
import { allowed, cutPage } from "../../batch/load.ts";
import type { Reply } from "../../handler.ts";
import { weakEtag } from "../etags.ts";
import type { ManagementHandler, ManagementRequest, ManagementServices } from "../handler.ts";
import { certificateFilter } from "./filters.ts";
import { accountType, childId, loadAccount, noResource } from "./load.ts";
import { resultUrl, retryAfter } from "./long-running.ts";

type Body = Infer<typeof api.CertificateCreateOrUpdateParameters>;

export const createCertificate: ManagementHandler<typeof api.createCertificate> = (request, services) => put(request, services, "create");
export const updateCertificate: ManagementHandler<typeof api.updateCertificate> = (request, services) => put(request, services, "update");

type PutRequest = Pick<ManagementRequest<typeof api.createCertificate>, "params" | "body" | "preconditions" | "now">;

/** The data of one that is there is replaced; that a PUT may do so too is unverified. Data that is the same already changes nothing. */
const put = async (
  { params, body, preconditions, now }: PutRequest,
  services: ManagementServices,
  kind: "create" | "update",
): Promise<Reply> => {
  const parameter = parameterOf(params.certificateName, body);
  const result = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const made = inManagementNames(() => newCertificate(parameter, { accountId: account.id, now }));
    const before = await store.getCertificate(read, account.id, made.key);
    if (before === undefined) {
      if (kind === "update") throw new ApiError("CertificateNotFound");
      if (preconditions.ifMatch !== undefined) throw new ApiError("ConditionNotMet");
      const writes = [await accountGuard(read, account.id), ...store.insertCertificate(made)];
      return { writes, result: { account, certificate: made } };
    }
    checkConditions(preconditions, modifiedOf(before), "write");
    if (before.state === "deleting") throw new ApiError("CertificateBeingDeleted");
    const changed = withData(before, made);
    const writes = dataWrites(before, changed);
    return { writes, result: { account, certificate: writes.length === 0 ? before : saved(changed) } };
  });
  return certificateReply(result, services);
};

/** As its row is after it was written. */
const saved = (certificate: Certificate): Certificate => ({ ...certificate, generation: certificate.generation + 1 });

const withData = (before: Certificate, { format, data, password, publicData }: Certificate): Certificate => {
  const { password: _, publicData: __, ...rest } = before;
  return {
    ...rest,
    format,
    data,
    ...(password === undefined ? {} : { password }),
    ...(publicData === undefined ? {} : { publicData }),
  };
};

const dataWrites = (before: Certificate, after: Certificate): Write[] => {
  const same = before.format === after.format && before.data === after.data && before.password === after.password;
  return same ? [] : store.saveCertificateData(after);
};

/** By the data plane's own rules, in ARM's names. */
const parameterOf = (name: string, { properties }: Body): Infer<typeof CertificateAddParameter> => {
  const [, thumbprintAlgorithm, thumbprint] = /^([A-Za-z0-9]{1,16})-(\w{1,64})$/.exec(name) ?? [];
  if (thumbprintAlgorithm === undefined || thumbprint === undefined)
    throw invalidProperty("name", "The value must be an algorithm and a thumbprint with a hyphen in between.", name);
  for (const [key, value] of Object.entries({ thumbprintAlgorithm, thumbprint })) {
    const said = properties?.[key as "thumbprint"];
    if (said !== undefined && said.toLowerCase() !== value.toLowerCase())
      throw inPlace(invalidProperty(key, "The value is not that in the name of the certificate.", said));
  }
  const { data, password, format: certificateFormat } = properties ?? {};
  const json = { thumbprint, thumbprintAlgorithm, data, password, certificateFormat };
  const given: Plain = Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
  return inManagementNames(() => parseBody(CertificateAddParameter, given, baseline));
};

const inManagementNames = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof ApiError ? inPlace(error) : error;
  }
};

const inPlace = (error: ApiError): ApiError => {
  const values = error.values.flatMap((one) => {
    if (one.key !== "PropertyName") return [one];
    const value = one.value === "certificateFormat" ? "format" : one.value;
    return [
      { key: one.key, value },
      { key: "PropertyPath", value: `properties.${value}` },
    ];
  });
  return new ApiError(error.code, values, error.message, error.status);
};

export const getCertificate: ManagementHandler<typeof api.getCertificate> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  return certificateReply({ account, certificate: await loadCertificate(services.store, account, params.certificateName) }, services);
};

/** As the data plane's. */
const largestPage = 100;

export const listCertificates: ManagementHandler<typeof api.listCertificates> = async ({ params, page, filter }, services) => {
  const account = await loadAccount(services.store, params);
  const limit = Math.min(page.limit, largestPage);
  const wanted = { accountId: account.id, ...page, limit: limit + 1, filter: certificateFilter(filter) };
  const { elements, next } = cutPage(await store.listCertificates(services.store, wanted), limit, (certificate) => certificate.key);
  return { items: elements.map((certificate) => certificateResource(certificate, account, services)), next };
};

/** To one that is being deleted already 202 again: clients then follow its URL. */
export const deleteCertificate: ManagementHandler<typeof api.deleteCertificate> = async (request, services) => {
  const { params, now } = request;
  const found = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const certificate = await store.getCertificate(read, account.id, params.certificateName.toLowerCase());
    if (certificate === undefined) return { writes: [], result: undefined };
    if (certificate.state === "deleting") return { writes: [], result: { account, certificate } };
    const after = allowed(deletedCertificate(certificate, now));
    return { writes: store.saveCertificate(after), result: { account, certificate: saved(after) } };
  });
  if (found === undefined) return { status: 204 };
  services.wake.certificate(found.certificate.accountId, found.certificate.key);
  return going(found, request, services);
};

/** 202 as long as it is going. A deletion that failed says why. */
export const getCertificateOperationResult: ManagementHandler<typeof api.getCertificateOperationResult> = async (request, services) => {
  const { params } = request;
  const account = await loadAccount(services.store, params);
  const name = /^delete-(.+)$/i.exec(params.operationId)?.[1];
  if (name === undefined) {
    const type = `${accountType}/certificateOperationResults`;
    throw noResource(type, `${account.name}/${params.operationId}`, account.resourceGroup);
  }
  const certificate = await store.getCertificate(services.store, account.id, name.toLowerCase());
  if (certificate?.state === "deleting") return going({ account, certificate }, request, services);
  if (certificate?.state !== "deletefailed") return { status: 200 };
  const { message, values } = certificate.deleteError!;
  const details = values.map((one) => ({ key: one.name, value: one.value }));
  throw new ApiError("PoolsReferencingCertificate", details, message);
};

export const cancelCertificateDeletion: ManagementHandler<typeof api.cancelCertificateDeletion> = async ({ params, now }, services) => {
  const result = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const change: { after: Certificate } | CertificateRefusal = cancelDeletion(
      await loadCertificate(read, account, params.certificateName),
      now,
    );
    const certificate = allowed(change);
    return { writes: store.saveCertificate(certificate), result: { account, certificate: saved(certificate) } };
  });
  return certificateReply(result, services);
};

const loadCertificate = async (read: Reader, account: BatchAccount, name: string): Promise<Certificate> => {
  const certificate = await store.getCertificate(read, account.id, name.toLowerCase());
  if (certificate === undefined) throw new ApiError("CertificateNotFound");
  return certificate;
};

type Found = { account: BatchAccount; certificate: Certificate };

const going = (
  { account, certificate }: Found,
  request: { baseUrl: string; apiVersion: string },
  { settings }: ManagementServices,
): Reply => {
  const path = childId(settings, account, "certificateOperationResults", `delete-${nameOf(certificate)}`);
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

const nameOf = ({ thumbprintAlgorithm, thumbprint }: Certificate): string => `${thumbprintAlgorithm}-${thumbprint}`;

/** The data plane's certificates have no ETag: this one changes with the state and with the data. */
const modifiedOf = ({ stateChangedAt, generation }: Certificate): Stamp => stateChangedAt * 1000 + (generation % 1000);

const certificateReply = ({ account, certificate }: Found, services: ManagementServices): Reply => ({
  body: certificateResource(certificate, account, services),
  etag: etagOf(modifiedOf(certificate)),
});

const states = { active: "Succeeded", deleting: "Deleting", deletefailed: "Failed" } as const;

const certificateResource = (certificate: Certificate, account: BatchAccount, { settings }: Pick<ManagementServices, "settings">) => {
  const { thumbprint, thumbprintAlgorithm, format, publicData, previousState, previousStateChangedAt, deleteError } = certificate;
  return {
    id: childId(settings, account, "certificates", nameOf(certificate)),
    name: nameOf(certificate),
    type: `${accountType}/certificates`,
    etag: weakEtag(modifiedOf(certificate)),
    properties: {
      thumbprint,
      thumbprintAlgorithm,
      format,
      provisioningState: states[certificate.state],
      provisioningStateTransitionTime: isoTime(certificate.stateChangedAt),
      previousProvisioningState: previousState && states[previousState],
      previousProvisioningStateTransitionTime: previousStateChangedAt === undefined ? undefined : isoTime(previousStateChangedAt),
      publicData,
      deleteCertificateError: deleteError && {
        code: deleteError.code,
        message: deleteError.message,
        target: "BatchAccount",
        details: deleteError.values.map(({ name, value }) => ({ code: name, message: value })),
      },
    },
  };
};
