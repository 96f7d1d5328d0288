import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeHeader, type TarEntryType, type TarHeader, writePlainHeader } from './header.ts';
import { pathText } from './path-text.ts';
import { readTar } from './read.ts';
import { type TarInput, writeTar } from './write.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-tar-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface Read {
  header: TarHeader;
  body: Buffer;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Read[]> {
  const entries: Read[] = [];
  for await (const { header, body } of readTar(chunks)) entries.push({ header, body: await collect(body) });
  return entries;
}

const file = (name: string, text = '', more: Partial<TarHeader> = {}): TarInput => ({
  header: { name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: Buffer.byteLength(text), mtime: 0, ...more },
  body: Buffer.from(text),
});

/** Any bytes that Linux allows in a path, UTF-8 or not; not ending in a slash, which a tar uses for folders. */
const anyPath = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.stringMatching(/^[a-z0-9._-]{1,60}$/), { minLength: 1, maxLength: 8 })
      .map((parts) => Buffer.from(parts.join('/'))),
  )
  .map((bytes) => pathText(Buffer.from(bytes.filter((byte) => byte !== 0))))
  .filter((path) => path !== '' && !path.endsWith('/'));

const owner = fc.oneof(fc.nat(65_535), fc.constantFrom(0o7777777, 0o10000000, 4_294_967_294));

const anyEntry: fc.Arbitrary<Read> = fc
  .record({
    name: anyPath,
    type: fc.constantFrom<TarEntryType>(
      'file',
      'directory',
      'symlink',
      'hardlink',
      'char-device',
      'block-device',
      'fifo',
    ),
    mode: fc.nat(0o7777),
    uid: owner,
    gid: owner,
    mtime: fc.integer({ min: -2_000_000_000, max: 9_000_000_000 }),
    mtimeNanos: fc.option(fc.integer({ min: 1, max: 999_999_999 }), { nil: undefined }),
    link: anyPath,
    major: fc.nat(4095),
    minor: fc.nat(1_048_575),
    xattrs: fc.dictionary(fc.stringMatching(/^(user|security)\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 300 }), {
      maxKeys: 3,
    }),
    body: fc.uint8Array({ maxLength: 2000 }),
  })
  .map(({ name, type, mode, uid, gid, mtime, mtimeNanos, link, major, minor, xattrs, body }) => {
    const header: TarHeader = { name, type, mode, uid, gid, mtime, size: type === 'file' ? body.length : 0 };
    if (mtimeNanos !== undefined) header.mtimeNanos = mtimeNanos;
    if (type === 'symlink' || type === 'hardlink') header.linkname = link;
    if (type.endsWith('device')) Object.assign(header, { devmajor: major, devminor: minor });
    const attributes = Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value)] as const);
    if (attributes.length > 0) header.xattrs = new Map(attributes.sort(([a], [b]) => (a < b ? -1 : 1)));
    return { header, body: type === 'file' ? Buffer.from(body) : Buffer.alloc(0) };
  });

