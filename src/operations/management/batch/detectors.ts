// What looks for trouble in a Batch account. Each detector reads what really is; its answer is the document that the Azure portal shows: a table of what
// was found, and a status. The form follows the one example of the documents, whose table is empty (that of rows: as Azure App Service writes it).
import type * as api from "../../../api/management/batch/diagnostics.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { waitingFromCode } from "../../../domain/waiting.ts";
import { troubledJobs, troubledNodes, troubledPools } from "../../../store/account-troubles.ts";
import type { Reader } from "../../../store/db.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { accountType, childId, loadAccount, noResource } from "./load.ts";

type Finding = { what: string; name: string; problem: string; detail: string };
type Detector = { id: string; name: string; description: string; look(read: Reader, accountId: number): Promise<Finding[]> };

/** Nobody reads more of them at once. */
const most = 100;

const poolsAndNodes: Detector = {
  id: "poolsAndNodes",
  name: "Pools and Nodes",
  description: "Pools that were not resized as asked, and nodes that cannot take tasks.",
  look: async (read, accountId) => {
    const pools = (await troubledPools(read, accountId, most)).flatMap(({ id, resizeErrors, scaleError }) =>
      [...resizeErrors, ...(scaleError === undefined ? [] : [scaleError])].map(({ code, message }) => found("Pool", id, code, message)),
    );
    const nodes = (await troubledNodes(read, accountId, most)).map(({ pool_key: pool, id, state, errors }) => {
      const error = errors === null ? undefined : (JSON.parse(errors) as { code?: string; message?: string }[])[0];
      return found("Node", `${pool}/${id}`, error?.code ?? state, error?.message ?? `The node is ${state}.`);
    });
    return [...pools, ...nodes];
  },
};

const jobsAndTasks: Detector = {
  id: "jobsAndTasks",
  name: "Jobs and Tasks",
  description: "Jobs that could not be scheduled, that wait for something, or that have failed tasks.",
  look: async (read, accountId) =>
    (await troubledJobs(read, accountId, most)).map(({ id, held, code, message, failed }) => {
      if (code !== null) return found("Job", id, code, message ?? "");
      if (held !== null) return found("Job", id, held, waitingFromCode(held).message);
      return found("Job", id, "TasksFailed", `${failed} of its tasks have failed.`);
    }),
};

const found = (what: string, name: string, problem: string, detail: string): Finding => ({ what, name, problem, detail });

const detectors: readonly Detector[] = [poolsAndNodes, jobsAndTasks];

/** 1 is a warning; 4 is what the documents' example says where nothing was found. */
const statusOf = (findings: readonly Finding[]) =>
  findings.length === 0 ? { message: null, statusId: 4 } : { message: `${findings.length} found`, statusId: 1 };

const documentOf = ({ id, name, description }: Detector, findings: readonly Finding[]): string =>
  JSON.stringify(
    {
      metadata: {
        id,
        name,
        description,
        author: "",
        category: null,
        supportTopicList: [],
        analysisTypes: null,
        type: "Analysis",
        score: 0,
      },
      dataset:
        findings.length === 0
          ? []
          : [
              {
                table: {
                  tableName: id,
                  columns: ["What", "Name", "Problem", "Detail"].map((columnName) => ({
                    columnName,
                    dataType: "String",
                    columnType: null,
                  })),
                  rows: findings.map((finding) => [finding.what, finding.name, finding.problem, finding.detail]),
                },
                renderingProperties: { type: 1, title: name, description },
              },
            ],
      status: statusOf(findings),
      dataProvidersMetadata: null,
      suggestedUtterances: null,
    },
    null,
    2,
  );

const detectorView = async (detector: Detector, account: BatchAccount, { store, settings }: ManagementServices) => ({
  id: childId(settings, account, "detectors", detector.id),
  name: detector.id,
  type: `${accountType}/detectors`,
  properties: { value: Buffer.from(documentOf(detector, await detector.look(store, account.id)), "utf8").toString("base64") },
});

export const listDetectors: ManagementHandler<typeof api.listDetectors> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  return { items: await Promise.all(detectors.map((detector) => detectorView(detector, account, services))) };
};

export const getDetector: ManagementHandler<typeof api.getDetector> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  const detector = detectors.find(({ id }) => id.toLowerCase() === params.detectorId.toLowerCase());
  if (detector === undefined) throw noResource(`${accountType}/detectors`, `${account.name}/${params.detectorId}`, account.resourceGroup);
  return { body: await detectorView(detector, account, services) };
};
