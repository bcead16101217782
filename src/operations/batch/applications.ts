// What the operations on applications do: show what the management plane has made.
import type * as api from "../../api/batch/applications.ts";
import { ApiError } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import type { Application } from "../../domain/applications.ts";
import { keyOf } from "../../domain/new-pool.ts";
import * as store from "../../store/applications.ts";
import type { Reader } from "../../store/db.ts";
import type { Handler } from "../handler.ts";
import { cutPage } from "./load.ts";

export const listApplications: Handler<typeof api.listApplications> = async ({ principal: { accountId }, page }, { store: read }) => {
  const found = await store.listApplications(read, { accountId, after: page.after, limit: page.limit + 1 });
  const { elements, next } = cutPage(found, page.limit, (application) => application.key);
  return { items: await applicationViews(read, accountId, elements), next };
};

export const getApplication: Handler<typeof api.getApplication> = async ({ principal: { accountId }, params }, { store: read }) => {
  const application = await store.getApplication(read, accountId, keyOf(params.applicationId));
  if (application === undefined) throw new ApiError("ApplicationNotFound");
  return { body: (await applicationViews(read, accountId, [application]))[0] };
};

/** The documents promise a display name though an application needs none: it is empty then (unverified). */
const applicationViews = async (
  read: Reader,
  accountId: number,
  applications: readonly Application[],
): Promise<Infer<typeof api.ApplicationSummary>[]> => {
  const keys = applications.map(({ key }) => key);
  const versions = await store.activeVersionsOf(read, accountId, keys);
  return applications.map(({ key, id, displayName = "" }) => ({ id, displayName, versions: versions.get(key) ?? [] }));
};
