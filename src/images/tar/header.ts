import { Problem } from '../../lib/problem.ts';
import { pathBytes, pathText } from './path-text.ts';
import { encodePax, formatPaxTime, XATTR_PREFIX } from './pax.ts';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'char-device' | 'block-device' | 'fifo';

/**
 * What a layer tar says of one file. User and group names are absent on purpose: they mean different people on
 * different machines. Our own codec and not tar-stream's, because that one reads PAX as UTF-8 (which destroys binary
 * xattrs such as security.capability), cuts times at 2038 and ids at 2^21.
 */
export interface TarHeader {
  /** As in the tar, without the slash that ends folders. Bytes that are not UTF-8 are escaped (path-text.ts). */
  name: string;
  type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky; no file type. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of the body; 0 unless it is a file. */
  size: number;
  /** Whole seconds since 1970, may be negative. */
  mtime: number;
  /** 0 to 999,999,999, counted upwards from `mtime`. */
  mtimeNanos?: number | undefined;
  /** Target of a symlink as it is, or the name in the tar that a hard link repeats. */
  linkname?: string | undefined;
  devmajor?: number | undefined;
  devminor?: number | undefined;
  /** Name with its namespace (`security.capability`) -> value, which is binary. */
  xattrs?: ReadonlyMap<string, Uint8Array> | undefined;
}

export const BLOCK = 512;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

const FLAGS: Record<TarEntryType, string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'char-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
const TYPES = new Map(Object.entries(FLAGS).map(([type, flag]) => [flag, type as TarEntryType]));

/** The entry type of a typeflag; 7 (contiguous) and NUL (before POSIX) are files. */
export function entryType(flag: string): TarEntryType | undefined {
  return flag === '\0' || flag === '7' ? 'file' : TYPES.get(flag);
}

/** Fills up to whole blocks. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/**
 * The blocks in front of a body: ustar, after a PAX header where ustar can't say it. Equal headers give equal bytes:
 * PAX records are sorted, and nothing of this machine or moment is added.
 */
export function encodeHeader(header: TarHeader): Buffer {
  const name = pathBytes(header.type === 'directory' && !header.name.endsWith('/') ? `${header.name}/` : header.name);
  const link = pathBytes(header.linkname ?? '');
  for (const text of [name, link])
    if (text.includes(0)) throw new RangeError(`tar: NUL in the name ${JSON.stringify(header.name)}`);
  if (header.name === '') throw new RangeError('tar: an entry without a name');
  const size = header.type === 'file' ? header.size : 0;
  const split = splitName(name);
  const records = new Map<string, Uint8Array>();
  const say = (key: string, value: string) => records.set(key, Buffer.from(value));
  if (split === undefined) records.set('path', name);
  if (link.length > 100 || !isAscii(link)) records.set('linkpath', link);
  if (header.uid > MAX_OCTAL_7) say('uid', String(header.uid));
  if (header.gid > MAX_OCTAL_7) say('gid', String(header.gid));
  if (size > MAX_OCTAL_11) say('size', String(size));
  const nanos = header.mtimeNanos ?? 0;
  const plainTime = nanos === 0 && header.mtime >= 0 && header.mtime <= MAX_OCTAL_11;
  if (!plainTime) say('mtime', formatPaxTime(header.mtime, nanos));
  for (const [key, value] of header.xattrs ?? []) {
    if (key.includes('='))
      throw new Problem('unsupported', `${header.name}: the attribute name ${JSON.stringify(key)} has a "="`, {
        hint: 'A tar cannot carry such a name: remove the attribute from the file.',
      });
    records.set(XATTR_PREFIX + key, value);
  }
  const block = ustarBlock(split ?? { prefix: Buffer.alloc(0), name: name.subarray(0, 100) }, link.subarray(0, 100), {
    flag: FLAGS[header.type],
    mode: header.mode & 0o7777,
    uid: header.uid,
    gid: header.gid,
    size,
    mtime: Math.max(0, header.mtime),
    ...devicesOf(header),
  });
  return records.size === 0 ? block : Buffer.concat([paxBlocks(header.name, records), block]);
}

/**
 * The same for the common case, written in place: a name of ASCII that needs no cutting, and nothing that needs PAX. Those
 * are nearly all entries of a layer, and a buffer or two for each would cost more than the header.
 * @param room of at least one block
 * @returns false when the header is not of that kind; `room` holds nothing of use then
 */
export function writePlainHeader(room: Buffer, header: TarHeader): boolean {
  const { name, linkname = '', type, uid, gid, mtime } = header;
  const size = type === 'file' ? header.size : 0;
  const slash = type === 'directory' && !name.endsWith('/');
  if (name.length + (slash ? 1 : 0) > 100 || name === '' || linkname.length > 100) return false;
  if (uid > MAX_OCTAL_7 || gid > MAX_OCTAL_7 || size > MAX_OCTAL_11 || header.xattrs !== undefined) return false;
  if ((header.mtimeNanos ?? 0) !== 0 || mtime < 0 || mtime > MAX_OCTAL_11) return false;
  room.fill(0, 0, BLOCK);
  if (!putAscii(room, 0, name) || !putAscii(room, 157, linkname)) return false;
  if (slash) room[name.length] = 0x2f;
  fillFields(room, { flag: FLAGS[type], mode: header.mode & 0o7777, uid, gid, size, mtime, ...devicesOf(header) });
  return true;
}

function putAscii(block: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code >= 0x80) return false;
    block[at + i] = code;
  }
  return true;
}

