// Everything the language can say is wrong, as one table of texts with named slots. A wrong id or slot does not compile.
// Which code a fault becomes is decided in index.ts, where it leaves the language.

export const messages = {
  // Reading the text.
  tooLong: "The formula has {length} characters; {limit} are allowed",
  tooManyStatements: "The formula has more than {limit} statements",
  tooDeep: "The formula is nested more than {limit} levels deep",
  unexpectedCharacter: "Unexpected character: {character}",
  openText: "The string is not closed",
  openComment: "The comment is not closed",
  numberTooLarge: "The number is too large: {number}",
  unexpected: "Unexpected {found}, expected {expected}",
  // Checking it. The first text is the real service's, recorded in 2026.
  undefinedSymbol: "Undefined symbol: {name}",
  undefinedFunction: "Undefined function: {name}",
  undefinedMember: "Undefined member of {type}: {name}",
  undefinedMethod: "Undefined method of {name}: {method}",
  notSampled: "{name} has no samples",
  readOnly: "{name} cannot be assigned",
  needsDollar: "The service variable is written {name}",
  wrongAssignment: "{name} takes {wanted}, not {given}",
  wrongOperands: "Operator {operator} does not take {left} and {right}",
  wrongOperand: "Operator {operator} does not take {operand}",
  wrongCondition: "A condition is a double, not {given}",
  wrongArguments: "{name} takes {wanted}, not ({given})",
  // Evaluating it. The second text is the real service's.
  insufficientSamples: "Insufficient data from data set: {metric} wanted {wanted}%, received {received}%",
  noValues: "{name} needs at least one value",
  unequalLengths: "Operator {operator} needs vectors of one length, not of {left} and {right} elements",
  noElement: "The vector has {length} elements, none at {index}",
  wrongPercentile: "A percentile is from 0 to 100, not {given}",
  wrongCount: "GetSample takes a count from 1, not {given}",
  wrongTime: "Not a date and time: {text}",
  timeOutOfRange: "The result is not a possible date and time",
  intervalOutOfRange: "The result is too large for a time interval",
  wrongTarget: "{name} cannot be {given}",
  tooManySteps: "The evaluation needs more than {limit} steps",
  tooMuchMemory: "The evaluation needs more than {limit} bytes",
} as const;

export type MessageId = keyof typeof messages;

type Slots<Text extends string> = Text extends `${string}{${infer Slot}}${infer Rest}` ? Slot | Slots<Rest> : never;
type Filling<Id extends MessageId> =
  Slots<(typeof messages)[Id]> extends never ? [] : [slots: Record<Slots<(typeof messages)[Id]>, string | number>];

/** What is wrong, and where: `at` is an offset into the formula's text. Thrown within the language, never out of it. */
export class FormulaFault extends Error {
  override readonly name = "FormulaFault";
  readonly id: MessageId;
  readonly at: number;

  constructor(id: MessageId, at: number, text: string) {
    super(text);
    this.id = id;
    this.at = at;
  }
}

/** `throw fault(at, "undefinedSymbol", { name })` */
export const fault = <Id extends MessageId>(at: number, id: Id, ...[slots]: Filling<Id>): FormulaFault => {
  const values: Record<string, string | number> = slots ?? {};
  return new FormulaFault(
    id,
    at,
    messages[id].replace(/\{(\w+)\}/g, (_, slot: string) => String(values[slot])),
  );
};

/** The line and column of an offset, both from 1; a column counts UTF-16 units. */
export const positionOf = (text: string, at: number): { line: number; column: number } => {
  const lines = text.slice(0, at).split(/\r\n|\r|\n/);
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
};
