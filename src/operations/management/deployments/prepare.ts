// A request to deploy, validate or compare a template: read, checked, and its resources known. It changes nothing.

import { ApiError, type ErrorValue } from "../../../api/errors.ts";
import type { Infer } from "../../../api/fields.ts";
import type { Deployment as DeploymentModel } from "../../../api/management/resources/deployments.ts";
import type { Caller } from "../../../auth/tokens.ts";
import { checkGroupLocation } from "../../../domain/locations.ts";
import type { ResourceGroup } from "../../../store/resource-groups.ts";
import { Budget } from "../../../templates/budget.ts";
import { bodyOf, type Known, type Prepared, prepare, shownParameters } from "../../../templates/deploy.ts";
import { TemplateError } from "../../../templates/errors.ts";
import { templateHash } from "../../../templates/functions/hashes.ts";
import { NotYet, type Place } from "../../../templates/scope.ts";
import { isShallow, type Value } from "../../../templates/values.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementServices, ManagementSettings } from "../handler.ts";
import { targetOf } from "./perform.ts";

/** What the handlers of both scopes have in common. */
export type DeploymentRequest = {
  readonly params: { readonly deploymentName: string; readonly resourceGroupName?: string };
  readonly body: Infer<typeof DeploymentModel>;
  readonly caller: Caller;
  readonly baseUrl: string;
  readonly now: number;
  readonly nesting?: number;
  readonly until?: number;
};

export type ReadDeployment = {
  readonly name: string;
  readonly group?: ResourceGroup;
  readonly location?: string;
  readonly mode: "Incremental" | "Complete";
  readonly template: unknown;
  readonly templateHash: string;
  readonly prepared: Prepared;
};

/**
 * Characters of parameters and dependencies, and of outputs: a few lines of a template can say so much that no answer can hold it, and every answer
 * and every list shows it. Far more than what people write; the service's own limits (4 MB of template) leave no more.
 */
export const mostShown = 2 * 1024 * 1024;

/** Templates within templates; each is deployed by the one around it. */
const deepestNesting = 6;

export const invalidTemplate = ({ message }: TemplateError): ApiError =>
  new ApiError(
    "InvalidTemplate",
    [],
    /^(Deployment template|Unable to process)/.test(message) ? message : `Deployment template validation failed: '${message}'`,
  );

/** Throws InvalidTemplate and the other refusals of deployments. */
export const readDeployment = async (request: DeploymentRequest, services: ManagementServices): Promise<ReadDeployment> => {
  const { params, body } = request;
  const { store, settings, ids } = services;
  const name = checkName(params.deploymentName);
  const group = params.resourceGroupName === undefined ? undefined : await loadGroup(store, params.resourceGroupName);
  const location = group === undefined ? subscriptionLocation(body.location, settings) : undefined;
  const { properties } = body;
  if (properties === undefined) throw content("Required property 'properties' not found in JSON.");
  if (properties.templateLink !== undefined || properties.parametersLink !== undefined)
    throw new ApiError("InvalidContentLink", [], "This server takes no templates or parameters by link: send them in the request itself.");
  if (properties.template === undefined) throw content("The deployment has no 'template'.");
  if ((request.nesting ?? 0) > deepestNesting)
    throw new ApiError(
      "InvalidTemplate",
      [],
      `Deployment template validation failed: 'Deployments are nested in more than ${deepestNesting} others.'`,
    );
  if (properties.mode === undefined) throw content("The deployment has no 'mode'.");
  if (properties.mode === "Complete" && group === undefined)
    throw new ApiError(
      "InvalidTemplate",
      [],
      "Deployment template validation failed: 'The mode Complete is for deployments in a resource group.'",
    );
  const { template } = properties;
  const place = placeOf(settings, {
    name,
    ...(group === undefined ? {} : { group }),
    ...(location === undefined ? {} : { location }),
    baseUrl: request.baseUrl,
    mode: properties.mode,
  });
  try {
    if (!isShallow(template, 100) || !isShallow(properties.parameters, 100))
      throw new TemplateError("The template or its parameters are nested too deeply.");
    const prepared = prepare(template, properties.parameters as Value | undefined, place, { now: request.now, newGuid: () => ids.guid() });
    refuseLarge(prepared);
    await tryBodies(prepared);
    checkTypes(prepared, services, name);
    return {
      name,
      ...(group === undefined ? {} : { group }),
      ...(location === undefined ? {} : { location }),
      mode: properties.mode,
      template,
      templateHash: templateHash(JSON.stringify(template)),
      prepared,
    };
  } catch (error) {
    throw error instanceof TemplateError ? invalidTemplate(error) : error;
  }
};

