import { Buffer } from 'node:buffer';

/** A tar entry of which every field can be wrong. */
export interface RawEntry {
  name?: string | Buffer;
  /** One character; '0' a file, '1' hard link, '2' link, '3' and '4' devices, '5' folder, '6' pipe. */
  flag?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  link?: string | Buffer;
  body?: string | Buffer;
  /** Instead of the body's length. */
  size?: number;
  major?: number;
  minor?: number;
  /** Bytes put over the header before its sum is taken, by offset. */
  over?: Record<number, Buffer>;
  /** Instead of the right one. */
  sum?: number;
  /** Records of a PAX header in front of the entry; a string is written as it is. */
  pax?: Record<string, string | Buffer> | string;
  /** GNU's long name and long link in front of the entry. */
  longName?: string;
  longLink?: string;
}

const MTIME = Date.UTC(2020, 0, 1) / 1000;

/** What hostile and broken programs write: no check of anything. */
export function rawTar(entries: readonly RawEntry[], end = true): Buffer {
  return Buffer.concat([...entries.flatMap(rawEntry), end ? Buffer.alloc(1024) : Buffer.alloc(0)]);
}

function rawEntry(entry: RawEntry): Buffer[] {
  const { pax, longName, longLink, body = '', ...rest } = entry;
  const out: Buffer[] = [];
  if (longName !== undefined) out.push(...rawEntry({ name: '././@LongLink', flag: 'L', body: `${longName}\0` }));
  if (longLink !== undefined) out.push(...rawEntry({ name: '././@LongLink', flag: 'K', body: `${longLink}\0` }));
  if (pax !== undefined)
    out.push(...rawEntry({ name: 'PaxHeaders/x', flag: 'x', body: typeof pax === 'string' ? pax : records(pax) }));
  const bytes = Buffer.from(body);
  out.push(header(rest, bytes.length), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  return out;
}

function records(pax: Record<string, string | Buffer>): Buffer {
  return Buffer.concat(
    Object.entries(pax).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = rest.length;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

function header(entry: RawEntry, length: number): Buffer {
  const { name = 'x', flag = '0', link = '', mode, uid = 0, gid = 0, major = 0, minor = 0, over = {}, sum } = entry;
  const block = Buffer.alloc(512);
  Buffer.from(name).copy(block, 0, 0, 100);
  octal(block, 100, 8, mode ?? (flag === '5' ? 0o755 : 0o644));
  octal(block, 108, 8, uid);
  octal(block, 116, 8, gid);
  octal(block, 124, 12, entry.size ?? length);
  octal(block, 136, 12, MTIME);
  block.write(flag, 156, 'latin1');
  Buffer.from(link).copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, major);
  octal(block, 337, 8, minor);
  for (const [at, bytes] of Object.entries(over)) bytes.copy(block, Number(at));
  block.fill(' ', 148, 156);
  const right = block.reduce((total, byte) => total + byte, 0);
  block.write(`${(sum ?? right).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(
    `${value
      .toString(8)
      .padStart(width - 1, '0')
      .slice(1 - width)}\0`,
    at,
    'latin1',
  );
}
