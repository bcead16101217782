// How far an import is, told seldom enough that whoever keeps it (a row, a commit) is not kept busy by it.
import type { Clock } from "../lib/clock.ts";
import type { ImportProgress } from "./import.ts";

/** The share of the percentage that the arrival of the bytes has; unpacking has the rest. */
const downloadShare = 80;
const pauseMs = 250;

export type ProgressReporter = {
  downloaded(bytes: number, totalBytes: number | undefined): void;
  /** `fraction` of the source that has been unpacked, 0 to 1. */
  unpacked(fraction: number): void;
  finished(): void;
};

export const progressReporter = (clock: Clock, tell: (progress: ImportProgress) => void): ProgressReporter => {
  let now: ImportProgress = { phase: "downloading", downloadedBytes: 0, percentage: 0 };
  let toldAt = Number.NEGATIVE_INFINITY;
  let told: ImportProgress | undefined;

  const set = (next: ImportProgress, atOnce = false): void => {
    const percentage = Math.max(now.percentage, Math.min(100, Math.floor(next.percentage)));
    now = { ...next, percentage };
    const changed = told === undefined || told.percentage !== percentage || told.downloadedBytes !== now.downloadedBytes || atOnce;
    if (!changed || (!atOnce && clock.elapsed() - toldAt < pauseMs)) return;
    toldAt = clock.elapsed();
    told = now;
    tell(now);
  };

  return {
    downloaded: (bytes, totalBytes) => {
      const share = totalBytes === undefined || totalBytes === 0 ? 0 : Math.min(1, bytes / totalBytes);
      set({
        phase: "downloading",
        downloadedBytes: bytes,
        ...(totalBytes !== undefined && { totalBytes }),
        percentage: share * downloadShare,
      });
    },
    unpacked: (fraction) =>
      set(
        { ...now, phase: "unpacking", percentage: downloadShare + Math.min(1, fraction) * (99 - downloadShare) },
        now.phase === "downloading",
      ),
    finished: () => set({ ...now, percentage: 100 }, true),
  };
};
