// Deployments of ARM templates, which is what Bicep compiles to: in a resource group, and of a subscription (for resource groups and what is in them).
// What a template may say is in docs/manual/templates.md.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";
import { envelope, groupPath } from "./common.ts";

const Link = model("TemplateLink", {
  uri: f.string(),
  id: f.string(),
  relativePath: f.string(),
  queryString: f.string(),
  contentVersion: f.string(),
});

const anyObject = f.any();

const sent = {
  template: anyObject,
  templateLink: f.object(Link),
  parameters: anyObject,
  parametersLink: f.object(Link),
  mode: f.enum(["Incremental", "Complete"]),
  debugSetting: f.any({ recorded: "Nothing is kept of requests and responses." }),
  onErrorDeployment: f.any({ recorded: "A deployment that fails stays as far as it came." }),
  expressionEvaluationOptions: f.any(),
  validationLevel: f.string(),
  whatIfSettings: f.object(model("WhatIfSettings", { resultFormat: f.enum(["ResourceIdOnly", "FullResourcePayloads"]) })),
  diagnosticSettings: f.any(),
} as const;

const Properties = model("DeploymentProperties", {
  ...sent,
  provisioningState: f.string({ readOnly: true }),
  correlationId: f.string({ readOnly: true }),
  timestamp: f.string({ readOnly: true }),
  duration: f.string({ readOnly: true }),
  templateHash: f.string({ readOnly: true }),
  outputs: f.any({ readOnly: true }),
  providers: f.any({ readOnly: true }),
  dependencies: f.any({ readOnly: true }),
  outputResources: f.any({ readOnly: true }),
  validatedResources: f.any({ readOnly: true }),
  error: f.any({ readOnly: true }),
});

/** The body of a request is a deployment without its name; of an answer, one without its template. */
export const Deployment = model("Deployment", {
  ...envelope,
  location: f.string(),
  tags: f.map(f.string()),
  scope: f.string(),
  identity: f.any({ recorded: "A deployment acts as who began it." }),
  properties: f.object(Properties),
});

const DeploymentStatus = model("DeploymentOperationStatus", { status: f.string(), error: f.any() });
const ExportResult = model("DeploymentExportResult", { template: f.any() });

const StepProperties = model("DeploymentOperationProperties", {
  provisioningOperation: f.string(),
  provisioningState: f.string(),
  timestamp: f.string(),
  duration: f.string(),
  trackingId: f.string(),
  statusCode: f.string(),
  statusMessage: f.any(),
  targetResource: f.any(),
});
const Step = model("DeploymentOperation", { id: f.string(), operationId: f.string(), properties: f.object(StepProperties) });

const WhatIfChange = model("WhatIfChange", {
  resourceId: f.string(),
  changeType: f.string(),
  before: f.any(),
  after: f.any(),
  delta: f.any(),
  unsupportedReason: f.string(),
});
const WhatIfResult = model("WhatIfOperationResult", {
  status: f.string(),
  properties: f.object(model("WhatIfOperationProperties", { correlationId: f.string(), changes: f.array(f.object(WhatIfChange)) })),
  error: f.any(),
});

const listQuery = model("DeploymentsListQuery", { $filter: f.string(), $top: f.int32({ min: 1, what: "$top" }) });
const stepsQuery = model("DeploymentOperationsListQuery", { $top: f.int32({ min: 1, what: "$top" }) });

const invalid = [
  "InvalidTemplate",
  "InvalidTemplateDeployment",
  "InvalidRequestContent",
  "InvalidContentLink",
  "InvalidDeploymentName",
] as const;

const stepsOf = <const Path extends string, const At extends string>(path: Path, at: At) =>
  ({
    listSteps: managementOperation(`DeploymentOperations_List${at}`, {
      provider: microsoftResources,
      method: "GET",
      path: `${path}/operations`,
      summary: "What a deployment has done so far, resource by resource.",
      query: stepsQuery,
      answer: { status: 200, item: Step },
      errors: ["DeploymentNotFound"],
    }),
    getStep: managementOperation(`DeploymentOperations_Get${at}`, {
      provider: microsoftResources,
      query: noQuery,
      method: "GET",
      path: `${path}/operations/{operationId}`,
      summary: "What a deployment has done for one resource.",
      answer: { status: 200, body: Step },
      errors: ["DeploymentNotFound", "NotFound"],
    }),
  }) as const;

