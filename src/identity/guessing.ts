// Slows down who guesses secrets: after some wrong ones for a client from one address, that address waits out the minute before it may try that
// client again. Others, and the client itself elsewhere, notice nothing.
import type { Instant } from "../lib/clock.ts";

export interface GuessingBrake {
  /** How long this address has to wait before it may try this client, in ms; 0 when it may now. */
  waitMs(clientId: string, address: string, now: Instant): number;
  failed(clientId: string, address: string, now: Instant): void;
}

export const allowedFailures = 10;
export const windowMs = 60_000;
/** Pairs of client and address. Beyond it the oldest is forgotten, which gives its address a few guesses more. */
const remembered = 10_000;

/** Ask only about clients that exist: a made-up one has no secret to guess, and would only fill the memory. */
export const createGuessingBrake = (): GuessingBrake => {
  const failures = new Map<string, { count: number; since: Instant }>();
  const keyOf = (clientId: string, address: string): string => `${clientId.toLowerCase()} ${networkOf(address)}`;
  const current = (key: string, now: Instant) => {
    const entry = failures.get(key);
    // A clock that was set back must not lock anybody out for as long.
    if (entry === undefined || (now - entry.since < windowMs && now >= entry.since)) return entry;
    failures.delete(key);
    return undefined;
  };
  return {
    waitMs: (clientId, address, now) => {
      const entry = current(keyOf(clientId, address), now);
      return entry === undefined || entry.count < allowedFailures ? 0 : entry.since + windowMs - now;
    },
    failed: (clientId, address, now) => {
      const key = keyOf(clientId, address);
      const entry = current(key, now);
      if (entry !== undefined) {
        entry.count++;
        return;
      }
      if (failures.size >= remembered) failures.delete(failures.keys().next().value!);
      failures.set(key, { count: 1, since: now });
    },
  };
};

/** Whoever has one IPv6 address has 2^64 of them: the network counts. */
const networkOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  return [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...(tail ?? "").split(":")].slice(0, 4).join(":");
};
