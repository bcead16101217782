// The functions that know where a template is deployed, what its resources are called, and what has been deployed: parameters, variables, resource ids,
// reference and list.
import type { Scope } from "../scope.ts";
import { isObject, type Value } from "../values.ts";
import { any, define, type TemplateFunction, text, whole, wrong } from "./signature.ts";

const guid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** `[scope...], type, name...`: the part behind the scope, and the scope's parts. */
const typed = (name: string, args: readonly Value[]): { scope: string[]; path: string } => {
  const parts = args.map((arg) => text(name, arg));
  const at = parts.findIndex((part) => part.includes("/") && !part.startsWith("/"));
  if (at === -1) throw wrong(name, "an argument must be a fully qualified resource type: with its namespace.");
  const [namespace, ...types] = parts[at]!.split("/");
  // A name may itself be of several parts: account/pool.
  const names = parts.slice(at + 1).flatMap((part) => part.split("/"));
  if (types.length !== names.length)
    throw wrong(
      name,
      `the type '${parts[at]!.slice(0, 128)}' has '${types.length}' segment(s), but '${names.length}' name(s) are provided.`,
    );
  // Groups lie in no provider (that the service says so here as well is unverified; Bicep's dependencies on groups need it).
  if (parts[at]!.toLowerCase() === "microsoft.resources/resourcegroups")
    return { scope: parts.slice(0, at), path: `/resourceGroups/${names[0]}` };
  return { scope: parts.slice(0, at), path: `/providers/${namespace}${types.map((type, index) => `/${type}/${names[index]}`).join("")}` };
};

const subscriptionOf = ({ place }: Scope): string => `/subscriptions/${place.subscription.subscriptionId}`;

const resourceId: TemplateFunction["run"] = (args, scope) => {
  const { scope: given, path } = typed("resourceId", args);
  if (given.length > 2) throw wrong("resourceId", "there are too many arguments in front of the resource type.");
  const subscription = given.find((one) => guid.test(one));
  const group = given.find((one) => !guid.test(one)) ?? scope.place.resourceGroup?.name;
  const of = subscription === undefined ? subscriptionOf(scope) : `/subscriptions/${subscription}`;
  return group === undefined ? of + path : `${of}/resourceGroups/${group}${path}`;
};

const subscriptionResourceId: TemplateFunction["run"] = (args, scope) => {
  const { scope: given, path } = typed("subscriptionResourceId", args);
  return (given[0] === undefined ? subscriptionOf(scope) : `/subscriptions/${given[0]}`) + path;
};

const reference: TemplateFunction["run"] = ([target, version, full], { runtime }) => {
  const apiVersion = version === undefined || version === null ? undefined : text("reference", version);
  const whole = full !== undefined && text("reference", full).toLowerCase() === "full";
  if (runtime === undefined) throw wrong("reference", "the function is not expected at this location: what is deployed is not known yet.");
  return runtime.reference(text("reference", target), apiVersion, whole);
};

const list: TemplateFunction["run"] = ([target, version, body], { runtime }, name) => {
  if (runtime === undefined) throw wrong(name, "the function is not expected at this location: what is deployed is not known yet.");
  if (target === undefined || version === undefined) throw wrong(name, "it needs a resource id and an api-version.");
  if (body !== undefined && !isObject(body)) throw wrong(name, "its third argument must be an object.");
  return runtime.list(name, text(name, target), text(name, version), body);
};

const copyIndex: TemplateFunction["run"] = ([first, second], { copies }) => {
  const name = typeof first === "string" ? first.toLowerCase() : "";
  const offset = typeof first === "string" ? second : first;
  const index = copies.get(name);
  if (index === undefined) throw wrong("copyIndex", "the function is not expected at this location: there is no such copy around it.");
  return index + (offset === undefined ? 0 : whole("copyIndex", offset));
};

/** What is only for default values of parameters, where a deployment begins: elsewhere it would be another each time. */
const once = (name: string, run: (fresh: NonNullable<Scope["fresh"]>, args: readonly Value[]) => Value): TemplateFunction["run"] => {
  return (args, { fresh }) => {
    if (fresh === undefined)
      throw wrong(name, "the function is not expected at this location: it can only be used in the default value of a parameter.");
    return run(fresh, args);
  };
};

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** The parts of .NET's custom formats, and its standard ones that are used. Without one: yyyyMMddTHHmmssZ. */
export const formatTime = (at: number, format = "yyyyMMddTHHmmssZ"): string => {
  const time = new Date(at);
  const standard: Record<string, string> = {
    d: "MM/dd/yyyy",
    o: "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    O: "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    s: "yyyy-MM-ddTHH:mm:ss",
    u: "yyyy-MM-dd HH:mm:ssZ",
    R: "ddd, dd MMM yyyy HH:mm:ss GMT",
    r: "ddd, dd MMM yyyy HH:mm:ss GMT",
  };
  const named = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }).format(time);
  return (standard[format] ?? format).replace(
    /'([^']*)'|GMT|yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,7}|tt/g,
    (part, literal) => {
      const hour = time.getUTCHours();
      const twelve = hour % 12 === 0 ? 12 : hour % 12;
      if (literal !== undefined) return literal;
      if (/^f+$/.test(part)) return String(time.getUTCMilliseconds()).padStart(3, "0").padEnd(7, "0").slice(0, part.length);
      const parts: Record<string, string> = {
        GMT: "GMT",
        yyyy: String(time.getUTCFullYear()).padStart(4, "0"),
        yy: twoDigits(time.getUTCFullYear() % 100),
        MMMM: named({ month: "long" }),
        MMM: named({ month: "short" }),
        MM: twoDigits(time.getUTCMonth() + 1),
        M: String(time.getUTCMonth() + 1),
        dddd: named({ weekday: "long" }),
        ddd: named({ weekday: "short" }),
        dd: twoDigits(time.getUTCDate()),
        d: String(time.getUTCDate()),
        HH: twoDigits(hour),
        H: String(hour),
        hh: twoDigits(twelve),
        h: String(twelve),
        mm: twoDigits(time.getUTCMinutes()),
        m: String(time.getUTCMinutes()),
        ss: twoDigits(time.getUTCSeconds()),
        s: String(time.getUTCSeconds()),
        tt: hour < 12 ? "AM" : "PM",
      };
      return parts[part]!;
    },
  );
};

