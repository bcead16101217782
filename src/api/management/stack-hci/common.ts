// What the three resource types of Microsoft.AzureStackHCI have in common: their envelope, where they are, and what a status tells. Data only.
import { f, model } from "../../fields.ts";

/** Of the versions before it the official document is not at hand; what they have is taken from the client of that version. */
export const firstPreview = "2021-09-01-preview";

export const ExtendedLocation = model("ExtendedLocation", {
  name: f.string({ recorded: "There are no custom locations: it is kept and answered." }),
  type: f.enum(["CustomLocation"]),
});

export const SystemData = model("systemData", {
  createdBy: f.string(),
  createdByType: f.enum(["User", "Application", "ManagedIdentity", "Key"]),
  createdAt: f.dateTime(),
  lastModifiedBy: f.string(),
  lastModifiedByType: f.enum(["User", "Application", "ManagedIdentity", "Key"]),
  lastModifiedAt: f.dateTime(),
});

/** The properties that every resource has beside its own. That the location is missing is Resource Manager's to say (LocationRequired). */
export const trackedResource = {
  id: f.string({ readOnly: true }),
  name: f.string({ readOnly: true }),
  type: f.string({ readOnly: true }),
  systemData: f.object(SystemData, { readOnly: true }),
  tags: f.map(f.string({ maxLength: 256 })),
  location: f.string(),
  extendedLocation: f.object(ExtendedLocation),
} as const;

export const provisioningStates = ["Succeeded", "Failed", "InProgress", "Accepted", "Deleting", "Canceled"] as const;
export const operationStates = ["Succeeded", "Failed", "InProgress"] as const;

export const groupPath = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.AzureStackHCI" as const;
export const subscriptionPath = "/subscriptions/{subscriptionId}/providers/Microsoft.AzureStackHCI" as const;

/** A deletion that the client of that version expects to be over with its answer. */
export const atOnce = { atOnce: { until: firstPreview } } as const;