describe('a layer tar', () => {
  it('gives back every header and body that was written, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyEntry, { maxLength: 5 }),
        fc.integer({ min: 1, max: 1500 }),
        async (entries, size) => {
          const tar = await collect(writeTar(entries));
          expect(tar.length % 512).toBe(0);
          expect(await readAll(cut(tar, size))).toEqual(entries);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('has the same bytes whatever the order of attributes and the chunks of bodies', async () => {
    const xattrs = (keys: string[]) => ({ xattrs: new Map(keys.map((key) => [key, Buffer.from([0xff, 0, 1])])) });
    const one = file('a', 'text', { mtimeNanos: 5, ...xattrs(['user.b', 'user.a']) });
    const other = file('a', 'text', { mtimeNanos: 5, ...xattrs(['user.a', 'user.b']) });
    const chunked = writeTar([{ header: other.header, body: cut(Buffer.from('text'), 1) }]);
    expect(await collect(writeTar([one]))).toEqual(await collect(chunked));
  });

  it('ends whoever makes its entries when its reader leaves', async () => {
    let ended = false;
    const entries = (async function* () {
      try {
        for (let i = 0; ; i++) yield file(`f${i}`, 'x'.repeat(100_000));
      } finally {
        ended = true;
      }
    })();
    for await (const _ of writeTar(entries)) break;
    expect(ended).toBe(true);
  });

  it('uses extended headers only where the plain one cannot say it', async () => {
    const plain = [file('etc/hosts', 'x'), file(`${'d'.repeat(90)}/${'f'.repeat(99)}`)];
    expect((await collect(writeTar(plain))).length).toBe(512 * (2 + 1 + 2));
    expect((await collect(writeTar([file('é')]))).includes('path=é\n')).toBe(true);
  });

  it('is read by GNU tar, with owners, times, long names and links', async () => {
    const long = `${'deep/'.repeat(40)}${'n'.repeat(120)}`;
    const path = join(folder, 'gnu.tar');
    const link: TarHeader = {
      name: 'link',
      type: 'symlink',
      mode: 0o777,
      uid: 1,
      gid: 2,
      size: 0,
      mtime: 9,
      linkname: long,
    };
    writeFileSync(
      path,
      await collect(
        writeTar([file(long, 'hello', { uid: 70_000_000, gid: 7, mtime: 1_700_000_000 }), { header: link }]),
      ),
    );
    const list = execFileSync('tar', ['--numeric-owner', '-tvf', path], {
      env: { ...process.env, TZ: 'UTC' },
    }).toString();
    expect(list).toContain(`-rw-r--r-- 70000000/7`);
    expect(list).toContain(`2023-11-14 22:13 ${long}`);
    expect(list).toContain(`link -> ${long}`);
    expect(execFileSync('tar', ['-xOf', path, long]).toString()).toBe('hello');
  });

  it.each(['gnu', 'pax', 'ustar', 'v7', 'oldgnu'])('reads what GNU tar writes in format %s', async (format) => {
    const source = join(folder, `source-${format}`);
    const long = format === 'v7' || format === 'ustar' ? 'short' : `${'name'.repeat(40)}.txt`;
    execFileSync('mkdir', ['-p', join(source, 'sub')]);
    writeFileSync(join(source, 'sub', long), 'content');
    execFileSync('ln', ['-s', long, join(source, 'sub', 'soft')]);
    execFileSync('ln', [join(source, 'sub', long), join(source, 'sub', 'hard')]);
    const path = join(folder, `${format}.tar`);
    const names = ['sub', `sub/${long}`, 'sub/soft', 'sub/hard'];
    execFileSync('tar', [`--format=${format}`, '--no-recursion', '-C', source, '-cf', path, ...names]);
    const entries = await readAll(cut(readFileSync(path), 700));
    expect(entries.map(({ header }) => [header.name, header.type, header.linkname])).toEqual([
      ['sub', 'directory', undefined],
      [`sub/${long}`, 'file', undefined],
      ['sub/soft', 'symlink', long],
      ['sub/hard', 'hardlink', `sub/${long}`],
    ]);
    const written = statSync(join(source, 'sub', long));
    expect(entries[1]?.header).toMatchObject({
      uid: written.uid,
      gid: written.gid,
      mtime: Math.floor(written.mtimeMs / 1000),
    });
    expect(entries[1]?.body.toString()).toBe('content');
  });

  it('skips bodies that nobody reads', async () => {
    const tar = await collect(writeTar([file('a', 'x'.repeat(5000)), file('b', 'y')]));
    const names: string[] = [];
    for await (const { header } of readTar(cut(tar, 333))) names.push(header.name);
    expect(names).toEqual(['a', 'b']);
  });

  it('keeps base-256 owners of GNU tars', async () => {
    const tar = await collect(writeTar([file('a')]));
    tar.write('80000000ffffffff', 108, 'hex');
    let sum = 0;
    tar.fill(' ', 148, 156);
    for (const byte of tar.subarray(0, 512)) sum += byte;
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    expect((await readAll(cut(tar, 512)))[0]?.header.uid).toBe(0xffffffff);
  });
});

describe('a tar that cannot be trusted', () => {
  const whole = collect(writeTar([file('some/name', 'x'.repeat(700), { mtimeNanos: 1 })]));

  it.each([
    [100, 'truncated tar: it ends within a header'],
    [520, 'truncated tar: it ends within an extended header'],
    [1024, 'truncated tar: it ends after an extended header'],
    [1700, 'truncated tar: it ends within some/name, 536 bytes early'],
  ])('is refused when it is cut after %i bytes', async (length, message) => {
    await expect(readAll(cut((await whole).subarray(0, length), 512))).rejects.toMatchObject({
      code: 'invalid',
      message,
    });
  });

  it('is refused when a byte of a header changed, and when it is no tar', async () => {
    const damaged = Buffer.from(await whole);
    damaged[1024] = 1;
    await expect(readAll(cut(damaged, 512))).rejects.toMatchObject({ code: 'invalid' });
    await expect(readAll(cut(Buffer.from('<html>'.repeat(200)), 512))).rejects.toMatchObject({
      message: 'malformed tar: the checksum of a header is wrong',
    });
  });

  it('never fails otherwise than with a Problem', async () => {
    const tar = await whole;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { maxLength: 6 }), async (changes) => {
        const damaged = Buffer.from(tar);
        for (const [at, value] of changes) damaged[at] = value;
        // A valid checksum lets the damage reach the fields behind it.
        for (const start of [0, 1024]) {
          damaged.fill(' ', start + 148, start + 156);
          let sum = 0;
          for (const byte of damaged.subarray(start, start + 512)) sum += byte;
          damaged.write(`${sum.toString(8).padStart(6, '0')}\0 `, start + 148);
        }
        await readAll(cut(damaged, 512)).catch((error: unknown) => expect(error).toMatchObject({ name: 'Problem' }));
      }),
      { numRuns: 300 },
    );
  });

  it('is not written when a file has another length than its header says', async () => {
    const { header } = file('log', 'abc');
    await expect(collect(writeTar([{ header, body: Buffer.from('ab') }]))).rejects.toMatchObject({ code: 'conflict' });
    await expect(collect(writeTar([{ header, body: cut(Buffer.from('abcd'), 1) }]))).rejects.toThrow('now has more');
  });
});

it('writes a header in place exactly as it stands alone, or not at all', () => {
  fc.assert(
    fc.property(anyEntry, ({ header }) => {
      const room = Buffer.alloc(1024, 0xff);
      if (!writePlainHeader(room, header)) return;
      expect(room.subarray(0, 512).equals(encodeHeader(header))).toBe(true);
      expect(room.subarray(512).every((byte) => byte === 0xff)).toBe(true);
    }),
    { numRuns: 500 },
  );
  const room = Buffer.alloc(512, 0xff);
  expect(writePlainHeader(room, file('usr/bin/tool').header)).toBe(true);
  expect(room.equals(encodeHeader(file('usr/bin/tool').header))).toBe(true);
});
