// Where the upstream documents and recordings are: beside the project, or where QUERN_SHARED says. A test that needs them fails
// loudly when they are missing; `npm test` leaves such files out with a message and counts them as skipped, never in silence.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

export const sharedFolder = (): string => process.env.QUERN_SHARED ?? resolve(root, "../shared");

export const sharedPath = (...parts: string[]): string => {
  const base = sharedFolder();
  if (!existsSync(base)) {
    throw new Error(
      `The upstream API documents are not at ${base}. Put them beside the project as ../shared, or set QUERN_SHARED to where they are.`,
    );
  }
  return join(base, ...parts);
};
