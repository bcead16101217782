// Every function of the template language by its name in lower case.
import { collectionFunctions } from "./collections.ts";
import { hashFunctions } from "./hashes.ts";
import { numberFunctions } from "./numbers.ts";
import { placeFunctions } from "./places.ts";
import type { TemplateFunction } from "./signature.ts";
import { stringFunctions } from "./strings.ts";

const all = [...collectionFunctions, ...hashFunctions, ...numberFunctions, ...placeFunctions, ...stringFunctions];

export const functions: ReadonlyMap<string, TemplateFunction> = new Map(all.map((one) => [one.name.toLowerCase(), one]));
