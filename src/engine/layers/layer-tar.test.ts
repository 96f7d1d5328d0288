import { openSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LayerEncoder } from '../../images/compress.ts';
import { digestOf } from '../../images/digest.ts';
import type { TarHeader } from '../../images/tar/header.ts';
import { writeTar } from '../../images/tar/write.ts';
import { type Body, LayerTar, type Measured } from './layer-tar.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-layer-tar-'));
});
afterEach(() => rm(folder, { recursive: true }));

const header = (name: string, size: number, more: Partial<TarHeader> = {}): TarHeader => ({
  name,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size,
  mtime: 1_700_000_000,
  ...more,
});

const bytesOf = (n: number, size: number) => Buffer.alloc(size, `file ${n} `);

/** Around the end of a block, of a small file, and of a row of 512 bytes. */
const SIZES = [0, 1, 511, 512, 513, 100_000, 128 << 10, (128 << 10) + 1, 700_000, 1 << 20, (1 << 20) - 512, 2_500_000];

interface Written {
  tar: Buffer;
  measured: Measured[];
}

async function write(files: { header: TarHeader; open?: () => Body; keepText?: boolean }[]): Promise<Written> {
  const out: Uint8Array[] = [];
  const encoder = new LayerEncoder(async (chunk) => void out.push(Buffer.from(chunk)));
  const tar = new LayerTar(encoder);
  const measured: Measured[] = [];
  for (const { header, open, keepText = false } of files)
    if (open === undefined) await tar.entry(header);
    else measured.push(await tar.file(header, open, keepText));
  await tar.finish();
  await encoder.finish();
  return { tar: gunzipSync(Buffer.concat(out)), measured };
}

it('writes the tar that the entries make, wherever blocks end, and knows what each file held', async () => {
  const names = [...SIZES, ...SIZES].map((size, n) => ({
    name: n % 5 === 0 ? `long/${'n'.repeat(120)}/${n}` : `f${n}`,
    size,
  }));
  const files = names.map(({ name, size }, n) => {
    const path = join(folder, `${n}`);
    writeFileSync(path, bytesOf(n, size));
    return { header: header(name, size), open: () => ({ fd: openSync(path, 'r'), size }) };
  });
  const dir = { header: header('d\u00e9', 0, { type: 'directory', mode: 0o755 }) };
  const { tar, measured } = await write([dir, ...files]);
  const plain: Uint8Array[] = [];
  const inputs = [dir, ...names.map(({ name, size }, n) => ({ header: header(name, size), body: bytesOf(n, size) }))];
  for await (const chunk of writeTar(inputs)) plain.push(chunk);
  expect(tar.equals(Buffer.concat(plain))).toBe(true);
  expect(measured.map(({ digest }) => digest)).toEqual(names.map(({ size }, n) => digestOf(bytesOf(n, size))));
});

it('takes bytes that come by themselves, and keeps a text that is asked for', async () => {
  const stream = async function* () {
    yield Buffer.from('root:x:0:0');
  };
  const path = join(folder, 'passwd');
  writeFileSync(path, 'user:x:1:1');
  const { measured } = await write([
    { header: header('a', 10), open: stream },
    { header: header('etc/passwd', 10), open: () => ({ fd: openSync(path, 'r'), size: 10 }), keepText: true },
  ]);
  expect(measured).toEqual([
    { digest: digestOf('root:x:0:0'), text: undefined },
    { digest: digestOf('user:x:1:1'), text: 'user:x:1:1' },
  ]);
});

it.each([
  ['a small file', 1000],
  ['one of several blocks', 2_000_000],
])('refuses %s that is not as long as it was', async (_, size) => {
  const path = join(folder, 'changing');
  writeFileSync(path, bytesOf(1, size + 1));
  const file = { header: header('changing', size), open: () => ({ fd: openSync(path, 'r'), size }) };
  await expect(write([file])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('now has more'),
  });
  truncateSync(path, size - 1);
  await expect(write([file])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`${size - 1}`),
  });
});
