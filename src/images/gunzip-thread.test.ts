import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeLayerFile } from './decompress.ts';
import { digestOf } from './digest.ts';
import { MEDIA } from './media-types.ts';

/** More than the thread may be ahead, and not a whole number of its blocks. */
const TAR = Buffer.concat([randomBytes(7 << 20), Buffer.alloc(5 << 20), Buffer.from('the end')]);
const PACKED = gzipSync(TAR, { level: 1 });

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-gunzip-'));
  file = join(folder, 'blob');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(bytes: Buffer, diffID = digestOf(TAR)): Promise<Buffer> {
  writeFileSync(file, bytes);
  const parts: Buffer[] = [];
  for await (const chunk of decodeLayerFile(file, MEDIA.ociLayerGzip, { diffID })) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

describe('a large layer, unpacked on a thread', () => {
  test('comes out as it went in, also of several members', async () => {
    expect((await read(PACKED)).equals(TAR)).toBe(true);
    const halves = [TAR.subarray(0, 6 << 20), TAR.subarray(6 << 20)].map((half) => gzipSync(half, { level: 1 }));
    expect((await read(Buffer.concat(halves))).equals(TAR)).toBe(true);
  });

  test('leaves what was read as it is, until five more blocks have come', async () => {
    writeFileSync(file, PACKED);
    const seen: { chunk: Uint8Array; at: number }[] = [];
    let at = 0;
    for await (const chunk of decodeLayerFile(file, MEDIA.ociLayerGzip)) {
      seen.push({ chunk, at });
      at += chunk.length;
      // the thread has time to go as far ahead as it may
      await new Promise((resolve) => setTimeout(resolve, 10));
      for (const { chunk: kept, at: start } of seen.slice(-5))
        expect(TAR.subarray(start, start + kept.length).equals(kept)).toBe(true);
    }
    expect(at).toBe(TAR.length);
  });

  test('is refused when it is cut, damaged or another one than the image says', async () => {
    await expect(read(PACKED.subarray(0, -9))).rejects.toMatchObject({ code: 'invalid', message: /damaged gzip/ });
    const damaged = Buffer.from(PACKED);
    damaged.fill(7, 3 << 20, (3 << 20) + 4096);
    await expect(read(damaged)).rejects.toMatchObject({ code: 'invalid' });
    await expect(read(PACKED, digestOf('another'))).rejects.toMatchObject({ code: 'invalid', message: /image says/ });
  });

  test('can be left early, more often than there may be threads', async () => {
    writeFileSync(file, PACKED);
    for (let n = 0; n < 6; n++)
      for await (const chunk of decodeLayerFile(file, MEDIA.ociLayerGzip)) {
        expect(chunk.length).toBeGreaterThan(0);
        // it waits for room by now
        if (n === 0) await new Promise((resolve) => setTimeout(resolve, 100));
        break;
      }
    expect((await read(PACKED)).equals(TAR)).toBe(true);
  });
});
