import { Problem } from '../../lib/problem.ts';
import { ByteSource, type PieceSource } from './byte-source.ts';
import { type FilePlace, FileSource } from './file-source.ts';
import { BLOCK, decodeBlock, entryType, padding, type RawBlock, type TarHeader } from './header.ts';
import { pathText } from './path-text.ts';
import { decodePax, type PaxRecords, parsePaxNumber, parsePaxTime, XATTR_PREFIX } from './pax.ts';

export interface TarEntry {
  header: TarHeader;
  /** The content, to be read before the next entry is asked for; what is left is skipped then. */
  body: AsyncIterable<Uint8Array>;
  /** Where the content lies, when the tar is a file: to be copied from there before the next entry is asked for. */
  place?: FilePlace | undefined;
}

/** Ids of Linux have 32 bits. */
const MAX_ID = 2 ** 32 - 1;

/** Longest PAX header or GNU name kept in memory, as Go limits it: an xattr has at most 64 KiB, a path 4 KiB. */
const SPECIAL_LIMIT = 1 << 20;

/**
 * The entries of a tar as they pass: ustar, PAX, GNU and the old kind. The stream is read to its end, also behind the
 * closing blocks, so that whoever measures it sees every byte. A tar that ends without closing blocks is accepted, as Go
 * and so docker accept it.
 * @throws Problem `invalid` when it is cut within an entry or malformed; `unsupported` for sparse files
 */
export async function* readTar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, undefined> {
  yield* entriesOf(new ByteSource(stream));
}

/** As `readTar`, of a plain tar that is a file: bodies that nobody reads are not read. */
export async function* readTarFile(path: string): AsyncGenerator<TarEntry, void, undefined> {
  yield* entriesOf(await FileSource.open(path));
}

async function* entriesOf(source: PieceSource): AsyncGenerator<TarEntry, void, undefined> {
  try {
    for (;;) {
      const head = await nextHeader(source);
      if (head === undefined) break;
      const body = new Body(source, head.size, head.name);
      yield { header: head, body, place: source.place };
      await body.skip();
    }
    while ((await source.part(1 << 20)) !== undefined);
  } finally {
    await source.close();
  }
}

/** The whole header of the next entry, whatever number of blocks it is spread over; undefined at the end. */
async function nextHeader(source: PieceSource): Promise<TarHeader | undefined> {
  let pax: PaxRecords = new Map();
  let longName: string | undefined;
  let longLink: string | undefined;
  for (let special = false; ; special = true) {
    const block = await source.take(BLOCK);
    const end = block.length === 0 || (block.length === BLOCK && block.every((byte) => byte === 0));
    if (end && special) throw truncated('after an extended header');
    if (end) return undefined;
    if (block.length < BLOCK) throw truncated('within a header');
    const raw = decodeBlock(block);
    if (raw.flag === 'x') pax = decodePax(await readSpecial(source, raw));
    else if (raw.flag === 'L') longName = cString(await readSpecial(source, raw));
    else if (raw.flag === 'K') longLink = cString(await readSpecial(source, raw));
    // Defaults for all that follows (git archive's commit id): every Go client ignores them, so an image would differ.
    else if (raw.flag === 'g') await readSpecial(source, raw);
    else return complete(raw, pax, longName, longLink);
  }
}

async function readSpecial(source: PieceSource, raw: RawBlock): Promise<Buffer> {
  if (raw.size < 0 || raw.size > SPECIAL_LIMIT)
    throw new Problem('invalid', `malformed tar: an extended header of ${raw.size} bytes`);
  const whole = await source.take(raw.size + padding(raw.size));
  if (whole.length < raw.size) throw truncated('within an extended header');
  // of its own: more headers may come before it is looked at, and a stream may use its memory again
  return Buffer.from(whole.subarray(0, raw.size));
}

