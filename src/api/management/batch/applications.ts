// Applications and their packages (ARM Microsoft.Batch). Until 2017-09-01 they were flat objects with statuses of their own; since 2018-12-01
// they are resources like the others.
import { type Conversion, f, legacy, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { accountPath, MaxResultsQuery, proxyResource } from "./common.ts";

const flat = { until: "2017-09-01" } as const;
const resource = { since: "2018-12-01" } as const;
/** Handlers answer with the status that belongs to the form. */
const traits = { flat };

export const ApplicationProperties = model("ApplicationProperties", {
  displayName: f.string({ maxLength: 1024 }),
  allowUpdates: f.boolean(),
  defaultVersion: f.string(),
});

/** The flat form had what is in `properties` at the top, and its id was the application's name. */
const nested: Conversion = {
  until: "2017-09-01",
  up: (value) => {
    const { displayName, allowUpdates, defaultVersion } = value;
    value.properties = Object.fromEntries(
      Object.entries({ displayName, allowUpdates, defaultVersion }).filter(([, one]) => one !== undefined),
    );
  },
  down: (value) => {
    Object.assign(value, value.properties, { id: value.name });
  },
};

const { id, name, type, etag, tags } = proxyResource;
const envelope = {
  id,
  name: { ...name, options: { ...name.options, ...resource } },
  type: { ...type, options: { ...type.options, ...resource } },
  etag: { ...etag, options: { ...etag.options, ...resource } },
  tags,
} as const;

/** As clients send it. */
export const ApplicationParameters = model(
  "Application",
  {
    ...envelope,
    properties: f.object(ApplicationProperties, resource),
    displayName: legacy(f.string({ ...flat, maxLength: 1024 })),
    allowUpdates: legacy(f.boolean(flat)),
    defaultVersion: legacy(f.string(flat)),
  },
  { conversions: [nested] },
);

export const ApplicationPackageProperties = model("ApplicationPackageProperties", {
  state: f.enum(["Pending", "Active"], { readOnly: true }),
  format: f.string({ readOnly: true }),
  storageUrl: f.string({ readOnly: true }),
  storageUrlExpiry: f.dateTime({ readOnly: true }),
  lastActivationTime: f.dateTime({ readOnly: true }),
});

/** Of a package the flat form had the application's name as its id. */
const nestedPackage: Conversion = {
  until: "2017-09-01",
  down: (value) => {
    Object.assign(value, value.properties, { id: String(value.id).split("/").at(-3), version: value.name });
  },
};

export const ApplicationPackage = model(
  "ApplicationPackage",
  {
    ...envelope,
    properties: f.object(ApplicationPackageProperties, resource),
    version: f.string({ ...flat, readOnly: true }),
    state: f.enum(["Pending", "Active"], { ...flat, readOnly: true }),
    format: f.string({ ...flat, readOnly: true }),
    storageUrl: f.string({ ...flat, readOnly: true }),
    storageUrlExpiry: f.dateTime({ ...flat, readOnly: true }),
    lastActivationTime: f.dateTime({ ...flat, readOnly: true }),
  },
  { conversions: [nestedPackage] },
);

/** As clients get it. */
export const Application = model(
  "Application",
  {
    ...envelope,
    properties: f.object(ApplicationProperties, resource),
    displayName: f.string(flat),
    allowUpdates: f.boolean(flat),
    defaultVersion: f.string(flat),
    packages: f.array(f.object(ApplicationPackage), flat),
  },
  { conversions: [nested] },
);

export const ActivateApplicationPackageParameters = model("ActivateApplicationPackageParameters", {
  format: required(f.string()),
});

const applicationPath = `${accountPath}/applications/{applicationName}` as const;
const packagePath = `${applicationPath}/versions/{versionName}` as const;

export const createApplication = managementOperation("Application_Create", {
  provider: microsoftBatch,
  method: "PUT",
  path: applicationPath,
  summary: "Adds an application to the account; with a body, says what it is called and whether its packages may change.",
  query: noQuery,
  body: ApplicationParameters,
  bodyOptional: true,
  traits,
  answer: { status: 200, statuses: [201], body: Application, etag: "weak" },
  errors: ["ResourceNotFound", "AutoStorageNotConfigured", "ApplicationLimitReached", "ApplicationPackageNotFound"],
});

export const updateApplication = managementOperation("Application_Update", {
  provider: microsoftBatch,
  method: "PATCH",
  path: applicationPath,
  summary: "Changes what is given of an application.",
  query: noQuery,
  body: ApplicationParameters,
  // In no document, but the service has them (reference: management-plane, ARM conventions).
  conditions: "all",
  traits,
  answer: { status: 200, statuses: [204], body: Application, etag: "weak" },
  errors: ["ResourceNotFound", "ApplicationNotFound", "ApplicationPackageNotFound", "ConditionNotMet"],
});

export const getApplication = managementOperation("Application_Get", {
  provider: microsoftBatch,
  method: "GET",
  path: applicationPath,
  summary: "One application.",
  query: noQuery,
  traits,
  answer: { status: 200, body: Application, etag: "weak" },
  errors: ["ResourceNotFound", "ApplicationNotFound"],
});

export const listApplications = managementOperation("Application_List", {
  provider: microsoftBatch,
  method: "GET",
  path: `${accountPath}/applications`,
  summary: "The applications of the account.",
  query: MaxResultsQuery,
  traits,
  answer: { status: 200, item: Application },
  errors: ["ResourceNotFound"],
});

export const deleteApplication = managementOperation("Application_Delete", {
  provider: microsoftBatch,
  method: "DELETE",
  path: applicationPath,
  summary: "Deletes an application that has no packages.",
  query: noQuery,
  traits,
  answer: { status: 200, statuses: [204] },
  errors: ["ResourceNotFound", "ApplicationPackagesExist"],
});

export const createApplicationPackage = managementOperation("ApplicationPackage_Create", {
  provider: microsoftBatch,
  method: "PUT",
  path: packagePath,
  summary: "Adds a version of an application, or makes it anew, and says where its file is to be uploaded.",
  query: noQuery,
  body: ApplicationPackage,
  bodyOptional: true,
  traits,
  answer: { status: 200, statuses: [201], body: ApplicationPackage, etag: "weak" },
  errors: [
    "ResourceNotFound",
    "ApplicationNotFound",
    "AutoStorageNotConfigured",
    "ApplicationUpdatesNotAllowed",
    "ApplicationLimitReached",
  ],
});

export const activateApplicationPackage = managementOperation("ApplicationPackage_Activate", {
  provider: microsoftBatch,
  method: "POST",
  path: `${packagePath}/activate`,
  summary: "Makes an uploaded package one that nodes get.",
  query: noQuery,
  body: ActivateApplicationPackageParameters,
  traits,
  answer: { status: 200, statuses: [204], body: ApplicationPackage, etag: "weak" },
  errors: [
    "ResourceNotFound",
    "ApplicationNotFound",
    "ApplicationPackageNotFound",
    "ApplicationPackageBlobNotFound",
    "InvalidPropertyValue",
  ],
});

export const getApplicationPackage = managementOperation("ApplicationPackage_Get", {
  provider: microsoftBatch,
  method: "GET",
  path: packagePath,
  summary: "One version of an application, with a fresh URL of its file.",
  query: noQuery,
  answer: { status: 200, body: ApplicationPackage, etag: "weak" },
  errors: ["ResourceNotFound", "ApplicationNotFound", "ApplicationPackageNotFound"],
});

export const listApplicationPackages = managementOperation("ApplicationPackage_List", {
  provider: microsoftBatch,
  since: "2018-12-01",
  method: "GET",
  path: `${applicationPath}/versions`,
  summary: "The versions of an application.",
  query: MaxResultsQuery,
  answer: { status: 200, item: ApplicationPackage },
  errors: ["ResourceNotFound", "ApplicationNotFound"],
});

export const deleteApplicationPackage = managementOperation("ApplicationPackage_Delete", {
  provider: microsoftBatch,
  method: "DELETE",
  path: packagePath,
  summary: "Deletes a version of an application and its file.",
  query: noQuery,
  traits,
  answer: { status: 200, statuses: [204] },
  errors: ["ResourceNotFound", "ApplicationUpdatesNotAllowed"],
});
