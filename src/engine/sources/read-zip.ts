import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { Problem } from '../../lib/problem.ts';
import type { ArchiveEntry } from './unpack-archive.ts';

/** Where a file's bytes are, by the directory at the archive's end (APPNOTE.TXT 4.3.12). */
interface Member {
  name: string;
  method: number;
  flags: number;
  compressed: number;
  size: number;
  crc: number;
  mode: number;
  mtime: number;
  /** Of its local header. */
  at: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const MEMBER = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end of the directory and the longest comment. */
const TAIL = 22 + 65_535;
const MAX_DIRECTORY = 256 << 20;
const BLOCK = 1 << 18;
const ENCRYPTED = 1;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const MAX_LINK = 4096;

/**
 * Reads a zip's entries in the order of its directory, as those of a tar are read: both are unpacked by the same rules. Sizes and checksums are the directory's, and what doesn't keep to them
 * is refused: nothing is inflated beyond what was announced.
 * @throws Problem `invalid`, `unsupported` for encryption and for methods but stored and deflated
 */
export async function* readZip(path: string): AsyncGenerator<ArchiveEntry> {
  const file = await open(path);
  try {
    for (const member of await directoryOf(file)) {
      const { name, mode, mtime, size } = member;
      const common = { name, uid: 0, gid: 0, mtime, mode: mode & 0o7777 };
      const kind = mode & S_IFMT;
      if (name.endsWith('/') || kind === S_IFDIR)
        yield { header: { ...common, type: 'directory', size: 0 }, body: nothing() };
      else if (kind === S_IFLNK) {
        if (size > MAX_LINK) throw new Problem('invalid', `${name} in the zip is no link: it is too long`);
        const chunks: Uint8Array[] = [];
        for await (const chunk of bytesOf(file, member)) chunks.push(chunk);
        const linkname = Buffer.concat(chunks).toString('utf8');
        yield { header: { ...common, type: 'symlink', size: 0, linkname }, body: nothing() };
      } else if (kind === 0 || kind === S_IFREG)
        yield { header: { ...common, type: 'file', size }, body: bytesOf(file, member) };
      else throw new Problem('invalid', `the source holds ${name}, which is neither file, folder nor link`);
    }
  } finally {
    await file.close();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // an entry without bytes
}

async function* bytesOf(file: FileHandle, member: Member): AsyncGenerator<Uint8Array> {
  const { name, method, flags, compressed, size, crc, at } = member;
  if ((flags & ENCRYPTED) !== 0) throw new Problem('unsupported', `${name} in the zip is encrypted`);
  const local = await exactly(file, at, 30);
  if (local.readUInt32LE(0) !== LOCAL) throw damaged(`${name} is not where its directory says`);
  const start = at + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const raw = blocks(file, start, compressed);
  let sum = 0;
  let length = 0;
  for await (const chunk of method === 8 ? inflated(raw) : stored(raw, name, method)) {
    length += chunk.length;
    if (length > size) throw damaged(`${name} is longer than its directory says`);
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (length !== size || sum >>> 0 !== crc) throw damaged(`${name} has other bytes than its directory says`);
}

function stored(raw: AsyncGenerator<Buffer>, name: string, method: number): AsyncGenerator<Buffer> {
  if (method === 0) return raw;
  throw new Problem('unsupported', `${name} in the zip is compressed by method ${method}`, {
    hint: 'Make the archive with zip, or with any program that deflates.',
  });
}

async function* inflated(raw: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw();
  const feeding = pipeline(raw, inflate);
  feeding.catch(() => undefined); // the reader below sees the same error
  try {
    yield* inflate as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw damaged((error as Error).message);
  } finally {
    inflate.destroy();
  }
}

async function* blocks(file: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; ) {
    const block = await exactly(file, start + at, Math.min(BLOCK, length - at));
    at += block.length;
    yield block;
  }
}

async function directoryOf(file: FileHandle): Promise<Member[]> {
  const { size } = await file.stat();
  const tail = await exactly(file, Math.max(0, size - TAIL), Math.min(size, TAIL));
  const end = lastOf(tail, END);
  if (end < 0 || end + 22 > tail.length) throw damaged('it has no directory');
  let count = tail.readUInt16LE(end + 10);
  let length = tail.readUInt32LE(end + 12);
  let at = tail.readUInt32LE(end + 16);
  const locator = end - 20;
  if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR64) {
    const end64 = await exactly(file, Number(tail.readBigUInt64LE(locator + 8)), 56);
    if (end64.readUInt32LE(0) !== END64) throw damaged('its 64-bit directory is not where it says');
    count = Number(end64.readBigUInt64LE(32));
    length = Number(end64.readBigUInt64LE(40));
    at = Number(end64.readBigUInt64LE(48));
  }
  if (length > MAX_DIRECTORY) throw damaged('its directory is too long');
  return membersOf(await exactly(file, at, length), count);
}

function membersOf(directory: Buffer, count: number): Member[] {
  const members: Member[] = [];
  for (let at = 0; members.length < count; ) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== MEMBER) throw damaged('its directory is cut off');
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const next = at + 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw damaged('its directory is cut off');
    const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    // the upper half is a Unix mode when a Unix program made the entry
    const unix = directory.readUInt8(at + 5) === 3;
    const member: Member = {
      name: directory.toString('utf8', at + 46, at + 46 + nameLength).replaceAll('\\', unix ? '\\' : '/'),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      mtime: timeOf(directory.readUInt16LE(at + 14), directory.readUInt16LE(at + 12), extra),
      crc: directory.readUInt32LE(at + 16),
      compressed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      mode: unix ? directory.readUInt16LE(at + 40) : 0,
      at: directory.readUInt32LE(at + 42),
    };
    widen(member, extra);
    if ((member.mode & 0o7777) === 0) member.mode |= member.name.endsWith('/') ? 0o755 : 0o644;
    members.push(member);
    at = next;
  }
  return members;
}

/** Fields of an extra record by its id (APPNOTE.TXT 4.5). */
function extraOf(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** 64-bit numbers, each there only when its 32 bits are all ones. */
function widen(member: Member, extra: Buffer): void {
  const wide = extraOf(extra, 1);
  let at = 0;
  for (const field of ['size', 'compressed', 'at'] as const) {
    if (member[field] !== 0xffffffff) continue;
    if (wide === undefined || at + 8 > wide.length) throw damaged(`${member.name} has no ${field}`);
    member[field] = Number(wide.readBigUInt64LE(at));
    at += 8;
  }
}

/** Seconds since 1970: of the extended timestamp (`UT`), else of DOS's date and time, which has no zone. */
function timeOf(date: number, time: number, extra: Buffer): number {
  const stamp = extraOf(extra, 0x5455);
  if (stamp !== undefined && stamp.length >= 5 && ((stamp[0] as number) & 1) === 1) return stamp.readInt32LE(1);
  const year = 1980 + (date >> 9);
  return Date.UTC(year, ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000;
}

function lastOf(tail: Buffer, signature: number): number {
  for (let at = tail.length - 22; at >= 0; at--) if (tail.readUInt32LE(at) === signature) return at;
  return -1;
}

async function exactly(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw damaged('it is cut off');
    done += bytesRead;
  }
  return bytes;
}

function damaged(what: string): Problem {
  return new Problem('invalid', `the zip is damaged: ${what}`);
}
