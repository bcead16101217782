// Where identifiers and every other random value come from. Passed in, so that a simulation can repeat itself.
import { randomBytes, randomUUID } from "node:crypto";

export interface Ids {
  guid(): string;
  /** Lower-case hex digits of `bytes` random bytes. */
  hex(bytes: number): string;
  /** A number in [0, 1), for jitter only. */
  chance(): number;
}

export const systemIds = (): Ids => ({
  guid: () => randomUUID(),
  hex: (bytes) => randomBytes(bytes).toString("hex"),
  chance: () => randomBytes(4).readUInt32BE() / 2 ** 32,
});

/** Repeatable values from a seed (mulberry32): for tests and the simulation, never for secrets. */
export const seededIds = (seed: number): Ids => {
  let state = seed >>> 0;
  const chance = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (bytes: number): string =>
    Array.from({ length: bytes }, () =>
      Math.floor(chance() * 256)
        .toString(16)
        .padStart(2, "0"),
    ).join("");
  const guid = (): string => {
    const h = hex(16);
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
  };
  return { guid, hex, chance };
};

/** A key of 64 bytes in base64, as accounts of Batch and of storage have them. */
export const accountKey = (ids: Pick<Ids, "hex">): string => Buffer.from(ids.hex(64), "hex").toString("base64");
