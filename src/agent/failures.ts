// The failures that only the agent can tell, in the service's words (reference/jobs-and-tasks.md section 4.4). Exit codes are judged by the control plane.
import type { Failure, NodeError, PackageOrder } from "../api/agent/messages.ts";

/** A package that a node or a task cannot have, and why, in a sentence without secrets. */
export type MissingPackage = { order: PackageOrder; why: string };

/** A command line can be longer than the control plane takes in a message about it. */
const longestDetail = 4096;

const details = (values: Record<string, string | undefined>): { name: string; value: string }[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: value.slice(0, longestDetail) }]));

/** A URL as failures may show it: no query (it can be a SAS) and no user info. */
export const withoutSecrets = (url: string): string => {
  const bare = url.replace(/[?#].*$/s, "");
  return bare.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1");
};

export const programNotFound = (commandLine: string): Failure => ({
  category: "usererror",
  code: "CommandProgramNotFound",
  message: "The specified command program is not found",
  details: details({ CommandLine: commandLine, Message: "The system cannot find the file specified." }),
});

export const launchFailed = (commandLine: string, why: string): Failure => ({
  category: "usererror",
  code: "CommandLaunchFailed",
  message: "Failed to launch the specified command line",
  details: details({ CommandLine: commandLine, Message: why }),
});

/** The documented pair for a limit is ServerError/TaskEnded; other names circulate but appear in no vendor material. The one place that decides it. */
export const wallClockExceeded = (limitMs: number): Failure => ({
  category: "servererror",
  code: "TaskEnded",
  message: "Task was ended because it ran longer than its maxWallClockTime",
  details: details({ Message: `The limit is ${limitMs / 1000} seconds for one run.` }),
});

export const diskFull: Failure = {
  category: "servererror",
  code: "DiskFull",
  message: "The disk of the node is full or cannot be written",
};

export const directoryFailed = (why: string): Failure => ({
  category: "servererror",
  code: "ResourceDirectoryCreateFailed",
  message: "The task's directory could not be created",
  details: details({ Message: why }),
});

/** As the error of a node (pools-and-nodes 2.3); that a task's failure has the same form, and its category, is unverified. */
const packageDetails = ({ order: { applicationId, version }, why }: MissingPackage): { name: string; value: string }[] => {
  const reference = version === undefined ? applicationId : `${applicationId}:${version}`;
  return details({ ApplicationPackageReference: reference, Message: why });
};

export const packageFailed = (missing: MissingPackage): Failure => ({
  category: "usererror",
  code: "ApplicationPackageError",
  message: "One or more application packages specified for the task are invalid",
  details: packageDetails(missing),
});

export const isPackageError = ({ code }: NodeError): boolean => code === "ApplicationPackageError";

export const nodePackageFailed = (missing: MissingPackage): NodeError => ({
  code: "ApplicationPackageError",
  message: "One or more application packages specified for the pool are invalid",
  errorDetails: packageDetails(missing),
});

const downloadFailures = {
  BlobNotFound: ["usererror", "One of the specified Azure Blob(s) is not found"],
  BlobAccessDenied: ["usererror", "Access for one of the specified Azure Blob(s) is denied"],
  ResourceContainerAccessDenied: ["usererror", "Access for one of the specified Azure Blog container(s) is denied"],
  BlobDownloadTimedOut: ["servererror", "Downloading one of the specified Azure Blob(s) took too long"],
  BlobDownloadMiscError: ["servererror", "A miscellaneous error was encountered while downloading one of the specified Azure Blob(s)"],
  ResourceDirectoryCreateFailed: ["servererror", "A directory for a resource file could not be created"],
  ResourceFileCreateFailed: ["servererror", "A resource file could not be created"],
  ResourceFileWriteFailed: ["servererror", "A resource file could not be written"],
} as const;

export type DownloadFailureCode = keyof typeof downloadFailures;

export const downloadFailed = (code: DownloadFailureCode, source: string, filePath: string | undefined, why: string): Failure => ({
  category: downloadFailures[code][0],
  code,
  message: downloadFailures[code][1],
  details: details({ BlobSource: withoutSecrets(source), FilePath: filePath, Message: why }),
});

const uploadFailures = {
  FileUploadContainerNotFound: [
    "usererror",
    "One of the specified Azure container(s) was not found while attempting to upload an output file",
  ],
  FileUploadAccessDenied: [
    "usererror",
    "Access was denied to one of the specified Azure container(s) while attempting to upload an output file",
  ],
  FileUploadMiscError: ["servererror", "A miscellaneous error was encountered while uploading one of the output files"],
} as const;

export type UploadFailureCode = keyof typeof uploadFailures;

export const uploadFailed = (code: UploadFailureCode, container: string, filePath: string, why: string): Failure => ({
  category: uploadFailures[code][0],
  code,
  message: uploadFailures[code][1],
  details: details({ FilePath: filePath, Container: withoutSecrets(container), Message: why }),
});

/** Carries a failure out of the steps of a download or an upload. */
export class TransferFailed extends Error {
  override readonly name = "TransferFailed";
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}
