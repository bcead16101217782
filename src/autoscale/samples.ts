// The methods of metrics: which samples a window holds, and when there are too few of them. Collects nothing itself.
import type { Instant } from "../lib/clock.ts";
import { fault } from "./messages.ts";
import type { MetricName, Sample } from "./metrics.ts";
import type { Signature } from "./signatures.ts";
import { double, type Of, type Type, ticksPerMs, timestamp, type Value } from "./values.ts";

/** `history` is every sample up to `now`, oldest first. `argsAt` is the opening parenthesis, where the service reports missing samples. */
export type SampleCall = { metric: MetricName; history: readonly Sample[]; intervalMs: number; now: Instant; argsAt: number };

export type SampleMethod = { signatures: readonly Signature[]; apply: (args: readonly Value[], call: SampleCall) => Value };

type Window = { from: Instant; to: Instant };

/** A point in time, or how long ago. */
const moment: readonly Type[] = ["timestamp", "timeinterval"];

/** What a call without a percentage is said to have wanted, as in a documented answer of the service. */
const defaultPercent = 10;

const instantOf = (value: Value, { now, argsAt }: SampleCall): Instant =>
  value.type === "timestamp" ? value.value : timestamp(now - (value.value as Of<"timeinterval">) / ticksPerMs, argsAt);

/** Documented calls give the ends in either order. */
const windowOf = (ends: readonly Value[], call: SampleCall): Window => {
  const from = instantOf(ends[0]!, call);
  const to = ends[1] === undefined ? call.now : instantOf(ends[1], call);
  return { from: Math.min(from, to), to: Math.max(from, to) };
};

/** Samples after `from`, up to and at `to`: five minutes of one every 30 s are 10 samples, as documented, not 11. */
const samplesIn = ({ from, to }: Window, { history }: SampleCall): Sample[] => history.filter(({ at }) => at > from && at <= to);

/** Percent of the samples that the window can hold; a window shorter than the interval can hold one. */
const percentOf = ({ from, to }: Window, found: number, { intervalMs }: SampleCall): number => {
  const possible = Math.max(1, Math.floor((to - from) / intervalMs + 1e-9));
  return Math.min(100, (found / possible) * 100);
};

const insufficient = (call: SampleCall, wanted: number, received: number): Error =>
  fault(call.argsAt, "insufficientSamples", { metric: call.metric, wanted, received: Math.floor(received) });

const vector = (samples: readonly Sample[]): Value => ({ type: "doubleVec", value: samples.map(({ value }) => value) });

const newest = (count: number, call: SampleCall): Value => {
  const whole = Math.trunc(count);
  if (!(whole >= 1)) throw fault(call.argsAt, "wrongCount", { given: count });
  if (call.history.length === 0) throw insufficient(call, defaultPercent, 0);
  return vector(call.history.slice(-whole));
};

/**
 * Without a percentage only an empty window is too little (unverified: one documented answer wants 10 %, but tools of the Batch team
 * call it unguarded on new pools).
 */
const sampled = (ends: readonly Value[], wanted: number | undefined, call: SampleCall): Value => {
  const window = windowOf(ends, call);
  const found = samplesIn(window, call);
  const received = percentOf(window, found.length, call);
  if (wanted === undefined ? found.length === 0 : !(received >= wanted)) throw insufficient(call, wanted ?? defaultPercent, received);
  return vector(found);
};

const getSample = (args: readonly Value[], call: SampleCall): Value => {
  const [first] = args;
  if (first!.type === "double") return newest(first!.value, call);
  const last = args.at(-1)!;
  return last.type === "double" ? sampled(args.slice(0, -1), last.value, call) : sampled(args, undefined, call);
};

export const sampleMethods: ReadonlyMap<string, SampleMethod> = new Map<string, SampleMethod>([
  [
    "GetSample",
    {
      signatures: [
        { takes: [["double"]], returns: "doubleVec" },
        { takes: [moment], returns: "doubleVec" },
        { takes: [moment, ["double"]], returns: "doubleVec" },
        { takes: [moment, moment], returns: "doubleVec" },
        { takes: [moment, moment, ["double"]], returns: "doubleVec" },
      ],
      apply: getSample,
    },
  ],
  [
    "GetSamplePercent",
    {
      signatures: [
        { takes: [moment], returns: "double" },
        { takes: [moment, moment], returns: "double" },
      ],
      apply: (args, call) => {
        const window = windowOf(args, call);
        return double(percentOf(window, samplesIn(window, call).length, call));
      },
    },
  ],
  [
    "GetSamplePeriod",
    {
      signatures: [{ takes: [], returns: "timeinterval" }],
      apply: (_, { intervalMs }) => ({ type: "timeinterval", value: Math.round(intervalMs * ticksPerMs) }),
    },
  ],
  ["Count", { signatures: [{ takes: [], returns: "double" }], apply: (_, { history }) => double(history.length) }],
  [
    "HistoryBeginTime",
    {
      signatures: [{ takes: [], returns: "timestamp" }],
      apply: (_, call) => {
        const oldest = call.history[0];
        if (oldest === undefined) throw insufficient(call, defaultPercent, 0);
        return { type: "timestamp", value: oldest.at };
      },
    },
  ],
]);
