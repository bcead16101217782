// What one evaluation may cost. A template is a program of a stranger: it has no loops without end, but variables that double, ranges and copies make
// work and values of any size out of a few lines. Everything that walks or makes values pays here, and whoever has no more is refused.
import { TemplateError } from "./errors.ts";

/** Steps: nodes evaluated, elements made or looked at. About a tenth of a second in all. */
const mostSteps = 400_000;
/** Characters of texts that functions read and make. */
const mostCharacters = 64 * 1024 * 1024;
/** Expressions within expressions, variables within variables. */
const deepest = 400;

export class Budget {
  #steps: number;
  #characters: number;
  #depth = 0;

  /** `times` as much as one evaluation may cost. */
  constructor(times = 1) {
    this.#steps = mostSteps * times;
    this.#characters = mostCharacters * times;
  }

  steps(count: number): void {
    this.#steps -= count;
    if (!(this.#steps >= 0)) throw new TemplateError("The template is too large to be evaluated: it takes too many steps.");
  }

  characters(count: number): void {
    this.#characters -= count;
    if (!(this.#characters >= 0)) throw new TemplateError("The template is too large to be evaluated: its texts become too long.");
  }

  /** One level further down for as long as the work lasts. */
  deeper<T>(work: () => T): T {
    if (this.#depth >= deepest)
      throw new TemplateError("The template is too large to be evaluated: its expressions are nested too deeply.");
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#depth -= 1;
    }
  }
}
