// What an import may use. Tests make these small; nobody else needs to change them.

export type ImportLimits = {
  /** Left free for the server itself, whatever comes. */
  reserveBytes: number;
  /** Files, directories and links of one image. */
  entries: number;
  /** A connection that brings less than `leastBytes` in so long is given up. */
  idleMs: number;
  /** There are few places for imports: one that comes drop by drop must not keep its own for ever. */
  leastBytes: number;
  /** How often a transfer is begun in a row that does not get on. */
  attempts: number;
  /** Before the second attempt; doubled before each further one. */
  pauseMs: number;
  redirects: number;
  /** What has come is made durable, and the space looked at, each time so much has come or so long has passed. */
  syncBytes: number;
  syncMs: number;
  /** For a program that answers at once (`qemu-img info`, `losetup`, `mount`). */
  toolMs: number;
};

export const usualLimits: ImportLimits = {
  reserveBytes: 256 * 2 ** 20,
  entries: 5_000_000,
  idleMs: 60_000,
  leastBytes: 64 * 1024,
  attempts: 5,
  pauseMs: 1000,
  redirects: 5,
  syncBytes: 64 * 2 ** 20,
  syncMs: 5000,
  toolMs: 60_000,
};
