// Files of nodes and tasks as clients see them: list entries, and the headers of a file that is read.
import type { FileEntry } from "../../../api/agent/messages.ts";
import type { NodeFile } from "../../../api/batch/files.ts";
import type { Infer } from "../../../api/fields.ts";
import { httpDate, isoTime } from "../../../lib/clock.ts";

const textEndings = /\.(txt|log|out|err|json|csv|tsv|xml|ya?ml|md|sh|py|js|ts|ini|conf|cfg|html?|css|sql)$/i;

/** By name alone, so that HEAD, GET and lists agree and no content is read for it. */
export const contentTypeOf = (name: string): string => (textEndings.test(name) ? "text/plain" : "application/octet-stream");

/** `name` as the client asked or is told it; `filesUrl` is the URL of the list it belongs to. */
export const fileUrl = (filesUrl: string, name: string): string => `${filesUrl}/${name.split("/").map(encodeURIComponent).join("/")}`;

/** A directory has no properties. The times of creation are left out: Linux nodes do not tell them. */
export const fileView = (entry: FileEntry, filesUrl: string): Infer<typeof NodeFile> => ({
  name: entry.name,
  url: fileUrl(filesUrl, entry.name),
  isDirectory: entry.isDirectory,
  properties: entry.isDirectory
    ? undefined
    : {
        lastModified: isoTime(entry.modifiedAt),
        contentLength: String(entry.size),
        contentType: contentTypeOf(entry.name),
        fileMode: entry.mode,
      },
});

/** Percent-encoded whole, because az unquotes it (clients.md section 5). */
export const fileHeaders = (entry: FileEntry, filesUrl: string): Record<string, string> => ({
  "content-type": contentTypeOf(entry.name),
  "last-modified": httpDate(entry.modifiedAt),
  "ocp-batch-file-isdirectory": entry.isDirectory ? "True" : "False",
  "ocp-batch-file-mode": entry.mode,
  "ocp-batch-file-url": encodeURIComponent(`${filesUrl}/${entry.name}`),
});
