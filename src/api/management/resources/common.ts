// What the resources that stand around Batch have in common: their envelope, and the paths that they are under.
import { f, model } from "../../fields.ts";

/** Of every resource; clients may send it back. */
export const envelope = {
  id: f.string({ readOnly: true }),
  name: f.string({ readOnly: true }),
  type: f.string({ readOnly: true }),
} as const;

export const trackedEnvelope = { ...envelope, location: f.string(), tags: f.map(f.string()) } as const;

export const TagsPatch = model("TagsPatch", { tags: f.map(f.string()) });

export const groupPath = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}" as const;