function complete(raw: RawBlock, pax: PaxRecords, longName?: string, longLink?: string): TarHeader {
  const told = (key: string) => {
    const value = pax.get(key);
    return value === undefined || value.length === 0 ? undefined : value;
  };
  const path = told('path');
  const name = path === undefined ? (longName ?? raw.name) : pathText(path);
  if (name === '') throw new Problem('invalid', 'malformed tar: an entry without a name');
  if (name.includes('\0')) throw new Problem('invalid', `malformed tar: a NUL in the name ${JSON.stringify(name)}`);
  let type = entryType(raw.flag);
  // Tars from before POSIX know folders by their slash alone.
  if (type === 'file' && name.endsWith('/')) type = 'directory';
  const sparse = raw.flag === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'));
  if (type === undefined || sparse)
    throw new Problem(
      'unsupported',
      `${name}: ${sparse ? 'sparse files' : `tar entries of type ${raw.flag}`} are not supported`,
      {
        hint: 'Make the archive anew without --sparse, for example with tar --format=pax.',
      },
    );
  const number = (key: string, otherwise: number) => {
    const value = told(key);
    return value === undefined ? otherwise : parsePaxNumber(key, value);
  };
  const time = told('mtime');
  const { seconds, nanos } =
    time === undefined ? { seconds: raw.mtime, nanos: 0 } : parsePaxTime(time.toString('latin1'));
  const size = type === 'file' ? number('size', raw.size) : 0;
  const uid = number('uid', raw.uid);
  const gid = number('gid', raw.gid);
  if (size < 0 || uid < 0 || gid < 0)
    throw new Problem('invalid', `malformed tar: ${name} has a negative size or owner`);
  if (uid > MAX_ID || gid > MAX_ID)
    throw new Problem('invalid', `malformed tar: the owner of ${name} is ${uid}:${gid}, and ids end at ${MAX_ID}`);
  const header: TarHeader = { name: withoutSlash(name), type, mode: raw.mode, uid, gid, size, mtime: seconds };
  if (nanos !== 0) header.mtimeNanos = nanos;
  if (type === 'symlink' || type === 'hardlink') {
    const link = told('linkpath');
    const target = link === undefined ? (longLink ?? raw.linkname) : pathText(link);
    if (target.includes('\0')) throw new Problem('invalid', `malformed tar: a NUL in the target of ${name}`);
    header.linkname = target;
  }
  if (type === 'char-device' || type === 'block-device') {
    header.devmajor = raw.devmajor;
    header.devminor = raw.devminor;
  }
  const xattrs = readXattrs(pax);
  if (xattrs.size > 0) header.xattrs = xattrs;
  return header;
}

function readXattrs(pax: PaxRecords): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const [key, value] of pax) if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), value);
  return xattrs;
}

/** `/` and `./` keep what makes them a name. */
function withoutSlash(name: string): string {
  return name.replace(/(?<=[^/])\/+$/, '');
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return pathText(end < 0 ? bytes : bytes.subarray(0, end));
}

function truncated(where: string): Problem {
  return new Problem('invalid', `truncated tar: it ends ${where}`, {
    hint: 'The archive was cut on its way or while it was written: fetch or make it again.',
  });
}

/** The content of one entry; it may be read once, as a whole, in part or not at all. */
class Body implements AsyncIterable<Uint8Array> {
  readonly #source: PieceSource;
  readonly #name: string;
  readonly #padding: number;
  #left: number;
  #skipped = false;

  constructor(source: PieceSource, size: number, name: string) {
    this.#source = source;
    this.#name = name;
    this.#padding = padding(size);
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#left > 0 && !this.#skipped) yield await this.#next();
  }

  async #next(): Promise<Buffer> {
    const chunk = await this.#source.part(this.#left);
    if (chunk === undefined) throw this.#truncated();
    this.#left -= chunk.length;
    return chunk;
  }

  #truncated(): Problem {
    return truncated(`within ${this.#name}, ${this.#left} bytes early`);
  }

  async skip(): Promise<void> {
    this.#skipped = true;
    this.#left -= await this.#source.skip(this.#left);
    if (this.#left > 0) throw this.#truncated();
    await this.#source.take(this.#padding);
  }
}
