// ISO 8601 durations as the service reads and writes them: days at most (a year is 365 days, a month 30), ticks of 100 ns.

/** How the service writes "unlimited": the largest .NET TimeSpan. */
export const unlimitedDuration = "P10675199DT2H48M5.4775807S";

const pattern =
  /^(-)?P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?$/;
const ticksPerSecond = 10_000_000n;
const ticksPerDay = 86_400n * ticksPerSecond;
const largestTicks = 2n ** 63n - 1n;

/** Ticks of 100 ns, or undefined when the text is not a duration or does not fit a TimeSpan. */
export const durationTicks = (text: string): bigint | undefined => {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const part = (index: number): bigint => BigInt(match[index] ?? "0");
  const days = part(2) * 365n + part(3) * 30n + part(4) * 7n + part(5);
  const fraction = BigInt((match[9] ?? "").slice(0, 7).padEnd(7, "0"));
  const ticks = days * ticksPerDay + ((part(6) * 60n + part(7)) * 60n + part(8)) * ticksPerSecond + fraction;
  if (ticks > largestTicks) return undefined;
  return match[1] === undefined ? ticks : -ticks;
};

/** The service's spelling: `PT01H00M00S` becomes `PT1H`, `P0D` stays, zero otherwise is `PT0S`. */
export const normaliseDuration = (text: string): string | undefined => {
  const ticks = durationTicks(text);
  if (ticks === undefined) return undefined;
  if (ticks === 0n) return text.includes("T") ? "PT0S" : "P0D";
  const size = ticks < 0n ? -ticks : ticks;
  const days = size / ticksPerDay;
  const seconds = (size % ticksPerDay) / ticksPerSecond;
  const fraction = (size % ticksPerSecond).toString().padStart(7, "0").replace(/0+$/, "");
  const [h, m, s] = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const time = `${h > 0n ? `${h}H` : ""}${m > 0n ? `${m}M` : ""}${s > 0n || fraction !== "" ? `${s}${fraction === "" ? "" : `.${fraction}`}S` : ""}`;
  return `${ticks < 0n ? "-" : ""}P${days > 0n ? `${days}D` : ""}${time === "" ? "" : `T${time}`}`;
};

/** Milliseconds, rounded down; Infinity for the unlimited duration (and anything over 10,000 years). */
export const durationMs = (text: string): number => {
  const ticks = durationTicks(text);
  if (ticks === undefined) throw new RangeError(`not a duration: ${text}`);
  return ticks >= 3_650_000n * ticksPerDay ? Number.POSITIVE_INFINITY : Number(ticks / 10_000n);
};

/** Milliseconds, 0 or more, in the service's spelling. */
export const durationOf = (ms: number): string =>
  normaliseDuration(`PT${Math.floor(ms / 1000)}.${String(Math.floor(ms) % 1000).padStart(3, "0")}S`)!;
