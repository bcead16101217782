// The name of what an operation does, as role definitions and ARM's errors write it: Microsoft.Batch/batchAccounts/write.
import type { OperationDeclaration } from "../../api/operation.ts";

export const actionOf = ({ method, path, provider }: OperationDeclaration): string => {
  const parts = path.slice(path.toLowerCase().lastIndexOf("/providers/") + "/providers/".length).split("/");
  const inProvider = /\/providers\//i.test(path);
  const types = (inProvider ? parts.slice(1) : path.slice(1).split("/")).filter((part) => part !== "" && !part.startsWith("{"));
  const namespace = provider?.namespace ?? "";
  if (method === "POST") return `${[namespace, ...types].join("/")}/action`;
  const verb = method === "GET" || method === "HEAD" ? "read" : method === "DELETE" ? "delete" : "write";
  return `${[namespace, ...types].join("/")}/${verb}`;
};
