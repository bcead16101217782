// Resource groups: which names they may have. Pure.
import { ApiError } from "../api/errors.ts";

const longest = 90;

/** Throws InvalidResourceGroup. Letters and digits of any script, as the service takes them, and `-`, `_`, `.`, `(`, `)`; no full stop at the end. */
export const checkGroupName = (name: string): string => {
  const wrong = [...new Set(name.match(/[^-\p{L}\p{N}_.()]/gu) ?? [])];
  const refuse = (reason: string): never => {
    throw new ApiError("InvalidResourceGroup", [], `The provided resource group name '${name.slice(0, longest)}' ${reason}`);
  };
  if (wrong.length > 0) {
    const shown = wrong.join("").slice(0, 32);
    return refuse(`has these invalid characters: '${shown}'. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.`);
  }
  if (name.length > longest) return refuse(`is too long. The maximum length is ${longest} characters.`);
  if (name.endsWith(".")) return refuse("ends in a period. A name cannot end in a period.");
  return name;
};

/** By which the long-running operations of a group are found again, where no subscription is known. */
export const groupOperationKey = (name: string): string => `/resourcegroups/${name.toLowerCase()}`;
