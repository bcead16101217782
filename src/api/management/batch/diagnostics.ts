// What a Batch account tells about itself (ARM Microsoft.Batch): what detectors found, and what its nodes must reach.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { accountPath, proxyResource } from "./common.ts";

const DetectorResponse = model("DetectorResponse", {
  ...proxyResource,
  /** A JSON document in base64. */
  properties: f.object(model("DetectorResponseProperties", { value: f.string() })),
});

export const listDetectors = managementOperation("BatchAccount_ListDetectors", {
  provider: microsoftBatch,
  since: "2022-01-01",
  method: "GET",
  path: `${accountPath}/detectors`,
  summary: "What looks for trouble in an account, with what each has found.",
  query: noQuery,
  answer: { status: 200, item: DetectorResponse },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const getDetector = managementOperation("BatchAccount_GetDetector", {
  provider: microsoftBatch,
  since: "2022-01-01",
  method: "GET",
  path: `${accountPath}/detectors/{detectorId}`,
  summary: "What one detector has found.",
  query: noQuery,
  answer: { status: 200, body: DetectorResponse },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

const EndpointDetail = model("EndpointDetail", { port: f.int32({ readOnly: true }) });
const EndpointDependency = model("EndpointDependency", {
  domainName: f.string({ readOnly: true }),
  description: f.string({ readOnly: true }),
  endpointDetails: f.array(f.object(EndpointDetail), { readOnly: true }),
});
const OutboundEnvironmentEndpoint = model("OutboundEnvironmentEndpoint", {
  category: f.string({ readOnly: true }),
  endpoints: f.array(f.object(EndpointDependency), { readOnly: true }),
});

export const listOutboundEndpoints = managementOperation("BatchAccount_ListOutboundNetworkDependenciesEndpoints", {
  provider: microsoftBatch,
  since: "2021-06-01",
  method: "GET",
  path: `${accountPath}/outboundNetworkDependenciesEndpoints`,
  summary: "What nodes of the account must be able to reach.",
  query: noQuery,
  answer: { status: 200, item: OutboundEnvironmentEndpoint },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});
