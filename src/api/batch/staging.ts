// Files that are brought to a task before it runs and taken from it afterwards. Data only.
import { f, model, required } from "../fields.ts";
import { ComputeNodeIdentityReference } from "./common.ts";
import { recorded } from "./recorded.ts";

/** `httpUrl` was `blobSource`, and a file path had to be given, until containers became a source too. */
export const ResourceFile = model(
  "ResourceFile",
  {
    autoStorageContainerName: f.string({ since: "2018-12-01.8.0", minLength: 1 }),
    storageContainerUrl: f.string({ since: "2018-12-01.8.0", minLength: 1 }),
    httpUrl: f.string({ renamed: [{ until: "2018-08-01.7.0", as: "blobSource" }], requiredIn: { until: "2018-08-01.7.0" }, minLength: 1 }),
    blobPrefix: f.string({ since: "2018-12-01.8.0" }),
    filePath: f.string({ requiredIn: { until: "2018-08-01.7.0" } }),
    fileMode: f.string({ since: "2016-02-01.3.0" }),
    identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01.14.0", recorded: recorded.identities }),
  },
  {
    rules: [
      { rule: "exactlyOne", of: ["httpUrl", "storageContainerUrl", "autoStorageContainerName"] },
      { rule: "needs", property: "httpUrl", others: ["filePath"] },
      { rule: "excludes", property: "httpUrl", others: ["blobPrefix"] },
    ],
  },
);

export const HttpHeader = model("HttpHeader", {
  name: required(f.string({ minLength: 1 })),
  value: f.string(),
});

export const OutputFileBlobContainerDestination = model("OutputFileBlobContainerDestination", {
  path: f.string(),
  containerUrl: required(f.string({ minLength: 1 })),
  identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01.14.0", recorded: recorded.identities }),
  uploadHeaders: f.array(f.object(HttpHeader), { since: "2022-01-01.15.0" }),
});

export const OutputFileDestination = model("OutputFileDestination", {
  container: f.object(OutputFileBlobContainerDestination),
});

/** The service answers these capitalised (reference/real-behaviours.md section 3). */
export const outputFileUploadCondition = ["TaskSuccess", "TaskFailure", "TaskCompletion"] as const;

export const OutputFileUploadOptions = model("OutputFileUploadOptions", {
  uploadCondition: required(f.enum(outputFileUploadCondition)),
});

export const OutputFile = model("OutputFile", {
  filePattern: required(f.string({ minLength: 1 })),
  destination: required(f.object(OutputFileDestination)),
  uploadOptions: required(f.object(OutputFileUploadOptions)),
});
