// What the list of usage metrics does: core hours of each pool by interval, of pools that are gone as well.
import type * as api from "../../api/batch/usage.ts";
import type { Infer } from "../../api/fields.ts";
import type { Filterable } from "../../domain/filter.ts";
import { matchesFilter } from "../../domain/filter-match.ts";
import { intervalMs, positionAfter, type Usage, usageByInterval, usageRange } from "../../domain/usage-metrics.ts";
import { isoTime } from "../../lib/clock.ts";
import { nodeLives } from "../../store/node-time.ts";
import type { Handler } from "../handler.ts";
import { cutPage } from "./load.ts";

export const usageFilterable: Filterable = { poolId: { type: "string", operators: ["eq", "ge", "gt", "le", "lt", "startswith"] } };

export const listPoolUsageMetrics: Handler<typeof api.listPoolUsageMetrics> = async (request, { store }) => {
  const { principal, query, page, filter, now } = request;
  const range = usageRange(query, now);
  const lives = range.start < range.end ? await nodeLives(store, principal.accountId, range.start, range.end) : [];
  const wanted = lives.filter((life) => matchesFilter(filter, () => life.poolId));
  const found = usageByInterval(wanted, range, { ...page, limit: page.limit + 1 });
  const { elements, next } = cutPage(found, page.limit, positionAfter);
  return { items: elements.map(usageView), next };
};

/** The traffic of nodes is not measured; older versions promise the figures. */
const usageView = ({ poolId, vmSize, start, coreMs }: Usage): Infer<typeof api.PoolUsageMetrics> => ({
  poolId,
  startTime: isoTime(start),
  endTime: isoTime(start + intervalMs),
  vmSize,
  totalCoreHours: Number((coreMs / 3_600_000).toFixed(6)),
  dataIngressGiB: 0,
  dataEgressGiB: 0,
});
