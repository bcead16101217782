// What must hold of the files and metadata that pools and tasks name, beyond what the declarations say of each property.
// Pure: nothing here looks whether a blob exists.

import type { ResourceFile } from "../api/batch/staging.ts";
import { invalidProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";

type ResourceFileValue = Infer<typeof ResourceFile>;

/** Whether a path stays below the directory it is relative to: neither absolute nor through `..`. Backslashes separate, as on Windows nodes. */
export const staysBelow = (path: string): boolean => {
  if (path.includes("\0") || /^([/\\]|[A-Za-z]:)/.test(path)) return false;
  return !path.split(/[/\\]/).includes("..");
};

export const checkResourceFiles = (files: readonly ResourceFileValue[] | undefined): void => {
  for (const file of files ?? []) {
    if (file.filePath !== undefined && !staysBelow(file.filePath)) {
      throw invalidProperty("filePath", "The file path must be relative and stay inside the task's working directory.", file.filePath);
    }
    if (file.fileMode !== undefined && !/^[0-7]{1,5}$/.test(file.fileMode)) {
      throw invalidProperty("fileMode", "The file mode must be an octal number.", file.fileMode);
    }
    if (file.httpUrl !== undefined && !isHttpUrl(file.httpUrl))
      throw invalidProperty("httpUrl", "The URL must be an absolute http or https URL.");
    if (file.storageContainerUrl !== undefined && !isHttpUrl(file.storageContainerUrl)) {
      throw invalidProperty("storageContainerUrl", "The URL must be an absolute http or https URL.");
    }
  }
};

/** The URL itself is kept out of the error: it may carry a signature. */
export const isHttpUrl = (text: string): boolean => {
  if (!/^https?:\/\//i.test(text)) return false;
  return URL.canParse(text);
};

/** The name of the first that comes twice, without regard to case. */
export const firstRepeated = (names: readonly string[]): string | undefined => {
  const seen = new Set<string>();
  for (const name of names) {
    const key = name.toLowerCase();
    if (seen.has(key)) return name;
    seen.add(key);
  }
  return undefined;
};
