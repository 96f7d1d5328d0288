import { Problem } from '../../lib/problem.ts';
import { pathBytes, pathText } from './path-text.ts';

/** Where star, GNU tar, Go and docker keep extended attributes. */
export const XATTR_PREFIX = 'SCHILY.xattr.';

/** Records of a PAX extended header (POSIX pax, "pax Extended Header"); values are bytes, since xattrs are. */
export type PaxRecords = Map<string, Buffer>;

/** `length key=value\n`, sorted by key so that equal records give equal bytes. */
export function encodePax(records: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Uint8Array[] = [];
  for (const key of [...records.keys()].sort()) {
    const value = records.get(key) ?? Buffer.alloc(0);
    const head = pathBytes(` ${key}=`);
    const rest = head.length + value.length + 1;
    let length = rest + String(rest).length;
    // The length counts its own digits, and they may be one more than expected.
    if (String(length).length > String(rest).length) length = rest + String(length).length;
    parts.push(Buffer.from(String(length)), head, value, Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** @throws Problem `invalid` when a record has a wrong length or no `=` */
export function decodePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const digits = blank < 0 ? '' : bytes.toString('latin1', at, blank);
    const end = at + Number(digits);
    const equals = blank < 0 ? -1 : bytes.indexOf(0x3d, blank);
    if (!/^\d{1,10}$/.test(digits) || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a)
      throw new Problem('invalid', 'malformed tar: a PAX header has a broken record');
    records.set(pathText(bytes.subarray(blank + 1, equals)), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

export interface PaxTime {
  /** Whole seconds, rounded down. */
  seconds: number;
  /** 0 to 999,999,999, upwards from `seconds`. */
  nanos: number;
}

/** @throws Problem `invalid`; digits after the ninth are dropped, as Go does it */
export function parsePaxTime(text: string): PaxTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw new Problem('invalid', `malformed tar: ${JSON.stringify(text)} is no time`);
  const seconds = Number(match[2]);
  const nanos = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds, nanos };
  return nanos === 0 ? { seconds: seconds === 0 ? 0 : -seconds, nanos } : { seconds: -seconds - 1, nanos: 1e9 - nanos };
}

export function formatPaxTime(seconds: number, nanos: number): string {
  const below = seconds < 0 && nanos > 0;
  const whole = below ? -seconds - 1 : Math.abs(seconds);
  const fraction = below ? 1e9 - nanos : nanos;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
  return `${seconds < 0 ? '-' : ''}${whole}${digits}`;
}

/** A decimal number of a record. @throws Problem `invalid` */
export function parsePaxNumber(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new Problem('invalid', `malformed tar: ${key} is ${JSON.stringify(text.slice(0, 40))}`);
  return number;
}
