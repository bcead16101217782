// Runs the thread that unpacks, one job at a time, and ends it when nobody wants its work any more.
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ImportFailed } from "./failures.ts";
import type { FromUnpacker, UnpackJob, UnpackOutcome } from "./unpack-worker.ts";

/** Rejects with ImportFailed, the reason of the signal, or whatever went wrong that is not the image's fault. */
export const unpack = (job: UnpackJob, told: (fraction: number) => void, signal: AbortSignal): Promise<UnpackOutcome> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(new URL(`./unpack-worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: job,
      execArgv: [],
      env: {},
    });
    const stop = (): void => void worker.terminate();
    signal.addEventListener("abort", stop);
    let settle = (): void => reject(new Error("the thread that unpacks ended without a word"));
    worker.on("message", (message: FromUnpacker) => {
      if (message.type === "progress") told(message.fraction);
      else if (message.type === "done") settle = () => resolve(message.outcome);
      else settle = () => reject(new ImportFailed(message.code, message.message));
    });
    worker.on("error", (error) => {
      settle = () => reject(error);
    });
    // Only when it has ended: until then it may still write.
    worker.on("exit", () => {
      signal.removeEventListener("abort", stop);
      if (signal.aborted) reject(signal.reason);
      else settle();
    });
  });
