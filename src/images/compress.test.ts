import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ENCODER_ID, encodeLayer, verifyEncoder } from './compress.ts';
import { decodeLayer } from './decompress.ts';
import { digestOf } from './digest.ts';
import { MEDIA } from './media-types.ts';

const MIB = 1 << 20;

async function* pieces(bytes: Uint8Array, size = 100_003): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Compressible, different in every block, and not a whole number of blocks. */
function text(size: number): Buffer {
  const lines: string[] = [];
  for (let i = 0, length = 0; length < size; i++) {
    const line = `line ${i} of ${(i * 2_654_435_761) % 4_294_967_296}\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, size);
}

function installed(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));
}

async function encode(bytes: Uint8Array, concurrency = 4, size?: number) {
  const out: Uint8Array[] = [];
  const encoded = await encodeLayer(pieces(bytes, size), async (chunk) => void out.push(chunk), { concurrency });
  return { ...encoded, blob: Buffer.concat(out) };
}

async function decode(blob: Uint8Array, mediaType: string, diffID?: ReturnType<typeof digestOf>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of decodeLayer(pieces(blob), mediaType, { diffID })) parts.push(chunk);
  return Buffer.concat(parts);
}

describe('encodeLayer', () => {
  it.each([0, 1, 1024, MIB - 1, MIB, MIB + 1, 11 * MIB + 5])('packs %i bytes that every gunzip reads', async (size) => {
    const tar = text(size);
    const { layer, tarSize, blob } = await encode(tar);
    expect(tarSize).toBe(size);
    expect(layer.diffID).toBe(digestOf(tar));
    expect(layer.blob.digest).toBe(digestOf(blob));
    expect(layer.blob.size).toBe(blob.length);
    if (layer.blob.mediaType === MEDIA.ociLayer) return expect(size).toBeLessThan(2);
    expect(gunzipSync(blob).equals(tar)).toBe(true);
    execFileSync('gzip', ['-t'], { input: blob });
  });

  it('makes the same bytes for any number of threads and any chunks', async () => {
    const tar = text(10 * MIB + 77);
    const one = await encode(tar, 1, 512);
    const four = await encode(tar, 4, 3 * MIB);
    expect(four.blob.equals(one.blob)).toBe(true);
    expect(four.layer).toEqual(one.layer);
  });

  it('leaves what does not compress as a plain tar, measured once', async () => {
    const tar = randomBytes(9 * MIB + 1);
    const { layer, blob } = await encode(tar);
    expect(blob.equals(tar)).toBe(true);
    expect(layer).toEqual({
      diffID: digestOf(tar),
      blob: { mediaType: MEDIA.ociLayer, digest: digestOf(tar), size: tar.length },
    });
  });

  it.each([
    [2, 1],
    [2, 6],
    [1, 30],
    [0.3, 7.5],
    [0.5, 7.4],
    [0.35, 7.7],
  ])('decides by its first 8 MiB alone: %f MiB of text and %f MiB of noise', async (textMiB, noiseMiB) => {
    const tar = Buffer.concat([text(textMiB * MIB), randomBytes(noiseMiB * MIB)]);
    const sample = tar.subarray(0, 8 * MIB);
    const blocks = Array.from({ length: Math.ceil(sample.length / MIB) }, (_, i) =>
      sample.subarray(i * MIB, (i + 1) * MIB),
    );
    const packed = blocks.reduce(
      (sum, block) => sum + deflateRawSync(block, { level: 1, finishFlush: constants.Z_FULL_FLUSH }).length,
      0,
    );
    const worth = packed <= 0.95 * sample.length;
    const { layer, blob } = await encode(tar);
    expect(layer.blob.mediaType).toBe(worth ? MEDIA.ociLayerGzip : MEDIA.ociLayer);
    expect((worth ? gunzipSync(blob) : blob).equals(tar)).toBe(true);
  });

  it('waits for its sink, so that a fast source and a slow disk need little memory', async () => {
    let read = 0;
    let written = 0;
    let ahead = 0;
    const source = (async function* () {
      for (let i = 0; i < 40; i++) {
        read += MIB;
        ahead = Math.max(ahead, read - written);
        yield Buffer.alloc(MIB, `block ${i}`);
      }
    })();
    await encodeLayer(source, async () => {
      await sleep(1);
      written += MIB;
    });
    expect(ahead).toBeLessThan(16 * MIB);
  });

  it('ends the source when the sink fails or the caller gives up', async () => {
    let ended = 0;
    const source = async function* () {
      try {
        for (;;) yield text(MIB);
      } finally {
        ended++;
      }
    };
    const full = encodeLayer(source(), async () => Promise.reject(new Error('disk full')));
    await expect(full).rejects.toThrow('disk full');
    const cancelled = encodeLayer(source(), async () => undefined, { signal: AbortSignal.timeout(20) });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(ended).toBe(2);
  });

  it('knows its own zlib', async () => {
    expect(await verifyEncoder()).toEqual({ id: ENCODER_ID, golden: true });
  });
});

describe('decodeLayer', () => {
  const tar = text(300_000);
  const pack = (program: string, bytes: Uint8Array) =>
    execFileSync(program, ['-c'], { input: bytes, maxBuffer: 64 * MIB });
  const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex');

  it.each([
    ['one gzip member', gzipSync(tar)],
    ['several gzip members', Buffer.concat([gzipSync(tar.subarray(0, 1000)), gzipSync(tar.subarray(1000))])],
    ['a plain tar', tar],
  ])('unpacks %s, whatever the media type says', async (_, blob) => {
    expect((await decode(blob, MEDIA.dockerLayerGzip, digestOf(tar))).equals(tar)).toBe(true);
    expect((await decode(blob, MEDIA.ociLayer)).equals(tar)).toBe(true);
  });

  it.skipIf(!installed('zstd'))('unpacks zstd, also in several frames behind a skippable one', async () => {
    const [first, second] = [pack('zstd', tar.subarray(0, 9)), pack('zstd', tar.subarray(9))];
    const frames = Buffer.concat([skippable, first, skippable, second, skippable]);
    expect((await decode(pack('zstd', tar), MEDIA.ociLayerZstd, digestOf(tar))).equals(tar)).toBe(true);
    expect((await decode(frames, MEDIA.ociLayerZstd)).equals(tar)).toBe(true);
  });

  it.skipIf(!installed('xz'))('unpacks xz', async () => {
    expect((await decode(pack('xz', tar), MEDIA.ociLayer)).equals(tar)).toBe(true);
  });

  it('unpacks nothing from nothing', async () => {
    expect(await decode(Buffer.alloc(0), MEDIA.ociLayer)).toHaveLength(0);
  });

  it.each(['gzip', 'zstd', 'xz'].filter(installed))('refuses cut %s', async (program) => {
    const cut = pack(program, tar).subarray(0, 5000);
    await expect(decode(cut, MEDIA.ociLayerGzip)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('refuses a tar other than the one promised, and layers it cannot read', async () => {
    const wrong = decode(gzipSync(tar), MEDIA.ociLayerGzip, digestOf('other'));
    await expect(wrong).rejects.toThrow(`unpacks to ${digestOf(tar)}, but its image says ${digestOf('other')}`);
    await expect(decode(tar, `${MEDIA.ociLayerGzip}+encrypted`)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it.each(['gzip', 'zstd'].filter(installed))(
    'ends its source when the reader leaves early or the source fails (%s)',
    async (program) => {
      const blob = pack(program, text(3 * MIB));
      let ended = false;
      const source = async function* (failing: boolean) {
        try {
          yield* pieces(blob, 1000);
          if (failing) throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
        } finally {
          ended = true;
        }
      };
      for await (const _chunk of decodeLayer(source(false), MEDIA.ociLayerGzip)) break;
      expect(ended).toBe(true);
      const lost = async () => {
        for await (const _chunk of decodeLayer(source(true), MEDIA.ociLayerGzip));
      };
      await expect(lost()).rejects.toThrow('connection lost');
    },
  );
});
