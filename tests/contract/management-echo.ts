// Whether what a request of the management plane set is in the resource afterwards: every value at its place, but for secrets. Texts compare
// without regard to case where the service is known to change it (sizes, ids, locations); `but` names what is meant to differ.

/** Never answered. */
const secret = new Set(["password", "accountKey", "sasKey", "sshPrivateKey", "protectedSettings", "data", "imagePath"]);

export const unechoed = (sent: unknown, got: unknown, but: Readonly<Record<string, string>> = {}, at = ""): string[] => {
  if (but[at.slice(1)] !== undefined) return [];
  if (Array.isArray(sent)) {
    if (!Array.isArray(got) || got.length !== sent.length) return [`${at} was sent as a list of ${sent.length} and is ${text(got)}`];
    return sent.flatMap((item, index) => unechoed(item, got[index], but, `${at}[]`));
  }
  if (typeof sent === "object" && sent !== null) {
    return Object.entries(sent)
      .filter(([name, value]) => !secret.has(name) && !isEmpty(value))
      .flatMap(([name, value]) => unechoed(value, (got as Record<string, unknown> | undefined)?.[name], but, `${at}.${name}`));
  }
  const same = typeof sent === "string" && typeof got === "string" ? plain(sent) === plain(got) : sent === got;
  return same ? [] : [`${at} was sent as ${text(sent)} and is ${text(got)}`];
};

/** `startTask: {}` asks for none, null says nothing. */
const isEmpty = (value: unknown): boolean => value === null || (typeof value === "object" && Object.keys(value as object).length === 0);

const plain = (value: string): string => (/^\/|^[A-Za-z0-9_ ]*$/.test(value) ? value.toLowerCase().replaceAll(" ", "") : value);

const text = (value: unknown): string => JSON.stringify(value)?.slice(0, 120) ?? "missing";
