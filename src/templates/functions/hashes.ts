// uniqueString and guid: texts that are always the same for the same arguments.
import { createHash } from "node:crypto";
import { any, define, type TemplateFunction, text } from "./signature.ts";

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

const finished = (value: number): number => {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};

const firstFactor = 0x239b961b;
const secondFactor = 0xab0e9789 | 0;

/** Two lanes of 32 bits of the 128-bit MurmurHash3 for x86: `[high, low]`. */
const hashOf = (bytes: Buffer): [number, number] => {
  let [low, high] = [0, 0];
  const blocks = bytes.length - (bytes.length % 8);
  const lowMix = (word: number): number => Math.imul(rotated(Math.imul(word, firstFactor), 15), secondFactor);
  const highMix = (word: number): number => Math.imul(rotated(Math.imul(word, secondFactor), 17), firstFactor);
  for (let at = 0; at < blocks; at += 8) {
    low = rotated(low ^ lowMix(bytes.readInt32LE(at)), 19) + high;
    low = (Math.imul(low, 5) + 0x561ccd1b) | 0;
    high = rotated(high ^ highMix(bytes.readInt32LE(at + 4)), 13) + low;
    high = (Math.imul(high, 5) + 0x0bcaa747) | 0;
  }
  const tail = Buffer.alloc(8);
  bytes.copy(tail, 0, blocks);
  const left = bytes.length - blocks;
  if (left > 0) low ^= lowMix(tail.readInt32LE(0));
  if (left > 4) high ^= highMix(tail.readInt32LE(4));
  low ^= bytes.length;
  high ^= bytes.length;
  low = (low + high) | 0;
  high = (high + low) | 0;
  low = finished(low);
  high = finished(high);
  low = (low + high) | 0;
  high = (high + low) | 0;
  return [high >>> 0, low >>> 0];
};

const digits = "abcdefghijklmnopqrstuvwxyz234567";

/** 13 characters, five bits each, the highest first. */
export const uniqueString = (parts: readonly string[]): string => {
  const [high, low] = hashOf(Buffer.from(parts.join("-"), "utf8"));
  let bits = (BigInt(high) << 32n) | BigInt(low);
  let made = "";
  for (let index = 0; index < 13; index++) {
    made += digits[Number(bits >> 59n)]!;
    bits = BigInt.asUintN(64, bits << 5n);
  }
  return made;
};

/** The namespace of the service's guids (unverified). */
const namespace = Buffer.from("11fb06fb712d4ddd98c7e71bbd588830", "hex");

/** Version 5 of RFC 9562, by SHA-1, over the parts joined with `-`. */
export const guidOf = (parts: readonly string[]): string => {
  const hash = createHash("sha1").update(namespace).update(parts.join("-"), "utf8").digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
};

export const hashFunctions: readonly TemplateFunction[] = [
  define("uniqueString", 1, any, (args) => uniqueString(args.map((arg) => text("uniqueString", arg)))),
  define("guid", 1, any, (args) => guidOf(args.map((arg) => text("guid", arg)))),
];

/** What deployments show of their template: a number of 64 bits in decimal. How the service counts a template is not documented (unverified). */
export const templateHash = (json: string): string => {
  const [high, low] = hashOf(Buffer.from(json.toUpperCase(), "utf8"));
  return String((BigInt(high) << 32n) | BigInt(low));
};
