// For what cannot happen: a Bug is our mistake, never the caller's. It becomes a 500 and everything about it is logged.

export class Bug extends Error {
  override readonly name = "Bug";
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** The end of an exhaustive switch: does not compile while a case is missing. */
export const unreachable = (value: never): never => {
  throw new Bug(`unexpected value ${JSON.stringify(value)}`);
};
