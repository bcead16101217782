// What a start leaves for people and programs to read: the lines on the terminal, and the ready files.
import type { Location } from "../cli/location.ts";
import { type StartOptions, wellKnownAccount } from "../cli/options.ts";
import { banner, type ReadyFile, removeReadyFile, shellExports, writeReadyFile } from "../cli/ready.ts";
import type { StorageService } from "../storage/storage.ts";

export const storageOf = (storage: StorageService, baseUrl: string): ReadyFile["storage"] => {
  const [connectionString, blobEndpoint] = [storage.connectionString(baseUrl), storage.blobEndpoint(baseUrl)];
  return connectionString === undefined || blobEndpoint === undefined ? null : { connectionString, blobEndpoint };
};

/** Gives back what removes the files again. */
export const announce = (options: StartOptions, ready: ReadyFile, location: Location, print: (text: string) => void): (() => void) => {
  if (options.printEnv) print(shellExports(ready));
  else if (!options.silent) print(banner(ready, ready.key === wellKnownAccount.key));
  // The location's own first: who waits for the other finds both.
  const files = [location.ready, ...(options.readyFile === undefined ? [] : [options.readyFile])];
  for (const file of files) writeReadyFile(file, ready);
  return () => {
    for (const file of files) removeReadyFile(file);
  };
};
