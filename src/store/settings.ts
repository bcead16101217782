// Single values that outlive the process (keys of the local CA, the id of this location). Not options: those come from the command line.
import { type Reader, sql, type Write, write } from "./db.ts";

export const getSetting = async (read: Reader, name: string): Promise<string | undefined> =>
  (await read.get<{ value: string }>(sql`SELECT value FROM settings WHERE name = ${name}`))?.value;

/** Sets or replaces. */
export const putSetting = (name: string, value: string): Write[] => [
  write(sql`INSERT INTO settings (name, value) VALUES (${name}, ${value}) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, 1),
];
