// Pieces that pools, jobs and tasks share, and the limits that several of them have in common. Data only.
import { unlimitedDuration } from "../../lib/duration.ts";
import { f, legacy, model, required } from "../fields.ts";

/** What the ids that clients choose look like. They are unique without regard to case. */
export const chosenId = {
  minLength: 1,
  maxLength: 64,
  pattern: /^[A-Za-z0-9_-]+$/,
  what: "an id of 1 to 64 letters, digits, hyphens and underscores",
} as const;

/** The id of something that exists: jobs of a schedule have a colon in theirs. */
export const referencedId = { minLength: 1, maxLength: 256 } as const;

export const displayName = { maxLength: 1024 } as const;

export const minuteMs = 60_000;

/** How long the data of a task is kept after its end: for ever, until 2018-12 made it a week. */
export const retentionDefaults = [
  { since: "2015-12-01.2.2", value: unlimitedDuration },
  { since: "2018-12-01.8.0", value: "P7D" },
] as const;

/** Retry counts: -1 is "again and again". */
export const retries = { min: -1 } as const;

export const MetadataItem = model("MetadataItem", {
  name: required(f.string({ minLength: 1, refusal: "EmptyMetadataKey" })),
  value: required(f.string()),
});

export const EnvironmentSetting = model("EnvironmentSetting", {
  name: required(f.string({ minLength: 1 })),
  value: f.string(),
});

export const ComputeNodeIdentityReference = model("ComputeNodeIdentityReference", {
  resourceId: f.string(),
});

export const ApplicationPackageReference = model("ApplicationPackageReference", {
  applicationId: required(f.string({ minLength: 1 })),
  version: f.string(),
});

const visibility = ["starttask", "task", "remoteuser"] as const;

/** The first version has the accounts that see a certificate in one text, separated by commas. */
export const CertificateReference = model(
  "CertificateReference",
  {
    thumbprint: required(f.string({ minLength: 1 })),
    thumbprintAlgorithm: required(f.string({ minLength: 1 })),
    // Answered capitalised (seen in 2021).
    storeLocation: f.enum(["CurrentUser", "LocalMachine"]),
    storeName: f.string(),
    visibility: f.array(f.enum(visibility), { since: "2016-02-01.3.0" }),
    visibilityText: legacy(
      f.string({
        until: "2015-12-01.2.2",
        renamed: [{ until: "2015-12-01.2.2", as: "visibility" }],
        pattern: /^ *(starttask|task|remoteuser)( *, *(starttask|task|remoteuser))* *$/i,
        what: `a list of ${visibility.join(", ")}`,
      }),
    ),
  },
  {
    conversions: [
      {
        until: "2015-12-01.2.2",
        up: (value) => {
          if (typeof value.visibilityText === "string")
            value.visibility = value.visibilityText.split(",").map((one) => one.trim().toLowerCase());
          delete value.visibilityText;
        },
        down: (value) => {
          if (Array.isArray(value.visibility)) value.visibilityText = value.visibility.join(",");
        },
      },
    ],
  },
);

/** What becomes of the tasks of a node that goes away. */
export const computeNodeDeallocationOption = ["requeue", "terminate", "taskcompletion", "retaineddata"] as const;
