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
];

/** Operations that no document has but that its clients call: the URLs that long-running operations give them. */
export const undocumented: ReadonlySet<string> = new Set([]);

/** What answers to examples have that is not as the document says (tests/support/validate.ts), without the model's name; and why. */
export const answerDeviations: Readonly<Record<string, string>> = {};

/** Examples that cannot succeed here: the code that they are answered with, and why. By the name of the file. */
export const refusedExamples: Readonly<Record<string, { code: string; reason: string }>> = {};
