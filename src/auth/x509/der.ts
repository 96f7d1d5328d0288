/** The few forms of DER (ITU-T X.690) that a certificate is made of. Each function gives one complete element. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function element(tag: number, contents: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(contents.length), contents]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([0x80 | significant.length]), significant]);
}

export function sequence(...elements: Uint8Array[]): Buffer {
  return element(TAG.sequence, Buffer.concat(elements));
}

export function set(...elements: Uint8Array[]): Buffer {
  return element(TAG.set, Buffer.concat(elements));
}

export function boolean(value: boolean): Buffer {
  return element(TAG.boolean, Buffer.from([value ? 0xff : 0]));
}

/** A number that isn't negative, given as its bytes, the highest first and not zero. */
export function integer(...bytes: number[]): Buffer {
  const high = bytes[0] ?? 0;
  return element(TAG.integer, Buffer.from(high >= 0x80 ? [0, ...bytes] : bytes));
}

/** @param unused bits of the last byte that don't count */
export function bitString(bytes: Uint8Array, unused = 0): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.from([unused]), bytes]));
}

export function octetString(bytes: Uint8Array): Buffer {
  return element(TAG.octetString, bytes);
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text));
}

/** @param text numbers with dots */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return element(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}

/** A moment, to the second; in the short form up to 2049, as RFC 5280 (4.1.2.5) demands. */
export function time(moment: Date): Buffer {
  const text = `${moment.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  return moment.getUTCFullYear() < 2050
    ? element(TAG.utcTime, Buffer.from(text.slice(2)))
    : element(TAG.generalizedTime, Buffer.from(text));
}

/** Field `[number]` of a structure, around whole elements. */
export function tagged(number: number, ...elements: Uint8Array[]): Buffer {
  return element(0xa0 | number, Buffer.concat(elements));
}

/** Field `[number]` in place of the tag of a plain value. */
export function taggedValue(number: number, contents: Uint8Array): Buffer {
  return element(0x80 | number, contents);
}
