// What the account has used: core hours of each pool by interval, and statistics over all jobs and all pools that it ever had. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { usageMetricsQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { JobStatistics, PoolStatistics } from "./statistics.ts";

export const PoolUsageMetrics = model("PoolUsageMetrics", {
  poolId: required(f.string()),
  startTime: required(f.dateTime()),
  endTime: required(f.dateTime()),
  vmSize: required(f.string()),
  totalCoreHours: required(f.number()),
  dataIngressGiB: required(f.number({ until: "2018-08-01.7.0", recorded: recorded.traffic })),
  dataEgressGiB: required(f.number({ until: "2018-08-01.7.0", recorded: recorded.traffic })),
});

export const listPoolUsageMetrics = operation("Pool_ListUsageMetrics", {
  method: "GET",
  path: "/poolusagemetrics",
  summary: "Lists the core hours of each pool by intervals of half an hour.",
  query: usageMetricsQuery,
  conditions: "none",
  answer: { status: 200, item: PoolUsageMetrics, metadata: "poolusagemetrics" },
  errors: [],
});

export const getAllJobStatistics = operation("Job_GetAllLifetimeStatistics", {
  until: "2022-10-01.16.0",
  method: "GET",
  path: "/lifetimejobstats",
  summary: "Reads what the tasks of all jobs have used that the account ever had.",
  query: noQuery,
  conditions: "none",
  answer: { status: 200, body: JobStatistics, metadata: "jobstats/@Element" },
  errors: [],
});

export const getAllPoolStatistics = operation("Pool_GetAllLifetimeStatistics", {
  until: "2022-10-01.16.0",
  method: "GET",
  path: "/lifetimepoolstats",
  summary: "Reads how long the nodes of all pools were there that the account ever had.",
  query: noQuery,
  conditions: "none",
  answer: { status: 200, body: PoolStatistics, metadata: "poolstats/@Element" },
  errors: [],
});
