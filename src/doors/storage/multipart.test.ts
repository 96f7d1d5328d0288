import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundaryOf, readRelated } from './multipart.ts';

describe('multipart/related', () => {
  it('reads the same parts however the network cuts the body', async () => {
    const tricky = fc.array(fc.constantFrom('\n', '\r', '-', '--B', 'B', '\n--', 'x'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        tricky,
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        async (pieces, end, size) => {
          const media = pieces.join('').replaceAll(`${end}--B`, 'boundary');
          const head = `--BX${end}A: 1${end}${end}{"name":"a"}${end}--BX${end}Content-Type: text/x${end}${end}`;
          const parts = await readRelated(cut(`${head}${media}${end}--BX--${end}epilogue`, size), 'BX', 1000);
          expect(parts.metadata.toString()).toBe('{"name":"a"}');
          expect(parts.mediaType).toBe('text/x');
          expect(await textOf(parts.media)).toBe(media);
        },
      ),
    );
  });

  it('takes the quotes off a boundary, single ones too', () => {
    expect(boundaryOf("multipart/related; boundary='===123=='")).toBe('===123==');
    expect(boundaryOf('multipart/related; type="application/json"; boundary="a b"')).toBe('a b');
    expect(boundaryOf('Multipart/Related;boundary=plain')).toBe('plain');
    expect(() => boundaryOf('application/json')).toThrow('not multipart/related');
  });

  it.each([
    ['no boundary at all', 'hello', 'does not begin with its boundary'],
    ['headers without end', '--B\nA: 1', 'middle of its headers'],
    ['metadata without end', '--B\n\n{"a":1}', 'first part does not end'],
    ['metadata beyond the limit', `--B\n\n${'x'.repeat(500)}`, 'longer than 100 bytes'],
  ])('refuses %s', async (_what, body, message) => {
    await expect(readRelated(cut(body, 7), 'B', 100)).rejects.toThrow(message);
  });

  it('breaks the media off when the closing boundary is missing', async () => {
    const { media } = await readRelated(cut('--B\n\n{}\n--B\n\nhalf', 5), 'B', 100);
    await expect(textOf(media)).rejects.toThrow('closing boundary is missing');
  });
});

async function* cut(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString('latin1');
}
