// What `quern doctor` finds out, as data, and how it looks on a terminal. Never holds a key, a token or a signed URL.

export type Finding = {
  /** `failed`: something that is needed does not work. `note`: it works, and this may still be worth doing. */
  state: "ok" | "note" | "failed";
  /** One word, e.g. `https`. */
  subject: string;
  text: string;
  /** Commands and lines to paste, in their order. */
  remedy?: readonly string[];
};

type Maker = (subject: string, text: string, remedy?: readonly string[]) => Finding;
const found =
  (state: Finding["state"]): Maker =>
  (subject, text, remedy) => ({ state, subject, text, ...(remedy && { remedy }) });

export const ok = found("ok");
export const note = found("note");
export const failed = found("failed");

const words = { ok: "ok  ", note: "note", failed: "FAIL" };
const subjectWidth = 10;

export const reportOf = (findings: readonly Finding[]): string => {
  const lines = findings.flatMap(({ state, subject, text, remedy = [] }) => [
    `${words[state]}  ${subject.padEnd(subjectWidth)}${text}`,
    ...remedy.map((line) => `${" ".repeat(6 + subjectWidth)}${line}`),
  ]);
  const wrong = findings.filter(({ state }) => state === "failed").length;
  const end = wrong === 0 ? "Nothing that is needed is missing." : `${wrong} of these must be put right (FAIL).`;
  return `${lines.join("\n")}\n\n${end}\n`;
};

/** System errors in words: their code where they have one, never an address of the operator's network that they may carry. */
export const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
};
