// What a child of the control plane may know of the operator's environment: how to find programs, a home, a language, a time zone.
// Not the rest: cloud keys, npm's variables and NODE_OPTIONS stay where they are.

const passedOn = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SYSTEMROOT"];

export const childEnvironment = (operators: Record<string, string | undefined>): Record<string, string> => {
  const isPassedOn = (name: string): boolean => passedOn.includes(name) || name.startsWith("LC_");
  return Object.fromEntries(
    Object.entries(operators).filter((entry): entry is [string, string] => entry[1] !== undefined && isPassedOn(entry[0])),
  );
};
