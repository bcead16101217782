// The few shapes of DER that a certificate needs. It writes only; reading certificates is node:crypto's.

/** A tagged value with its length. */
const tagged = (tag: number, content: Buffer): Buffer => {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content]);
};

export const der = {
  sequence: (...parts: Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts)),
  set: (...parts: Buffer[]): Buffer => tagged(0x31, Buffer.concat(parts)),
  /** From big-endian bytes of a positive number. */
  integer: (bytes: Buffer): Buffer => tagged(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes),
  boolean: (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0])),
  octets: (content: Buffer): Buffer => tagged(0x04, content),
  /** `unused` is the number of bits at the end that do not count. */
  bits: (content: Buffer, unused = 0): Buffer => tagged(0x03, Buffer.concat([Buffer.from([unused]), content])),
  text: (value: string): Buffer => tagged(0x0c, Buffer.from(value, "utf8")),
  oid: (dotted: string): Buffer => {
    const [first, second, ...rest] = dotted.split(".").map(Number);
    return tagged(0x06, Buffer.from([first! * 40 + second!, ...rest.flatMap(base128)]));
  },
  /** UTCTime until 2049, GeneralizedTime from then on, as RFC 5280 demands. Whole seconds. */
  time: (atMs: number): Buffer => {
    const digits = new Date(atMs)
      .toISOString()
      .replace(/\.\d+Z$/, "")
      .replace(/[-:T]/g, "");
    return digits < "2050" ? tagged(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tagged(0x18, Buffer.from(`${digits}Z`));
  },
  /** Context-specific: `explicit` wraps a value, `implicit` takes its content in place of its tag. */
  explicit: (number: number, content: Buffer): Buffer => tagged(0xa0 | number, content),
  implicit: (number: number, content: Buffer): Buffer => tagged(0x80 | number, content),
};

const base128 = (value: number): number[] => {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
};
