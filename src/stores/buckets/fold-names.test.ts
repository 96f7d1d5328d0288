import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BucketObject, ObjectFilter } from './buckets.ts';
import { foldNames, type NameSpan, textBehind } from './fold-names.ts';

describe('a folded listing', () => {
  it('has each folder once, and what lies in none', async () => {
    const names = ['a', 'dir/', 'dir/x', 'dir/y/z', 'dir0', 'e/f'];
    expect(await pages(names, { delimiter: '/' }, 100)).toEqual(['a', 'dir/*', 'dir0', 'e/*']);
    expect(await pages(names, { delimiter: '/', prefix: 'dir/' }, 100)).toEqual(['dir/', 'dir/x', 'dir/y/*']);
    expect(await pages(names, { prefix: 'dir' }, 100)).toEqual(['dir/', 'dir/x', 'dir/y/z', 'dir0']);
  });

  it('is the same whatever the page size', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'ż', '\u{10ffff}'), minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 30 }),
        fc.record({ prefix: fc.option(name, { nil: undefined }), delimiter: fc.constantFrom(undefined, '/', 'a/') }),
        fc.integer({ min: 1, max: 5 }),
        async (names, filter, limit) => {
          const whole = await pages(names, filter, 1000);
          expect(await pages(names, filter, limit)).toEqual(whole);
          expect(whole).toEqual(naive(names, filter));
        },
      ),
    );
  });

  it('jumps over a large folder without reading it', async () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `many/${String(i).padStart(6, '0')}`).concat('z');
    let read = 0;
    const page = await foldNames({ delimiter: '/', limit: 10 }, async (span) => {
      const rows = select(names, span);
      read += rows.length;
      return rows;
    });
    expect([page.prefixes, page.objects.map((object) => object.name)]).toEqual([['many/'], ['z']]);
    expect(read).toBeLessThan(100);
  });

  it('knows the first text behind a prefix in UTF-8 order', () => {
    expect(textBehind('dir/')).toBe('dir0');
    expect(textBehind('a\u{d7ff}')).toBe('a\u{e000}');
    expect(textBehind('a\u{10ffff}')).toBe('b');
    expect(textBehind('')).toBeUndefined();
    expect(textBehind('\u{10ffff}')).toBeUndefined();
  });
});

/** All pages of a listing, joined; folders end in `*`. */
async function pages(names: string[], filter: Omit<ObjectFilter, 'limit'>, limit: number): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await foldNames({ ...filter, after, limit }, async (span) => select(names, span));
    expect(page.objects.length + page.prefixes.length).toBeLessThanOrEqual(limit);
    found.push(...page.objects.map((object) => object.name), ...page.prefixes.map((prefix) => `${prefix}*`));
    after = page.next;
  } while (after !== undefined);
  return found.sort(byBytes);
}

function naive(names: string[], { prefix = '', delimiter }: Omit<ObjectFilter, 'limit'>): string[] {
  const folded = names
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const at = delimiter === undefined ? -1 : name.indexOf(delimiter, prefix.length);
      return delimiter === undefined || at < 0 ? name : `${name.slice(0, at + delimiter.length)}*`;
    });
  return [...new Set(folded)].sort(byBytes);
}

function select(names: string[], { from, after, before, limit }: NameSpan): BucketObject[] {
  return names
    .filter((name) => from === undefined || byBytes(name, from) >= 0)
    .filter((name) => after === undefined || byBytes(name, after) > 0)
    .filter((name) => before === undefined || byBytes(name, before) < 0)
    .sort(byBytes)
    .slice(0, limit)
    .map((name) => ({ name }) as BucketObject);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
