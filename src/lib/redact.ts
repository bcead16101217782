// Takes secrets out of text that is about to be written somewhere: signatures of SAS URLs, Authorization values, account keys.
// It works on text alone and knows nothing of the log; what must be secret by name (passwords in bodies) never gets this far.

const hidden = "REDACTED";

// Texts are often a client's, and long: no rule may look at one place more than once. (A scheme in front of `://` was once asked for, and
// then searched for from every letter on.)
const rules: readonly (readonly [RegExp, string])[] = [
  // The signature of a shared access signature, and tokens that some clients put into a query.
  [/([?&;\s"'](?:sig|signature|access_token|client_secret|password|token)=)[^&\s"'<>#;]*/gi, `$1${hidden}`],
  [/^((?:sig|signature|access_token|client_secret|password|token)=)[^&\s"'<>#;]*/gi, `$1${hidden}`],
  // Percent-escaped URLs within other URLs (ocp-batch-file-url and the like).
  [/((?:%3F|%26)sig%3D)(?:(?!%26)[^&\s"'<>#;])*/gi, `$1${hidden}`],
  [/\b(SharedKey(?:Lite)?\s+[^:\s"']*:)[^\s"',]+/gi, `$1${hidden}`],
  [/\b(Bearer\s+)[^\s"',]+/gi, `$1${hidden}`],
  [/\b(Basic\s+)[A-Za-z0-9+/=]{4,}/g, `$1${hidden}`],
  // Storage connection strings.
  [/\b(AccountKey=)[^;\s"']+/gi, `$1${hidden}`],
  [/\b(SharedAccessSignature=)[^;\s"']+/gi, `$1${hidden}`],
  // User names and passwords in a URL.
  [/(:\/\/)[^/\s"'@]+@/g, `$1${hidden}@`],
];

/** A word of every rule: most texts have none, and one look tells. */
const suspicious = /sig|token|secret|password|sharedkey|bearer|basic|accountkey|:\/\//i;

/** The text without what would let its reader act as someone else. */
export const redactText = (text: string): string => (suspicious.test(text) ? applyRules(text) : text);

const applyRules = (text: string): string => rules.reduce((left, [pattern, by]) => left.replace(pattern, by), text);

const secretHeaders = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie", "x-ms-copy-source-authorization"]);

/** Header values fit for a log: secret ones hidden by name, URLs in the others cleaned. */
export const redactHeaders = (headers: Readonly<Record<string, string | readonly string[] | number | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, secretHeaders.has(name.toLowerCase()) ? hidden : redactText(String(value))]),
  );

/**
 * The same for a value about to be logged: texts at any depth, up to a depth that no honest log entry has. Errors keep
 * their name, message, code and stack.
 */
export const redactValue = (value: unknown, depth = 6): unknown => {
  if (typeof value === "string") return redactText(value);
  if (value === null || typeof value !== "object") return value;
  if (depth === 0) return "[deeper]";
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const more = "code" in value ? { code: value.code } : {};
    return {
      name,
      message: redactText(message),
      stack: redactText(stack ?? ""),
      ...more,
      ...(cause === undefined ? {} : { cause: redactValue(cause, depth - 1) }),
    };
  }
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, secretHeaders.has(key.toLowerCase()) ? hidden : redactValue(item, depth - 1)]),
  );
};
