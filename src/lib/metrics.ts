// The figures that Quern tells about itself at /metrics: their names, units and labels in one place. Who knows a figure reports it;
// nothing here looks anything up. Labels are few and from closed lists, never ids that clients choose.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = {
  readonly registry: Registry;
  /** Seconds from the moment a task could run to its start on a node. */
  readonly dispatchLatency: Histogram;
  /** Seconds that one group commit took, fsync included. */
  readonly commitLatency: Histogram;
  readonly commitBatches: Counter;
  readonly commitRows: Counter;
  /** Tasks that wait for a slot. */
  readonly queueDepth: Gauge;
  /** Completed tasks by `result`: success or failure. */
  readonly tasks: Counter<"result">;
  /** Nodes by `state`. */
  readonly nodes: Gauge<"state">;
  /** Data-plane requests by `operation` (`none` where the request named none) and `status`. */
  readonly httpRequests: Counter<"operation" | "status">;
  /** Seconds from a request's headers to the end of its handling, by `operation`. */
  readonly httpDuration: Histogram<"operation">;
};

/** From a tenth of a millisecond, which an idle slot can reach, to what a congested queue takes. */
const dispatchSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600];
const shortSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export type MetricSources = {
  /** Adds memory, CPU and event-loop figures of this process. */
  ofProcess?: boolean;
  /** Asked at each scrape. */
  waitingTasks?: () => Promise<number>;
  nodesByState?: () => Promise<readonly { state: string; count: number }[]>;
};

/** A fresh set in a registry of its own. */
export const createMetrics = ({ ofProcess = false, waitingTasks, nodesByState }: MetricSources = {}): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  if (ofProcess) collectDefaultMetrics({ register: registry });
  return {
    registry,
    dispatchLatency: new Histogram({
      name: "quern_dispatch_latency_seconds",
      help: "Time from a task being ready to its start on a node.",
      buckets: dispatchSeconds,
      registers,
    }),
    commitLatency: new Histogram({
      name: "quern_commit_latency_seconds",
      help: "Time of one durable group commit.",
      buckets: shortSeconds,
      registers,
    }),
    commitBatches: new Counter({ name: "quern_commit_batches_total", help: "Batches of writes committed.", registers }),
    commitRows: new Counter({ name: "quern_commit_rows_total", help: "Rows written by commits.", registers }),
    queueDepth: new Gauge({
      name: "quern_queue_depth",
      help: "Tasks waiting for a slot.",
      registers,
      async collect() {
        if (waitingTasks !== undefined) this.set(await waitingTasks());
      },
    }),
    tasks: new Counter({ name: "quern_tasks_total", help: "Completed tasks by result.", labelNames: ["result"], registers }),
    nodes: new Gauge({
      name: "quern_nodes",
      help: "Compute nodes by state.",
      labelNames: ["state"],
      registers,
      async collect() {
        if (nodesByState === undefined) return;
        this.reset();
        for (const { state, count } of await nodesByState()) this.set({ state }, count);
      },
    }),
    httpRequests: new Counter({
      name: "quern_http_requests_total",
      help: "Data-plane requests by operation and status.",
      labelNames: ["operation", "status"],
      registers,
    }),
    httpDuration: new Histogram({
      name: "quern_http_request_duration_seconds",
      help: "Time to handle a data-plane request, by operation.",
      labelNames: ["operation"],
      buckets: shortSeconds,
      registers,
    }),
  };
};
