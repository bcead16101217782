// How the template language refuses: one kind of error, in Resource Manager's words as far as these are known. What status and code it becomes on
// the wire is decided by the deployment operations.

/** The template, or what was handed to it, is wrong. The message is for the author of the template and holds no value of a parameter. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** Puts in front of a refusal which part of the template it is about; other errors pass. */
export const within = <T>(where: (reason: string) => string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw new TemplateError(where(error.message), { cause: error });
    throw error;
  }
};

/** Texts of users in messages: cut, so that a hostile template does not become a hostile answer. */
export const quoted = (text: string, longest = 128): string => `'${text.length > longest ? `${text.slice(0, longest)}...` : text}'`;