/** The same operations at either scope; `at` ends the operationIds of the subscription's. */
const deploymentsAt = <const Scope extends string, const At extends string, const StepsAt extends string>(
  scope: Scope,
  at: At,
  stepsAt: StepsAt,
) => {
  const path = `${scope}/providers/Microsoft.Resources/deployments/{deploymentName}` as const;
  const common = { provider: microsoftResources, query: noQuery } as const;
  return {
    create: managementOperation(`Deployments_CreateOrUpdate${at}`, {
      ...common,
      method: "PUT",
      path,
      summary: "Deploys a template. It goes on after the answer: the deployment, or its operation's status, tells when it is done.",
      body: Deployment,
      laxBody: true,
      answer: { status: 200, statuses: [201], body: Deployment },
      errors: [
        ...invalid,
        "DeploymentActive",
        "DeploymentQuotaExceeded",
        "LocationRequired",
        "ResourceGroupNotFound",
        "ResourceGroupBeingDeleted",
      ],
    }),
    get: managementOperation(`Deployments_Get${at}`, {
      ...common,
      method: "GET",
      path,
      summary: "One deployment with its outputs. Of secure parameters and outputs only the types are shown.",
      answer: { status: 200, body: Deployment },
      errors: ["DeploymentNotFound"],
    }),
    exists: managementOperation(`Deployments_CheckExistence${at}`, {
      ...common,
      method: "HEAD",
      path,
      summary: "Whether there is such a deployment.",
      answer: { status: 204 },
      errors: ["DeploymentNotFound"],
    }),
    remove: managementOperation(`Deployments_Delete${at}`, {
      ...common,
      method: "DELETE",
      path,
      summary: "Forgets a deployment that has ended. What it deployed stays.",
      answer: { status: 202, statuses: [204] },
      errors: ["DeploymentActive"],
    }),
    cancel: managementOperation(`Deployments_Cancel${at}`, {
      ...common,
      method: "POST",
      path: `${path}/cancel`,
      summary: "Stops a deployment that is under way. What it has deployed by then stays.",
      answer: { status: 204 },
      errors: ["DeploymentNotFound", "DeploymentCannotBeCancelled"],
    }),
    validate: managementOperation(`Deployments_Validate${at}`, {
      ...common,
      method: "POST",
      path: `${path}/validate`,
      summary: "Whether a template could be deployed, as far as this can be told without deploying it.",
      body: Deployment,
      laxBody: true,
      answer: { status: 200, body: Deployment },
      errors: [...invalid, "LocationRequired", "ResourceGroupNotFound"],
    }),
    whatIf: managementOperation(`Deployments_WhatIf${at}`, {
      ...common,
      method: "POST",
      path: `${path}/whatIf`,
      summary: "What a deployment would create and change, compared with what is there now.",
      body: Deployment,
      laxBody: true,
      answer: { status: 200, body: WhatIfResult },
      errors: [...invalid, "LocationRequired", "ResourceGroupNotFound"],
    }),
    exportTemplate: managementOperation(`Deployments_ExportTemplate${at}`, {
      ...common,
      method: "POST",
      path: `${path}/exportTemplate`,
      summary: "The template of a deployment as it was sent.",
      answer: { status: 200, body: ExportResult },
      errors: ["DeploymentNotFound"],
    }),
    list: managementOperation(at === "" ? "Deployments_ListByResourceGroup" : `Deployments_List${at}`, {
      provider: microsoftResources,
      method: "GET",
      path: `${scope}/providers/Microsoft.Resources/deployments`,
      summary: "The deployments; $filter knows provisioningState eq '...'.",
      query: listQuery,
      ownFilter: true,
      answer: { status: 200, item: Deployment },
      errors: ["InvalidFilterInQueryString"],
    }),
    status: managementOperation(`Deployments_GetOperationStatus${at}`, {
      ...common,
      method: "GET",
      path: `${path}/operationStatuses/{operationId}`,
      summary: "What has become of a deployment: the address that Azure-AsyncOperation gives.",
      answer: { status: 200, body: DeploymentStatus },
      errors: ["DeploymentNotFound"],
    }),
    ...stepsOf(path, stepsAt),
  } as const;
};

export const inGroup = deploymentsAt(groupPath, "", "AtScope");
export const inSubscription = deploymentsAt("/subscriptions/{subscriptionId}", "AtSubscriptionScope", "AtSubscriptionScope");
/** A group's, where the documents have them: without a provider. */
export const stepsInGroup = stepsOf(`${groupPath}/deployments/{deploymentName}`, "");