const instantOf = (name: string, value: Value | undefined): number => {
  const given = text(name, value).trim();
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(given);
  const plain = compact === null ? given : `${compact[1]}-${compact[2]}-${compact[3]}T${compact[4]}:${compact[5]}:${compact[6]}Z`;
  // Without a zone it is in UTC.
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(plain) ? plain : /T|\d:\d/.test(plain) ? `${plain.replace(" ", "T")}Z` : plain;
  const at = Date.parse(zoned);
  if (Number.isNaN(at)) throw wrong(name, "the text is not a date and time.");
  return at;
};

const addTime: TemplateFunction["run"] = ([base, duration, format]) => {
  const given = text("dateTimeAdd", duration);
  const match =
    /^(-)?P(?=.)(?:(\d{1,5})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/i.exec(
      given,
    );
  if (match === null) throw wrong("dateTimeAdd", "the duration is not in the form of ISO 8601.");
  const sign = match[1] === undefined ? 1 : -1;
  const [years, months, weeks, days, hours, minutes, seconds] = match.slice(2).map((part) => sign * Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const time = new Date(instantOf("dateTimeAdd", base));
  time.setUTCMonth(time.getUTCMonth() + years * 12 + months);
  const at = time.getTime() + (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000;
  if (!Number.isFinite(at) || Math.abs(at) > 8e15) throw wrong("dateTimeAdd", "the result is out of range.");
  return formatTime(at, format === undefined ? "yyyy-MM-ddTHH:mm:ssZ" : text("dateTimeAdd", format));
};

export const placeFunctions: readonly TemplateFunction[] = [
  define("parameters", 1, 1, ([name], { parameters }) => parameters(text("parameters", name))),
  define("variables", 1, 1, ([name], { variables }) => variables(text("variables", name))),
  define("resourceId", 2, any, resourceId),
  define("subscriptionResourceId", 2, any, subscriptionResourceId),
  define("tenantResourceId", 2, any, (args) => typed("tenantResourceId", args).path),
  define("managementGroupResourceId", 2, any, (args) => typed("managementGroupResourceId", args).path),
  define("extensionResourceId", 3, any, ([base, ...args]) => text("extensionResourceId", base) + typed("extensionResourceId", args).path),
  define("resourceInfo", 1, 1, ([name], { resourceInfo }) => resourceInfo(text("resourceInfo", name))),
  define("reference", 1, 3, reference),
  define("list*", 2, 3, list),
  define("copyIndex", 0, 2, copyIndex),
  define("deployment", 0, 0, (_, { place }) => place.deployment),
  define("environment", 0, 0, (_, { place }) => place.environment),
  define("subscription", 0, 0, (_, { place }) => place.subscription),
  define("tenant", 0, 0, (_, { place }) => place.tenant),
  define("resourceGroup", 0, 0, (_, { place }) => {
    if (place.resourceGroup === undefined)
      throw wrong("resourceGroup", "the function is not expected at this location: the deployment is of a subscription.");
    return place.resourceGroup;
  }),
  // There are no zones here.
  define("pickZones", 3, 5, () => []),
  define(
    "utcNow",
    0,
    1,
    once("utcNow", ({ now }, [format]) => formatTime(now, format === undefined ? undefined : text("utcNow", format))),
  ),
  define(
    "newGuid",
    0,
    0,
    once("newGuid", ({ newGuid }) => newGuid()),
  ),
  define("dateTimeAdd", 2, 3, addTime),
  define("dateTimeToEpoch", 1, 1, ([of]) => Math.floor(instantOf("dateTimeToEpoch", of) / 1000)),
  define("dateTimeFromEpoch", 1, 1, ([of]) => {
    const seconds = whole("dateTimeFromEpoch", of);
    if (Math.abs(seconds) > 8e12) throw wrong("dateTimeFromEpoch", "the value is out of range.");
    return formatTime(seconds * 1000, "yyyy-MM-ddTHH:mm:ssZ");
  }),
];
