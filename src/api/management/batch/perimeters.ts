// Network security perimeters as a Batch account sees them (ARM Microsoft.Batch): one configuration for each perimeter that it is in.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { accountPath } from "./common.ts";

const since = "2024-07-01";

const NetworkSecurityPerimeter = model("NetworkSecurityPerimeter", {
  id: f.string(),
  perimeterGuid: f.string(),
  location: f.string(),
});

const AccessRule = model("AccessRule", {
  name: f.string(),
  properties: f.object(
    model("AccessRuleProperties", {
      direction: f.enum(["Inbound", "Outbound"]),
      addressPrefixes: f.array(f.string()),
      subscriptions: f.array(f.object(model("AccessRuleSubscription", { id: f.string() }))),
      networkSecurityPerimeters: f.array(f.object(NetworkSecurityPerimeter)),
      fullyQualifiedDomainNames: f.array(f.string()),
      emailAddresses: f.array(f.string()),
      phoneNumbers: f.array(f.string()),
    }),
  ),
});

const ProvisioningIssue = model("ProvisioningIssue", {
  name: f.string({ readOnly: true }),
  properties: f.object(
    model("ProvisioningIssueProperties", {
      issueType: f.enum(["Unknown", "ConfigurationPropagationFailure", "MissingPerimeterConfiguration", "MissingIdentityConfiguration"], {
        readOnly: true,
      }),
      severity: f.enum(["Warning", "Error"], { readOnly: true }),
      description: f.string({ readOnly: true }),
      suggestedResourceIds: f.array(f.string(), { readOnly: true }),
      suggestedAccessRules: f.array(f.object(AccessRule), { readOnly: true }),
    }),
  ),
});

const NetworkSecurityPerimeterConfiguration = model("NetworkSecurityPerimeterConfiguration", {
  id: f.string({ readOnly: true }),
  name: f.string({ readOnly: true }),
  type: f.string({ readOnly: true }),
  properties: f.object(
    model("NetworkSecurityPerimeterConfigurationProperties", {
      provisioningState: f.enum(["Succeeded", "Creating", "Updating", "Deleting", "Accepted", "Failed", "Canceled"], { readOnly: true }),
      provisioningIssues: f.array(f.object(ProvisioningIssue), { readOnly: true }),
      networkSecurityPerimeter: f.object(NetworkSecurityPerimeter),
      resourceAssociation: f.object(
        model("ResourceAssociation", { name: f.string(), accessMode: f.enum(["Enforced", "Learning", "Audit"]) }),
      ),
      profile: f.object(
        model("NetworkSecurityProfile", {
          name: f.string(),
          accessRulesVersion: f.int32(),
          accessRules: f.array(f.object(AccessRule)),
          diagnosticSettingsVersion: f.int32(),
          enabledLogCategories: f.array(f.string()),
        }),
      ),
    }),
  ),
});

export const listPerimeterConfigurations = managementOperation("NetworkSecurityPerimeter_ListConfigurations", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/networkSecurityPerimeterConfigurations`,
  summary: "The perimeters that an account is in: none, or this server's own where the account is secured by it.",
  query: noQuery,
  answer: { status: 200, item: NetworkSecurityPerimeterConfiguration },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

const configurationPath = `${accountPath}/networkSecurityPerimeterConfigurations/{networkSecurityPerimeterConfigurationName}` as const;

export const getPerimeterConfiguration = managementOperation("NetworkSecurityPerimeter_GetConfiguration", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: configurationPath,
  summary: "One of them.",
  query: noQuery,
  answer: { status: 200, body: NetworkSecurityPerimeterConfiguration },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const reconcilePerimeterConfiguration = managementOperation("NetworkSecurityPerimeter_ReconcileConfiguration", {
  provider: microsoftBatch,
  since,
  method: "POST",
  path: `${configurationPath}/reconcile`,
  summary: "Reads the configuration anew. It follows from the account's own settings, so there never is a difference to find.",
  query: noQuery,
  answer: { status: 202 },
  errors: ["ResourceNotFound", "ResourceGroupNotFound", "AccountBeingDeleted"],
});

/** Not in the documents: clients take the URL from Location. */
export const getPerimeterResult = managementOperation("NetworkSecurityPerimeter_GetOperationResult", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/networkSecurityPerimeterConfigurationOperationResults/{operationId}`,
  summary: "How a reconciliation goes.",
  query: noQuery,
  answer: { status: 200 },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});
