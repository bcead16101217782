// The query parameters that several operations have in common. The syntax of $filter, $select and $expand is http's business.
import { f, model } from "../fields.ts";

const select = f.string();
const expand = f.string();
/** Page sizes; a page may still hold fewer. */
const pageSize = { min: 1, what: "MaxResults" } as const;
const maxresults = f.int32({ ...pageSize, max: 1000, default: 1000 });

export const selectQuery = model("SelectQuery", { $select: select });
export const expandableQuery = model("ExpandableQuery", { $select: select, $expand: expand });
export const filterListQuery = model("FilterListQuery", { $filter: f.string(), maxresults });
export const selectPageQuery = model("SelectPageQuery", { $select: select, maxresults });
export const selectListQuery = model("SelectListQuery", { $filter: f.string(), $select: select, maxresults });
export const expandableListQuery = model("ExpandableListQuery", { $filter: f.string(), $select: select, $expand: expand, maxresults });
/** Of node counts: ten pools a page at most. */
export const nodeCountsQuery = model("NodeCountsQuery", {
  $filter: f.string(),
  maxresults: f.int32({ ...pageSize, max: 10, default: 10 }),
});
export const pageQuery = model("PageQuery", { maxresults });
export const usageMetricsQuery = model("UsageMetricsQuery", {
  starttime: f.dateTime(),
  endtime: f.dateTime(),
  $filter: f.string(),
  maxresults,
});
export const fileListQuery = model("FileListQuery", { $filter: f.string(), recursive: f.boolean({ default: false }), maxresults });
export const recursiveQuery = model("RecursiveQuery", { recursive: f.boolean({ default: false }) });
export const forceQuery = model("ForceQuery", { force: f.boolean({ since: "2024-07-01.20.0", default: false }) });