const refuseLarge = ({ parameters, resources }: Prepared): void => {
  const dependencies = resources.reduce((sum, { dependsOn }) => sum + dependsOn.reduce((characters, key) => characters + key.length, 0), 0);
  if (dependencies + JSON.stringify(shownParameters(parameters)).length > mostShown)
    throw new TemplateError("The template is too large: its parameters and dependencies are more than can be shown.");
};

const content = (reason: string): ApiError =>
  new ApiError("InvalidRequestContent", [], `The request content was invalid and could not be deserialized: '${reason}'.`);

/** 1 to 64 letters, digits, `-`, `_`, `.` and parentheses. */
const checkName = (name: string): string => {
  if (name.length > 64)
    throw new ApiError(
      "InvalidDeploymentName",
      [],
      `The provided deployment name has a length of '${name.length}' which exceeds the maximum length of '64'.`,
    );
  if (/^[-\w.()]+$/.test(name)) return name;
  throw new ApiError(
    "InvalidDeploymentName",
    [],
    `The provided deployment name '${name}' is invalid: it may have letters, digits, '-', '_', '.', '(' and ')'.`,
  );
};

const subscriptionLocation = (location: string | undefined, { region }: ManagementSettings): string => {
  if (location !== undefined) return checkGroupLocation(location, region);
  throw new ApiError(
    "LocationRequired",
    [],
    "The 'location' property is required for this deployment. Please see https://aka.ms/deploy-to-subscription for usage details.",
  );
};

/** What is evaluated without what other resources have become: mistakes in expressions are found before anything is deployed. */
const tryBodies = async (prepared: Prepared): Promise<void> => {
  const nothing: Known = { deployed: new Set(), answers: new Map() };
  const budget = new Budget(10);
  for (const planned of prepared.resources) {
    if (planned.isExisting) continue;
    try {
      bodyOf(prepared, planned, nothing, budget);
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
    }
    // Others have their turn between two.
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const checkTypes = (prepared: Prepared, { deployments }: ManagementServices, name: string): void => {
  const details: ErrorValue[] = [];
  for (const { id, apiVersion, isExisting } of prepared.resources) {
    try {
      deployments.perform.check(isExisting ? "GET" : "PUT", targetOf(id, apiVersion));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (details.length < 20) details.push({ key: error.code, value: `${id.slice(0, 512)}: ${error.message}` });
    }
  }
  if (details.length > 0)
    throw new ApiError(
      "InvalidTemplateDeployment",
      details,
      `The template deployment '${name}' is not valid according to the validation procedure. See inner errors for details.`,
    );
};

type Where = { name: string; group?: ResourceGroup; location?: string; baseUrl: string; mode: string };

/** What the functions deployment, resourceGroup, subscription, tenant and environment give. */
export const placeOf = (settings: ManagementSettings, { name, group, location, baseUrl, mode }: Where): Place => {
  const { subscriptionId, tenantId, subscriptionName, domain } = settings;
  const port = /:(\d+)$/.exec(baseUrl)?.[1];
  return {
    subscription: { id: `/subscriptions/${subscriptionId}`, subscriptionId, tenantId, displayName: subscriptionName },
    tenant: { tenantId, countryCode: "", displayName: subscriptionName },
    ...(group === undefined
      ? {}
      : {
          resourceGroup: {
            id: `/subscriptions/${subscriptionId}/resourceGroups/${group.name}`,
            name: group.name,
            type: "Microsoft.Resources/resourceGroups",
            location: group.location,
            ...(group.managedBy === undefined ? {} : { managedBy: group.managedBy }),
            tags: group.tags,
            properties: { provisioningState: group.provisioningState },
          },
        }),
    deployment: { name, ...(location === undefined ? {} : { location }), properties: { mode, provisioningState: "Accepted" } },
    environment: {
      name: "Quern",
      resourceManager: baseUrl,
      authentication: {
        loginEndpoint: baseUrl,
        audiences: ["https://management.core.windows.net/", "https://management.azure.com/"],
        tenant: tenantId,
      },
      suffixes: { storage: port === undefined ? domain : `${domain}:${port}` },
    },
  };
};
