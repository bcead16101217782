// What `quern doctor` finds out, as data, and how it looks on a terminal. Never holds a key, a token or a signed URL.

export type Finding = {
  /** `failed`: something that is needed does not work. `note`: it works, and this may still be worth doing. */
  state: "ok" | "note" | "failed";
  /** One word, e.g. `https`. */
  subject: string;
  text: string;
  /** Commands and lines to paste, in their order. */
  todo?: readonly string[];
};

export const ok = (subject: string, text: string, todo?: readonly string[]): Finding => ({
  state: "ok",
  subject,
  text,
  ...(todo && { todo }),
});
export const note = (subject: string, text: string, todo?: readonly string[]): Finding => ({
  state: "note",
  subject,
  text,
  ...(todo && { todo }),
});
export const failed = (subject: string, text: string, todo?: readonly string[]): Finding => ({
  state: "failed",
  subject,
  text,
  ...(todo && { todo }),
});

const words = { ok: "ok  ", note: "note", failed: "FAIL" };
const subjectWidth = 10;

export const reportOf = (findings: readonly Finding[]): string => {
  const lines = findings.flatMap(({ state, subject, text, todo = [] }) => [
    `${words[state]}  ${subject.padEnd(subjectWidth)}${text}`,
    ...todo.map((line) => `${" ".repeat(6 + subjectWidth)}${line}`),
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
