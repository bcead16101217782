// Applications whose packages nodes can get. The management plane makes them; the data plane only shows what can be used. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { pageQuery } from "./queries.ts";

export const ApplicationSummary = model("ApplicationSummary", {
  id: required(f.string()),
  displayName: required(f.string()),
  versions: required(f.array(f.string())),
});

export const listApplications = operation("Application_List", {
  method: "GET",
  path: "/applications",
  summary: "Lists the applications of the account with the versions that nodes can get.",
  query: pageQuery,
  conditions: "none",
  answer: { status: 200, item: ApplicationSummary, metadata: "listapplicationsummariesresponses" },
  errors: [],
});

export const getApplication = operation("Application_Get", {
  method: "GET",
  path: "/applications/{applicationId}",
  summary: "Reads an application with the versions that nodes can get.",
  query: noQuery,
  conditions: "none",
  // What the real service calls one of them was not seen.
  answer: { status: 200, body: ApplicationSummary, metadata: "listapplicationsummariesresponses/@Element" },
  errors: ["ApplicationNotFound"],
});
