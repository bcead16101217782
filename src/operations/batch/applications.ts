// What the operations on applications do: show what the management plane has made.
import type * as api from "../../api/batch/applications.ts";
import { ApiError } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import { keyOf } from "../../domain/new-pool.ts";
import * as store from "../../store/applications.ts";
import type { Handler } from "../handler.ts";
import { cutPage } from "./load.ts";

export const listApplications: Handler<typeof api.listApplications> = async ({ principal, page }, { store: read }) => {
  const found = await store.listApplications(read, { accountId: principal.accountId, after: page.after, limit: page.limit + 1 });
  const { elements, next } = cutPage(found, page.limit, (application) => application.key);
  return { items: elements.map(applicationView), next };
};

export const getApplication: Handler<typeof api.getApplication> = async ({ principal, params }, { store: read }) => {
  const application = await store.getApplication(read, principal.accountId, keyOf(params.applicationId));
  if (application === undefined) throw new ApiError("ApplicationNotFound");
  return { body: applicationView(application) };
};

/** The documents promise a display name though an application needs none: it is empty then (unverified). */
const applicationView = ({ id, displayName = "", versions }: store.Application): Infer<typeof api.ApplicationSummary> => ({
  id,
  displayName,
  versions,
});
