import { describe, expect, it } from 'vitest';
import { LogLines } from './log-lines.ts';

/** A log in memory, of which one read gives at most a few bytes. */
function linesOf(text: string, most = 7): LogLines {
  const bytes = Buffer.from(text);
  return new LogLines(
    {
      info: async () => ({ readable: bytes.length, closed: true, createdAt: 0, updatedAt: 0 }),
      read: async (_id, start, end) => bytes.subarray(start, Math.min(end, start + most)),
    },
    'b',
  );
}

async function texts(lines: AsyncIterable<{ text: string; line: number }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { text, line } of lines) found.push(`${line} ${text}`);
  return found;
}

describe('lines of a log', () => {
  const TEXT = 'one\n\nthe third is longer than a block\nżółw\n';
  const ALL = ['0 one', '1 ', '2 the third is longer than a block', '3 żółw'];

  it('come in both directions', async () => {
    expect(await texts(linesOf(TEXT).forward({ offset: 0, line: 0 }))).toEqual(ALL);
    const lines = linesOf(TEXT, 1000);
    expect(await texts(lines.backward(await lines.end()))).toEqual(ALL.toReversed());
    expect(await linesOf(TEXT).end()).toEqual({ offset: Buffer.byteLength(TEXT), line: 4 });
  });

  it('go on from where they were', async () => {
    const lines = linesOf(TEXT, 1000);
    for await (const { line, next } of lines.forward({ offset: 0, line: 0 })) {
      expect(await texts(lines.forward(next))).toEqual(ALL.slice(line + 1));
      expect(await texts(lines.backward(next))).toEqual(ALL.slice(0, line + 1).toReversed());
    }
  });

  it('are none of a log that is empty', async () => {
    expect(await texts(linesOf('').forward({ offset: 0, line: 0 }))).toEqual([]);
    expect(await texts(linesOf('').backward({ offset: 0, line: 0 }))).toEqual([]);
  });
});
