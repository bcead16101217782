// Where the management plane is meant to differ from its OpenAPI documents, each with the reason. Read by management-declarations.test.ts
// (declarations) and management-examples.test.ts (answers).

export type MeantDifference = {
  readonly provider: "batch" | "hci";
  /** Of the documents that differ from us. */
  readonly versions: "all" | readonly string[];
  readonly reason: string;
  /** As tests/contract/openapi.ts says them. */
  readonly differences: readonly string[];
};

export const meantDifferences: readonly MeantDifference[] = [
  {
    provider: "batch",
    versions: "all",
    reason: "Until 2017-09-01 applications and packages answered 201 and 204; later versions only what these documents say.",
    differences: [
      "Application_Create answers 200",
      "Application_Update answers 200",
      "ApplicationPackage_Create answers 200",
      "ApplicationPackage_Activate answers 200",
    ],
  },
  {
    provider: "hci",
    versions: "all",
    reason: "That the location is missing is said by Resource Manager, with a code of its own (LocationRequired).",
    differences: [
      "GalleryImages.location is required",
      "MarketplaceGalleryImages.location is required",
      "StorageContainers.location is required",
    ],
  },
  {
    provider: "hci",
    versions: "all",
    reason: "Tags are changed at once; and the first preview's deletion is over with its answer, 200.",
    differences: [
      "GalleryImages_Update answers 200,202",
      "MarketplaceGalleryImages_Update answers 200,202",
      "StorageContainers_Update answers 200,202",
      "GalleryImages_Delete answers 202,204",
      "MarketplaceGalleryImages_Delete answers 202,204",
      "StorageContainers_Delete answers 202,204",
    ],
  },
  {
    provider: "batch",
    versions: "all",
    reason: "What Resource Manager itself requires it also refuses in its own words (LocationRequired), before the provider sees it.",
    differences: ["BatchAccountCreateParameters.location is required"],
  },
  {
    provider: "batch",
    versions: "all",
    reason: "No document has it, but an application's ETag may be the condition of a change of it.",
    differences: ["Application_Update has conditions none"],
  },
  {
    provider: "batch",
    versions: ["2024-07-01"],
    reason: "Nobody makes these configurations through this server, so that there is nobody to name.",
    differences: ["NetworkSecurityPerimeterConfiguration.systemData is there"],
  },
];

/** Operations that no document has but that its clients call: the URLs that long-running operations give them. */
export const undocumented: ReadonlySet<string> = new Set([
  "Microsoft.AzureStackHCI/OperationStatuses_Get",
  "Microsoft.Batch/BatchAccount_GetOperationResult",
  "Microsoft.Batch/BatchAccount_GetDeletionResult",
  "Microsoft.Batch/PrivateEndpointConnection_GetOperationResult",
  "Microsoft.Batch/NetworkSecurityPerimeter_GetOperationResult",
  "Microsoft.Batch/Pool_GetOperationResult",
  "Microsoft.Batch/Certificate_GetOperationResult",
]);

const nullBody = "The service was recorded to answer the four characters null.";

/** What answers to examples have that is not as the document says (tests/support/validate.ts), without the model's name; and why. */
export const answerDeviations: Readonly<Record<string, string>> = {
  ".password is missing": "Secrets are never answered, also where a document requires them.",
  "GalleryImages_Delete answers a body": nullBody,
  "MarketplaceGalleryImages_Delete answers a body": nullBody,
  "StorageContainers_Delete answers a body": nullBody,
  "PrivateEndpointConnection_Update answers a body": "Recorded so in 2020 and 2021 (real-behaviours.md section 5).",
};

/** Examples that cannot succeed here: the code that they are answered with, and why. By the name of the file. */
export const refusedExamples: Readonly<Record<string, { code: string; reason: string }>> = {};
