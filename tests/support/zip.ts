// Zip archives for tests, honest and hostile: every field that a reader might trust can be given another value.
import { crc32, deflateRawSync } from "node:zlib";

export type ZipEntry = {
  name: string;
  data?: string | Buffer;
  /** With the type bits, e.g. 0o120777 for a link; written by a host that has permissions unless `host` says otherwise. */
  mode?: number;
  /** 3 is unix, 0 is MS-DOS. */
  host?: number;
  /** Not compressed. */
  stored?: boolean;
  /** Instead of the truth. */
  declaredSize?: number;
  crc?: number;
  flags?: number;
  method?: number;
};

const [localSignature, centralSignature, endSignature] = [0x04034b50, 0x02014b50, 0x06054b50];
/** 2020-01-01 00:00, as MS-DOS writes it. */
const [time, date] = [0, ((2020 - 1980) << 9) | (1 << 5) | 1];

export const aZip = (entries: readonly ZipEntry[]): Buffer => {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? "");
    const stored = entry.stored ?? data.length === 0;
    const packed = stored ? data : deflateRawSync(data);
    const name = Buffer.from(entry.name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0x800, 2);
    common.writeUInt16LE(entry.method ?? (stored ? 0 : 8), 4);
    common.writeUInt16LE(time, 6);
    common.writeUInt16LE(date, 8);
    common.writeUInt32LE(entry.crc ?? crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(entry.declaredSize ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([word(localSignature), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((((entry.mode ?? 0) & 0xffff) << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([30, entry.host ?? (entry.mode === undefined ? 0 : 3)]);
    directory.push(Buffer.concat([word(centralSignature), madeBy, common, rest, name]));
    bodies.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, central, word(endSignature), end]);
};

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** A program of a shell, executable. */
export const aScript = (name: string, text: string): ZipEntry => ({ name, data: `#!/bin/sh\n${text}\n`, mode: 0o100755 });