function devicesOf({ devmajor = 0, devminor = 0 }: TarHeader): { devmajor: number; devminor: number } {
  return { devmajor, devminor };
}

function paxBlocks(name: string, records: ReadonlyMap<string, Uint8Array>): Buffer {
  const body = encodePax(records);
  // Seen only by programs that don't know PAX and unpack the header as if it were a file.
  const shown = Buffer.from(`PaxHeaders.0/${(name.split('/').pop() ?? '').replace(/[^\x21-\x7e]/g, '_').slice(0, 80)}`);
  const fields = { flag: 'x', mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0, devmajor: 0, devminor: 0 };
  const block = ustarBlock({ prefix: Buffer.alloc(0), name: shown }, Buffer.alloc(0), fields);
  return Buffer.concat([block, body, Buffer.alloc(padding(body.length))]);
}

interface SplitName {
  prefix: Buffer;
  name: Buffer;
}

/** Cuts a name at a slash so that it fits into ustar's 155 + 100 bytes; undefined when PAX must carry it. */
function splitName(name: Buffer): SplitName | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= 100) return { prefix: Buffer.alloc(0), name };
  if (name.length > 256) return undefined;
  // The slash that ends a folder's name is no place to cut.
  const cut = name.lastIndexOf(0x2f, Math.min(155, name.length - 2));
  if (cut <= 0 || name.length - cut - 1 > 100) return undefined;
  return { prefix: name.subarray(0, cut), name: name.subarray(cut + 1) };
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) >= 0x80) return false;
  return true;
}

interface UstarFields {
  flag: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  devmajor: number;
  devminor: number;
}

function ustarBlock(split: SplitName, link: Buffer, fields: UstarFields): Buffer {
  const block = Buffer.alloc(BLOCK);
  split.name.copy(block, 0);
  link.copy(block, 157);
  split.prefix.copy(block, 345);
  fillFields(block, fields);
  return block;
}

/** All but the names, which the block has already: the checksum counts them. */
function fillFields(block: Buffer, fields: UstarFields): void {
  octal(block, 100, 8, fields.mode);
  octal(block, 108, 8, fields.uid);
  octal(block, 116, 8, fields.gid);
  octal(block, 124, 12, fields.size);
  octal(block, 136, 12, fields.mtime);
  block[156] = fields.flag.charCodeAt(0);
  MAGIC.copy(block, 257);
  octal(block, 329, 8, fields.devmajor);
  octal(block, 337, 8, fields.devminor);
  let sum = 256;
  for (let i = 0; i < BLOCK; i++) sum += block[i] ?? 0;
  octal(block, 148, 7, sum);
  block[155] = 0x20;
}

const MAGIC = Buffer.from('ustar\x0000', 'latin1');

/** A number that is too big for its field is 0 there, and its PAX record counts. */
function octal(block: Buffer, at: number, width: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`tar: ${value} is no number for a header`);
  let rest = value < 8 ** (width - 1) ? value : 0;
  for (let i = at + width - 2; i >= at; i--) {
    block[i] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
}

/** Sum of the block with its own field as blanks; some old programs summed signed bytes. */
function checksum(block: Uint8Array): { unsigned: number; signed: number } {
  let unsigned = 256;
  let signed = 256;
  for (let i = 0; i < BLOCK; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return { unsigned, signed };
}

/** The fields of one block as they stand, before PAX and GNU records are laid over them. */
export interface RawBlock {
  flag: string;
  name: string;
  linkname: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  devmajor: number;
  devminor: number;
}

/** @throws Problem `invalid` when the block is no tar header */
export function decodeBlock(block: Buffer): RawBlock {
  // Blanks and NULs around six digits; text of another kind is no number and equals no sum.
  const said = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+/g, ''), 8);
  const sums = checksum(block);
  if (said !== sums.unsigned && said !== sums.signed)
    throw new Problem('invalid', 'malformed tar: the checksum of a header is wrong', {
      hint: 'The archive is damaged, cut, or no tar at all.',
    });
  const magic = block.toString('latin1', 257, 265);
  // GNU keeps times where POSIX keeps the prefix, and the oldest tars keep nothing there.
  const prefix = magic.startsWith('ustar\0') ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const modern = magic.startsWith('ustar');
  return {
    flag: String.fromCharCode(block[156] ?? 0),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkname: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    devmajor: modern ? number(block, 329, 8) : 0,
    devminor: modern ? number(block, 337, 8) : 0,
  };
}

function text(block: Buffer, at: number, width: number): string {
  const field = block.subarray(at, at + width);
  const end = field.indexOf(0);
  return pathText(end < 0 ? field : field.subarray(0, end));
}

/** Octal, or GNU's base 256 (first bit set, big-endian two's complement) for numbers that octal can't hold. */
function number(block: Buffer, at: number, width: number): number {
  const field = block.subarray(at, at + width);
  const first = field[0] ?? 0;
  if (first & 0x80) {
    let value = BigInt(first & 0x40 ? first - 0x100 : first & 0x7f);
    for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) throw badNumber(field);
    return Number(value);
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .replace(/^[\0 ]+/, '');
  const end = digits.search(/[\0 ]/);
  const octalDigits = end < 0 ? digits : digits.slice(0, end);
  if (octalDigits === '') return 0;
  if (!/^[0-7]+$/.test(octalDigits)) throw badNumber(field);
  return Number.parseInt(octalDigits, 8);
}

function badNumber(field: Buffer): Problem {
  return new Problem('invalid', `malformed tar: ${JSON.stringify(field.toString('latin1'))} is no number`);
}
