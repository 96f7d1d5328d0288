import { mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readTarFile } from './read.ts';
import { type TarInput, writeTar } from './write.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-tar-file-'));
  path = join(folder, 'layer.tar');
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, body: Buffer): TarInput => ({
  header: { name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0 },
  body,
});

const BIG = Buffer.alloc(700_001, 'big ');
const SMALL = Buffer.from('small');

async function write(): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const entries = [file('a', SMALL), file('b', BIG), file('n'.repeat(200), SMALL), file('c', BIG), file('d', SMALL)];
  for await (const chunk of writeTar(entries)) parts.push(chunk);
  const tar = Buffer.concat(parts);
  writeFileSync(path, tar);
  return tar;
}

test('a tar that is a file is read as one that streams, and says where its bodies lie', async () => {
  await write();
  const bodies: Buffer[] = [];
  for await (const { header, body, place } of readTarFile(path)) {
    const there = Buffer.alloc(header.size);
    if (place !== undefined) readSync(place.fd, there, 0, header.size, place.at);
    // of every second one, the bytes are skipped
    if (bodies.length % 2 === 0) {
      const parts: Uint8Array[] = [];
      for await (const chunk of body) parts.push(chunk);
      expect(Buffer.concat(parts).equals(there)).toBe(true);
    }
    bodies.push(there);
  }
  expect(bodies.map((body) => body.equals(BIG) || body.equals(SMALL))).toEqual([true, true, true, true, true]);
});

test('one that was cut says so, also where nobody reads', async () => {
  const tar = await write();
  writeFileSync(path, tar.subarray(0, 300_000));
  const all = async () => {
    for await (const _ of readTarFile(path));
  };
  await expect(all()).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('within b') });
});
